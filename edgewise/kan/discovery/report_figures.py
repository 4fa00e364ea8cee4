"""The figures of a report on a discovery, as SVG to stand in a page."""

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np

from edgewise._optional import require
from edgewise.kan.fitting.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, LINE, ACCENT = "#1f2328", "#57606a", "#c9d0d6", "#2f6fd0"
COLOURS = {"sparse": "#9aa4ae", "pruned": "#57606a", "thinned": "#7a5ea8", "refined": ACCENT, "formula": "#d1242f"}
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
    figure = _figure((0.1, 0.1))
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
    figure = _figure((3.7, 3.7))
    axes = _axes(figure, xlabel=f"{plain(target)}, as it is", ylabel="as predicted")
    ends = [y.min(), y.max()]
    axes.plot(ends, ends, color=LINE, linewidth=1, zorder=0)
    axes.plot(y, predicted["network"], "o", markersize=4, markerfacecolor="none", color=LINE, label="network")
    axes.plot(y, predicted["formula"], ".", markersize=4, color=ACCENT, label="formula")
    axes.legend(frameon=False, fontsize=8.5, loc="upper left", handletextpad=0.2, labelcolor=SOFT)
    return figure


def course(stages: Sequence[tuple[str, History]]) -> "Figure":
    """The training loss of one fit after the other."""
    figure = _figure((4.8, 3.7))
    axes = _axes(figure, xlabel="step", ylabel="training loss", yscale="log")
    first = 1
    for name, history in stages:
        steps = np.arange(first, first + len(history))
        axes.plot(steps, np.maximum(history.loss, EXACT), color=COLOURS.get(name, INK), label=name, linewidth=1.6)
        first += len(history)
    axes.legend(frameon=False, fontsize=8.5, labelcolor=SOFT)
    return figure


def _figure(size: tuple[float, float]) -> "Figure":
    return require("matplotlib.figure", extra="science").Figure(figsize=size, layout="constrained")


def _axes(figure: "Figure", **options) -> "Axes":
    axes = figure.add_subplot(**options)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LINE)
    axes.tick_params(colors=SOFT, labelsize=8.5, color=LINE)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=SOFT, fontsize=9.5)
    return axes
