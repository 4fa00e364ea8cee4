"""What was discovered in a table, as one page of HTML."""

from importlib.resources import files
from io import BytesIO
from pathlib import Path

import numpy as np
import torch

from edgewise._optional import require
from edgewise.fitting.discover import Discovery
from edgewise.interpret import attribute, plot
from edgewise.io import atomic_write

SHOWN = 3  # other candidates of an edge


def write_report(
    found: Discovery, path: str | Path, x, y, *, target: str = "y", title: str = "A formula from a table"
) -> Path:
    """Write the page: formula, fidelity on the rows given, diagram, parity plot, edges, and the course of the fits.

    Args:
        found: What :func:`~edgewise.fitting.discover` found, not interrupted.
        path: The file.
        x: Rows that were held back, ``(N, inputs)``, in the units of the data.
        y: Their targets, ``(N,)``.
        target: What the targets are called.
        title: The page's.

    Raises:
        MissingPackageError: jinja2 or Matplotlib is missing.
    """
    names = [str(variable) for variable in found.formula.variables]
    rows = found.inputs(torch.as_tensor(np.asarray(x, dtype=float)))
    scores = attribute(found.symbolic, rows).feature_scores.tolist()
    values = {
        "title": title,
        "target": target,
        "formula": str(found.formula),
        "latex": found.formula.latex(),
        "python": found.formula.python(),
        "fidelity": fidelity(found, x, y),
        "scores": sorted(zip(names, scores, strict=True), key=lambda pair: -pair[1]),
        "diagram": _svg(plot(found.symbolic, rows, in_names=names, out_names=[target])),
        "parity": _svg(_parity(found, x, y, target)),
        "course": _svg(_course(found)),
        "edges": [_edge(choice, names) for choice in found.choices],
    }
    jinja2 = require("jinja2", extra="science")
    text = (files("edgewise.fitting") / "report.html.j2").read_text(encoding="utf-8")
    page = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(text)
    atomic_write(path, page.render(values).encode())
    return Path(path)


def fidelity(found: Discovery, x, y) -> list[tuple[str, float, float]]:
    """Root mean square error and R^2 of the network of curves and of the formula, on rows in the units of the data."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float).reshape(len(x), -1)
    spread = np.square(y - y.mean(0)).mean()
    predictions = {"network": found.predict(x).numpy(), "formula": found.formula(x)}
    errors = {name: np.square(values - y).mean() for name, values in predictions.items()}
    return [(name, float(e**0.5), float(1 - e / spread) if spread else float("nan")) for name, e in errors.items()]


def _figure(**size):
    require("matplotlib", extra="science")
    from matplotlib.figure import Figure

    return Figure(layout="constrained", **size)


def _parity(found: Discovery, x, y, target: str):
    figure = _figure(figsize=(4, 4))
    axes = figure.add_subplot(xlabel=target, ylabel="formula")
    y = np.asarray(y, dtype=float).ravel()
    axes.plot([y.min(), y.max()], [y.min(), y.max()], color="0.7", linewidth=1)
    axes.plot(y, found.formula(np.asarray(x, dtype=float)).ravel(), ".", markersize=3, color="#2f6fd0")
    return figure


def _course(found: Discovery):
    figure = _figure(figsize=(7, 3))
    axes = figure.add_subplot(xlabel="step", ylabel="training loss", yscale="log")
    start = 0
    for stage, history in found.stages:
        steps = range(start, start + len(history))
        axes.plot(steps, np.maximum(history.loss, 1e-32), label=stage)
        start += len(history)
    axes.legend(fontsize=8)
    return figure


def _svg(figure) -> str:
    page = BytesIO()
    figure.savefig(page, format="svg")
    text = page.getvalue().decode()
    return text[text.index("<svg") :]


def _edge(choice, names: list[str]) -> dict:
    into = names[choice.into] if choice.layer == 0 else f"node {choice.into + 1} of layer {choice.layer}"
    others = sorted((c for c in choice.candidates if c.error < 1), key=lambda c: c.error)
    return {
        "edge": f"{into} to subnode {choice.out + 1} of layer {choice.layer + 1}",
        "name": choice.candidate.name if choice.candidate else "none",
        "r2": f"{choice.candidate.r2:.6f}" if choice.candidate else "",
        "others": ", ".join(f"{c.name} ({c.r2:.4f})" for c in others[:SHOWN]),
    }
