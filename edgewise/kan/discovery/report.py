"""What was discovered in a table, as one page of HTML that needs nothing beside it."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike

from edgewise._ground.errors import ConfigError
from edgewise._ground.page import render
from edgewise.io import atomic_write
from edgewise.kan.discovery.front import RULE, Member
from edgewise.kan.discovery.report_figures import course, front_figure, parity, plain, svg, typeset
from edgewise.kan.discovery.result import Discovery
from edgewise.kan.interpret import Choice, Formula, attribute, plot
from edgewise.kan.kan import KAN

SHOWN = 4  # other functions of an edge


def write_report(
    found: Discovery,
    path: str | Path,
    x: ArrayLike,
    y: ArrayLike,
    *,
    target: str = "y",
    title: str = "A formula from a table",
    notes: Sequence[str] = (),
) -> Path:
    """Write the page: formula, fidelity on the rows given, scores, diagram, parity plot, edges, and the course of the fits.

    Args:
        found: What :func:`~edgewise.kan.discovery.discover` found, with one target and not interrupted.
        path: The file.
        x: Rows that were held back, ``(N, inputs)``, in the units of the data.
        y: Their targets, ``(N,)``.
        target: What the targets are called.
        title: The page's.
        notes: Sentences below the title: where the rows come from, what was left out.

    Raises:
        ConfigError: There is no formula, or there are several.
        MissingPackageError: jinja2 or Matplotlib is missing.
    """
    network, formula = _read(found)
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float).ravel()
    names = formula.names
    rows = found.inputs(torch.tensor(x))
    predicted = predictions(found, x)
    diagram = plot(network, rows, names=list(map(plain, names)), out_names=[plain(target)])
    values = {
        "title": title,
        "subtitle": " ".join(notes),
        "target": target,
        "formula": str(formula),
        "typeset": typeset(formula.latex([target])),
        "latex": formula.latex([target]),
        "python": formula.python(),
        "fidelity": fidelity(found, x, y),
        "undefined": int((~np.isfinite(predicted["formula"])).sum()),
        "between": between(found),
        "count": len(x),
        "scores": feature_scores(found, x),
        "diagram": svg(diagram),
        "parity": svg(parity(y, predicted, target)),
        "course": svg(course(found.stages)) if found.stages else "",
        "front": [_row(member, found) for member in found.front],
        "front_figure": svg(front_figure(found.front, chosen)) if (chosen := found.chosen) else "",
        "rule": RULE,
        "edges": [_edge(choice, names, target, network) for choice in found.choices],
        "shape": _shape(found),
        "multiplies": any(layer.arities for layer in network),
        "footer": f"edgewise {version('edgewise')}",
    }
    atomic_write(path, render(["edgewise.kan.discovery"], "report.html.j2", extra="science", **values))
    return Path(path)


def _read(found: Discovery) -> tuple[KAN, Formula]:
    """The network of formulas and its one formula."""
    if found.symbolic is None or found.formula is None or len(found.formula.expressions) != 1:
        count = 0 if found.formula is None else len(found.formula.expressions)
        raise ConfigError(f"a report shows one formula, and {count} were found: discover one target, without an interrupt")
    return found.symbolic, found.formula


def predictions(found: Discovery, x: np.ndarray) -> dict[str, np.ndarray]:
    """What the formula and the network of curves give for rows of the data, each ``(N,)``."""
    with np.errstate(all="ignore"):
        return {"formula": np.asarray(_read(found)[1](x))[:, 0], "network": found.predict(x).numpy()[:, 0]}


def fidelity(found: Discovery, x: ArrayLike, y: ArrayLike) -> list[tuple[str, float, float]]:
    """Root mean square error and R^2 of the formula and of the network, on the rows where they are defined.

    Args:
        found: With one target.
        x: Rows ``(N, inputs)`` in the units of the data.
        y: Their targets, ``(N,)``.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float).ravel()
    table = []
    for name, values in predictions(found, x).items():
        there = np.isfinite(values)
        error = np.square(values - y)[there].mean() if there.any() else np.nan
        spread = np.square(y - y[there].mean())[there].mean() if there.any() else np.nan
        table.append((name, float(error**0.5), float(1 - error / spread) if spread > 0 else float("nan")))
    return table


def between(found: Discovery) -> str:
    """How far the formula is from the fitted curves, at the rows that they were fitted to and between them."""
    if found.departure is None:
        return ""
    return (
        f"At the rows learned from, the formula lies at most {found.departure.rows:.2g} standard deviations from the "
        f"curves; between them, at most {found.departure.between:.2g}."
    )


def feature_scores(found: Discovery, x: ArrayLike) -> list[tuple[str, float]]:
    """How much each input matters in the network that was found, the most important first."""
    network, formula = _read(found)
    scores = attribute(network, found.inputs(torch.tensor(np.asarray(x, dtype=float)))).feature_scores
    names = formula.names
    return sorted(zip(names, scores.tolist(), strict=True), key=lambda pair: -pair[1])


def _row(member: Member, found: Discovery) -> dict:
    return {"member": member, "is_chosen": member is found.chosen, "constants": member.uncertainties}


def _edge(choice: Choice, names: list[str], target: str, network: KAN) -> dict:
    last, layer, taken = choice.layer == len(network) - 1, network[choice.layer], choice.taken
    into = names[choice.into] if choice.layer == 0 else f"node {choice.layer}.{choice.into + 1}"
    kind = "factor" if choice.out >= layer.sums else "node"
    out = target if last and not layer.arities else f"{kind} {choice.layer + 1}.{choice.out + 1}"
    others = sorted((c for c in choice.candidates if c.name != taken.name), key=lambda c: c.error)
    return {
        "edge": f"{into} → {out}",
        "name": taken.name,
        "r2": taken.r2,
        "others": [(c.name, c.r2, c.complexity) for c in others[:SHOWN] if c.r2 > 0],
    }


def _shape(found: Discovery) -> str:
    """The nodes of the network and its grid, in words."""
    grid = getattr(found.network[0].edge.basis, "grid_size", 0)
    widths = " → ".join(str(layer.in_features) for layer in found.network)
    return f"{widths} → {found.network[-1].nodes} nodes, splines on {grid} interval{'s' * (grid > 1)}"
