"""An estimator for use where there is no scikit-learn: rows in the units of the data in, targets or logits out."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from edgewise.estimators.columns import Columns
from edgewise.kan.discovery.scale import Scale
from edgewise.kan.kan import KAN
from edgewise.models.deployment import Deployment


class InUnits(nn.Module):
    """A network for rows in the units of the data, and with outputs in those of the targets.

    Args:
        network: For rows in units of their deviations.
        columns: Mean and deviation of each column, what larger and smaller numbers count as, and whether it did not vary:
            what stands in it then counts as its mean.
        targets: Mean and deviation of each target.

    Shape:
        ``(N, columns) -> (N, outputs)``
    """

    mean: Tensor
    deviation: Tensor
    still: Tensor
    lowest: Tensor
    highest: Tensor
    target_mean: Tensor
    target_deviation: Tensor

    def __init__(self, network: KAN, columns: Columns, targets: Scale):
        super().__init__()
        self.network = network
        scale, limits = columns.scale, {"lowest": columns.lowest, "highest": columns.highest}
        numbers = {"mean": scale.mean, "deviation": scale.deviation, "still": columns.still, **limits}
        for name, value in {**numbers, "target_mean": targets.mean, "target_deviation": targets.deviation}.items():
            self.register_buffer(name, value.clone())

    def forward(self, x: Tensor) -> Tensor:
        y = self.network(torch.where(self.still, 0.0, (x.clamp(self.lowest, self.highest) - self.mean) / self.deviation))
        return y * self.target_deviation + self.target_mean


def deployment_of_rows(
    network: KAN, columns: Columns, targets: Scale, names: Sequence[str], output: dict[str, Any]
) -> Deployment:
    """What goes with an estimator.

    Args:
        network: For rows in units of their deviations.
        columns: As for :class:`InUnits`.
        targets: Mean and deviation of each target.
        names: Of the columns.
        output: What comes out, ``name`` among it.
    """
    inputs = columns.scale
    scaler = {"mean": inputs.mean.tolist(), "scale": inputs.deviation.tolist(), "in_graph": True}
    metadata = {
        "task": "classification" if "classes" in output else "regression",
        "input": {"name": "x", "layout": "NC", "dtype": "float64", "columns": list(names), "scaler": scaler},
        "output": {"layout": "NC", **output},
    }
    example = inputs.mean + inputs.deviation * torch.randn(
        3, len(names), generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    model = InUnits(network, columns, targets)
    return Deployment(network=model, example=example, inputs=("x",), outputs=(output["name"],), metadata=metadata)
