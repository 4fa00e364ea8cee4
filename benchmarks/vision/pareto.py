"""The figure of networks by accuracy and cost: which ones nothing else beats in both."""

from collections.abc import Callable, Sequence
from pathlib import Path

from edgewise.analysis import Comparison

COSTS: dict[str, Callable[[Comparison], float]] = {
    "parameters": lambda row: row.parameters,
    "operations, MFLOP a picture": lambda row: (row.matmul_flops + row.elementwise_flops) / 1e6,
    "time, ms a step": lambda row: 1e3 * row.step_seconds,
}


def pareto_front(rows: Sequence[Comparison], cost: Callable[[Comparison], float]) -> list[Comparison]:
    """The networks than which no cheaper one is as accurate, from cheap to dear.

    Example:
        >>> from types import SimpleNamespace as Row
        >>> rows = [Row(top1=top1, cost=cost) for top1, cost in ((0.9, 1), (0.8, 2), (0.95, 3))]
        >>> [row.top1 for row in pareto_front(rows, lambda row: row.cost)]
        [0.9, 0.95]
    """
    front, best = [], float("-inf")
    for row in sorted(rows, key=lambda row: (cost(row), -row.top1)):
        if row.top1 > best:
            front.append(row)
            best = row.top1
    return front


def plot_pareto(rows: Sequence[Comparison], path: Path) -> None:
    """Draw error against each cost, both on logarithmic axes; the front has names, the others their places by error."""
    from matplotlib.figure import Figure  # without pyplot, no screen is looked for
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    places = {row.label: str(place) for place, row in enumerate(sorted(rows, key=_error), 1)}

    figure = Figure(figsize=(15, 5.5), layout="constrained")
    for axes, (name, cost) in zip(figure.subplots(1, len(COSTS), sharey=True), COSTS.items(), strict=True):
        front = pareto_front(rows, cost)
        axes.step([cost(row) for row in front], [_error(row) for row in front], "C1-", where="post", alpha=0.6)
        for row in rows:
            axes.plot(cost(row), _error(row), "C1o" if row in front else "C0o", markersize=5)
            text = f"{places[row.label]} {row.label}" if row in front else places[row.label]
            axes.annotate(text, (cost(row), _error(row)), xytext=(4, 3), textcoords="offset points", fontsize=8)
        axes.set(xscale="log", yscale="log", xlabel=name)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
            axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
            axis.set_minor_formatter(NullFormatter())
        axes.margins(x=0.15)
        axes.grid(alpha=0.3, which="both")
    figure.axes[0].set_ylabel("test error, %")
    figure.savefig(path, dpi=130)


def _error(row: Comparison) -> float:
    return 100 * (1 - row.top1)
