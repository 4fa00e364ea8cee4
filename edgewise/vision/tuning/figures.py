"""The pictures of a study: scores over trials, what matters, and the score along each setting."""

from typing import TYPE_CHECKING

import numpy as np

from edgewise._ground.figures import FAINT, PALETTE, SOFT, figure_of, style
from edgewise.vision.tuning.trials import TrialRun, Tuning

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def history(tuning: Tuning, score: str) -> "Figure":
    """The score of each trial, pruned ones hollow, and the best by then."""
    with style():
        figure = figure_of(figsize=(4.8, 3.2), layout="constrained")
        axes = figure.subplots()
        complete = _scatter(axes, tuning, lambda trial: trial.index)
        scores = np.array([trial.score for trial in complete])
        if len(complete):
            indices = [trial.index for trial in complete]
            axes.step(indices, np.maximum.accumulate(scores), where="post", color=PALETTE[1], label="best by then")
        axes.set(title=f"{score.capitalize()} of each trial", xlabel="trial")
        axes.locator_params("x", integer=True)
        figure.legend(loc="outside lower right", ncols=3)
    return figure


def importance_bars(importances: dict[str, float]) -> "Figure":
    """Which part of the variance each setting explains, the largest on top."""
    with style():
        figure = figure_of(figsize=(4.8, 3.2), layout="constrained")
        axes = figure.subplots()
        rising = sorted(importances.items(), key=lambda item: item[1])
        names, parts = zip(*((name.replace("_", " "), part) for name, part in rising), strict=True)
        bars = axes.barh(names, parts, color=PALETTE[0])
        axes.bar_label(bars, fmt="%.2f", padding=3)
        axes.set(title="Importance", xlim=(0, 1.15 * max(parts)))
        axes.grid(False, axis="y")
    return figure


def slices(tuning: Tuning, score: str) -> "Figure":
    """The score over each setting, all others as they happened to be; pruned trials hollow."""
    names = list(dict.fromkeys(name for trial in tuning.trials for name in trial.settings))
    with style():
        figure = figure_of(figsize=(2.6 * len(names), 2.8), layout="constrained")
        row = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
        for axes, name in zip(row, names, strict=True):
            values = [trial.settings[name] for trial in tuning.trials if name in trial.settings]
            if isinstance(values[0], float):
                axes.set_xscale("log")
                ticks = np.unique(np.geomspace(min(values), max(values), 3))
                axes.set_xticks(ticks, [f"{tick:.2g}" for tick in ticks])
                axes.set_xticks([], minor=True)
            elif isinstance(values[0], str):
                axes.tick_params(axis="x", rotation=30)
            _scatter(axes, tuning, lambda trial, name=name: trial.settings.get(name))
            axes.set_xlabel(name.replace("_", " "))
        row[0].set_ylabel(score)
    return figure


def _scatter(axes, tuning: Tuning, of) -> list[TrialRun]:
    """Trials as dots; returns the complete ones, in order."""
    found, dots = {}, {"pruned": {"facecolors": "white", "edgecolors": SOFT}, "complete": {"color": PALETTE[0]}}
    for state, options in dots.items():
        found[state] = [t for t in tuning.trials if t.state == state and t.score is not None and of(t) is not None]
        if found[state]:
            scores = [trial.score for trial in found[state]]
            axes.scatter([of(trial) for trial in found[state]], scores, s=22, zorder=3, label=state, **options)
    axes.grid(True, color=FAINT, linewidth=0.5)
    return found["complete"]
