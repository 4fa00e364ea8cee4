"""Rows in units of their own deviation, and networks that take and give them as they are."""

from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.kan.fitting.columns import still
from edgewise.kan.kan import KAN
from edgewise.kan.layer import KANLayer
from edgewise.nn.grid import update_grid

REACH = 3**0.5
"""So many deviations from their mean end rows that are spread evenly."""


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation (divisor N) of each column; of a column that does not vary, the deviation is 1.

    Args:
        mean: In the units of the data, ``(columns,)``.
        deviation: The same; positive.

    Example:
        >>> scale = Scale.of(torch.tensor([[1.0, 5.0], [3.0, 5.0]]))
        >>> scale(torch.tensor([[2.0, 6.0]])), scale.back(torch.tensor([[1.0, 0.0]]))
        (tensor([[0., 1.]]), tensor([[3., 5.]]))
    """

    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, rows: Tensor, digit: float | None = None, weight: Tensor | None = None) -> "Scale":
        """The scale of the columns of ``rows``, ``(N, columns)``.

        Args:
            rows: The numbers.
            digit: As for :func:`edgewise.kan.fitting.columns.still`.
            weight: How often each number counts, of a shape that broadcasts against them; once by default.
        """

        def mean_of(numbers: Tensor) -> Tensor:
            if weight is None:
                return numbers.mean(0)
            shares = weight.expand_as(numbers)
            return torch.where(shares > 0, shares * numbers, 0).sum(0) / shares.sum(0)

        mean = mean_of(rows)
        deviation = mean_of((rows - mean).square()).sqrt()
        return cls(mean, torch.where(still(rows, digit), 1, deviation))

    @classmethod
    def none(cls, columns: int) -> "Scale":
        """The scale that leaves so many columns as they are."""
        return cls(torch.zeros(columns, dtype=torch.double), torch.ones(columns, dtype=torch.double))

    def pair(self) -> tuple[list[float], list[float]]:
        """Mean and deviation as lists, as formulas want them."""
        return self.mean.tolist(), self.deviation.tolist()

    def __call__(self, rows: Tensor) -> Tensor:
        """Rows of the data in these units."""
        return (rows - self.mean) / self.deviation

    def back(self, rows: Tensor) -> Tensor:
        """Rows in the units of the data."""
        return rows * self.deviation + self.mean


def in_units(model: KAN, inputs: Scale, outputs: Scale) -> KAN:
    """A network for rows as they are, from one for rows in units of their deviations.

    It has a layer more before and behind: straight lines from each input to its own node.

    Args:
        model: The network; it is not copied.
        inputs: The scale of the rows that ``model`` takes.
        outputs: The scale of what it gives.

    Example:
        >>> rows = torch.tensor([[0.0], [4.0]])
        >>> model = KAN([1, 1]); model.fix_symbolic(0, 0, 0, "x")
        >>> in_units(model, Scale.of(rows), Scale.none(1))(rows).tolist()
        [[-1.0], [1.0]]
    """
    first, last = model[0].in_features, model[-1].nodes
    columns = list(range(first)) if model.inputs is None else model.inputs
    options = {
        "names": model.names,
        "base": model.base,
        "scale": model.scale,
        "affine": model.affine,
        "frozen": model.frozen,
    }
    wide = KAN([first, first, *model.width[1:], last], grid=1, inputs=model.inputs, **options).to(model[0].coef)
    mean, deviation = inputs.mean[columns], inputs.deviation[columns]
    _draw_lines(wide[0], 1 / deviation, -mean / deviation)
    ends = torch.tensor([[-REACH], [REACH]]).to(deviation)
    update_grid(wide[0], (mean + ends * deviation).to(wide[0].coef))  # no spline is left: it says where the rows lie
    _draw_lines(wide[-1], outputs.deviation, outputs.mean)
    for place, layer in enumerate(model, 1):
        wide[place] = layer
    return wide


def _draw_lines(layer: KANLayer, slopes: Tensor, shifts: Tensor) -> None:
    """Make a layer one of straight lines from each input to its own output."""
    layer.set_mask(torch.zeros_like(layer.mask))
    for i, (slope, shift) in enumerate(zip(slopes.tolist(), shifts.tolist(), strict=True)):
        layer.fix_symbolic(i, i, "x", (1.0, 0.0, slope, shift))
