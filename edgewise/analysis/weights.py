"""How the weights of a network are spread, and how that changes while it is trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.analysis.directions import Weights
from edgewise.nn import AttentionOperator, GroupRational, parameter_kinds

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ALL = "all weights"
KINDS = {"coefficient": "functions on edges", "weight": "dense weights", "offset": "biases and norms"}
SMALL = 0.01
SHOWN = 0.999  # part of the weights of every epoch that the bins cover


@dataclass(frozen=True)
class GroupHistogram:
    """The weights of one group, epoch by epoch."""

    group: str
    epochs: tuple[int, ...]
    edges: np.ndarray
    """(bins + 1,), the same for all epochs."""
    counts: np.ndarray
    """(epochs, bins)."""
    moments: tuple[dict, ...]
    """Of each epoch: ``mean``, ``deviation``, ``kurtosis`` (0 of a normal distribution), ``small`` (part of the weights
    below 0.01 in size) and ``outside`` (part that falls into no bin)."""


@dataclass(frozen=True)
class WeightHistograms:
    """Histograms of all groups of parameters over the kept epochs."""

    groups: tuple[GroupHistogram, ...]

    def rows(self) -> list[dict]:
        """A line for each group, epoch and bin."""
        return [
            {"group": one.group, "epoch": epoch, "from": float(low), "to": float(high), "count": int(count)}
            for one in self.groups
            for epoch, counts in zip(one.epochs, one.counts, strict=True)
            for low, high, count in zip(one.edges, one.edges[1:], counts, strict=False)
        ]

    def summary(self) -> dict:
        """The moments of each group, by epoch."""
        return {
            one.group: {f"epoch {epoch}": moments for epoch, moments in zip(one.epochs, one.moments, strict=True)}
            for one in self.groups
        }

    def plot(self) -> "Figure":
        """A panel for each group: the first epochs light, the last dark."""
        from edgewise._ground.figures import figure_of, require, style

        colours = require("matplotlib", extra="training").colormaps["viridis_r"]
        with style():
            columns = min(3, len(self.groups))
            lines = -(-len(self.groups) // columns)
            figure = figure_of(figsize=(3.6 * columns, 2.8 * lines), layout="constrained")
            places = figure.subplots(lines, columns, squeeze=False).ravel()
            for axes, one in zip(places, self.groups, strict=False):
                shown = sorted({round(i) for i in np.linspace(0, len(one.epochs) - 1, 5)})
                for index in shown:
                    density = one.counts[index] / max(one.counts[index].sum(), 1) / np.diff(one.edges)
                    share = index / max(len(one.epochs) - 1, 1)
                    axes.stairs(density, one.edges, color=colours(0.1 + 0.9 * share), label=f"epoch {one.epochs[index]}")
                axes.set(title=one.group, yscale="log", xlabel="weight", ylabel="density")
            for axes in places[len(self.groups) :]:
                axes.set_axis_off()
            places[0].legend(fontsize=7)
        return figure


def weight_groups(model: nn.Module) -> dict[str, str]:
    """Which group each parameter belongs to, by what the layer that owns it is.

    ``functions on edges`` are the coefficients of KAN layers; ``attention functions`` and ``attention projectors`` belong
    to learnable attention, ``rational functions`` to KAT; the rest are ``dense weights`` and ``biases and norms``.

    Example:
        >>> from edgewise.nn import KANLinear
        >>> weight_groups(nn.Sequential(KANLinear(2, 3), nn.LayerNorm(3)))
        {'0.coef': 'functions on edges', '0.base_weight': 'dense weights', '1.weight': 'biases and norms', \
'1.bias': 'biases and norms'}
    """
    groups = {name: KINDS[kind] for name, kind in parameter_kinds(model).items()}
    for place, module in model.named_modules():
        prefix = f"{place}." if place else ""
        for own, _ in module.named_parameters():
            name = prefix + own
            if name not in groups:  # tied, and named elsewhere
                continue
            if isinstance(module, AttentionOperator):
                groups[name] = "attention functions" if "functions." in own or "outer." in own else "attention projectors"
            elif isinstance(module, GroupRational):
                groups[name] = "rational functions"
    return groups


def weight_histograms(checkpoints: Mapping[int, Weights], groups: Mapping[str, str], bins: int = 100) -> WeightHistograms:
    """Count the weights of each group, and of all together, in bins that stay the same over the epochs.

    The bins are even and symmetric about 0; they reach so far that 99.9 % of a group's weights are in them in every epoch,
    and what lies beyond is noted as a part. Checkpoints are read one at a time, twice.

    Args:
        checkpoints: Weights by epoch.
        groups: The group of each parameter, such as :func:`weight_groups` gives.
        bins: Number of bins.

    Raises:
        ConfigError: No checkpoints, no bins, or checkpoints that lack a parameter.

    Example:
        >>> import torch
        >>> found = weight_histograms({0: {"w": torch.tensor([-1.0, 0.0, 1.0])}}, {"w": "dense"}, bins=3)
        >>> found.groups[0].counts.tolist(), found.summary()["dense"]["epoch 0"]["mean"]
        ([[1, 1, 1]], 0.0)
    """
    if not checkpoints or bins < 1:
        raise ConfigError(f"a histogram needs checkpoints and bins, got {len(checkpoints)} and {bins}")
    members = {group: [name for name in groups if groups[name] == group] for group in dict.fromkeys(groups.values())}
    if len(members) > 1:
        members |= {ALL: list(groups)}
    epochs = sorted(checkpoints)
    reach = dict.fromkeys(members, 0.0)
    for epoch in epochs:
        for group, names in members.items():
            sizes = np.abs(_values(checkpoints[epoch], names))
            reach[group] = max(reach[group], float(np.quantile(sizes, SHOWN, method="higher")))
    edges = {group: np.linspace(-(width or 1), width or 1, bins + 1) for group, width in reach.items()}
    counts, moments = {group: [] for group in members}, {group: [] for group in members}
    for epoch in epochs:
        for group, names in members.items():
            values = _values(checkpoints[epoch], names)
            counts[group].append(np.histogram(values, edges[group])[0])
            moments[group].append(_moments(values, counts[group][-1].sum()))
    return WeightHistograms(
        tuple(GroupHistogram(g, tuple(epochs), edges[g], np.stack(counts[g]), tuple(moments[g])) for g in members)
    )


def _values(weights: Weights, names: list[str]) -> np.ndarray:
    missing = [name for name in names if name not in weights]
    if missing:
        raise ConfigError(f"a checkpoint lacks {missing[0]!r}: give checkpoints of the same network")
    return np.concatenate([weights[name].detach().double().cpu().numpy().ravel() for name in names])


def _moments(values: np.ndarray, inside: int) -> dict:
    mean, deviation = values.mean(), values.std()
    kurtosis = ((values - mean) ** 4).mean() / deviation**4 - 3 if deviation > 0 else 0.0
    found = {"mean": mean, "deviation": deviation, "kurtosis": kurtosis, "small": (np.abs(values) < SMALL).mean()}
    return {name: float(value) for name, value in found.items()} | {"outside": float(1 - inside / values.size)}
