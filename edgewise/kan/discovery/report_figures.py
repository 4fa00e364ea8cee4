"""The figures of a report on a discovery, as SVG to stand in a page."""

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np

from edgewise._ground.figures import ACCENT, INK, LINE, PALETTE, SOFT, figure_of, style
from edgewise.kan.discovery.front import Member
from edgewise.kan.fitting.history import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {
    "sparse": LINE,
    "pruned": SOFT,
    "thinned": PALETTE[3],
    "refined": ACCENT,
    "completed": PALETTE[2],
    "formula": PALETTE[1],
}
EXACT = 1e-32  # a loss that is zero is drawn as this


def svg(figure: "Figure") -> str:
    """The figure as an element of a page, without a prologue."""
    page = StringIO()
    figure.savefig(page, format="svg", metadata={"Date": None})
    text = page.getvalue()
    return text[text.index("<svg") :]


def plain(name: str) -> str:
    """A name as Matplotlib writes it letter by letter."""
    return name.replace("$", r"\$")


def typeset(latex: str) -> str | None:
    """A formula as a picture; None if it has what Matplotlib cannot typeset."""
    figure = figure_of((0.1, 0.1), extra="science")
    if r"\frac" not in latex:  # brackets that grow are too small in exponents
        latex = latex.replace(r"\left(", "(").replace(r"\right)", ")")
    try:
        figure.text(0, 0, f"${latex}$", fontsize=16, color=INK, math_fontfamily="cm")
        page = StringIO()
        figure.savefig(page, format="svg", metadata={"Date": None}, bbox_inches="tight", pad_inches=0.04, transparent=True)
    except ValueError:  # mathtext knows less than LaTeX
        return None
    return page.getvalue()[page.getvalue().index("<svg") :]


def parity(y: np.ndarray, predicted: Mapping[str, np.ndarray], target: str) -> "Figure":
    """What formula and network give against the truth."""
    with style("science"):
        figure = figure_of((3.7, 3.7), "constrained", extra="science")
        axes = figure.add_subplot(xlabel=f"{plain(target)}, as it is", ylabel="as predicted")
        ends = [y.min(), y.max()]
        axes.plot(ends, ends, color=LINE, linewidth=1, zorder=0)
        axes.plot(y, predicted["network"], "o", markersize=4, markerfacecolor="none", color=LINE, label="network")
        axes.plot(y, predicted["formula"], ".", markersize=4, color=ACCENT, label="formula")
        axes.legend(loc="upper left", handletextpad=0.2)
    return figure


def course(stages: Sequence[tuple[str, History]]) -> "Figure":
    """The training loss of one fit after the other."""
    with style("science"):
        figure = figure_of((4.8, 3.7), "constrained", extra="science")
        axes = figure.add_subplot(xlabel="step", ylabel="training loss", yscale="log")
        first = 1
        for name, history in stages:
            steps = np.arange(first, first + len(history))
            axes.plot(steps, np.maximum(history.loss, EXACT), color=COLOURS.get(name, INK), label=name, linewidth=1.6)
            first += len(history)
        axes.legend()
    return figure


def front_figure(front: Sequence[Member], chosen: Member) -> "Figure":
    """Error on rows held back over length, the chosen formula marked."""
    with style("science"):
        figure = figure_of((4.8, 3.2), "constrained", extra="science")
        axes = figure.add_subplot(xlabel="length", ylabel="error on rows held back", yscale="log")
        for members, look in (
            (front, {"color": LINE, "markersize": 4}),
            ([chosen], {"color": ACCENT, "markersize": 7, "label": "chosen"}),
        ):
            errors = np.maximum([m.error for m in members], EXACT**0.5)
            axes.plot([m.length for m in members], errors, "o-", linewidth=1, **look)
        axes.legend()
    return figure
