"""An average of the weights over the steps of a training."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


class WeightAverage(AveragedModel):
    r"""A network whose weights are the moving average of those of another: :math:`a \leftarrow d a + (1 - d) w`.

    After :math:`n` steps :math:`d` is :math:`\min(\mathrm{decay}, (1 + n) / (10 + n))`, so that the first weights, which
    know nothing, are soon forgotten. Running means of norms are averaged too; counts are copied.

    Args:
        network: What trains.
        decay: Between 0 and 1.

    Example:
        >>> layer = nn.Linear(1, 1)
        >>> average = WeightAverage(layer, 0.99)
        >>> average.update_parameters(layer)
        >>> torch.equal(average.module.weight, layer.weight)
        True
    """

    def __init__(self, network: nn.Module, decay: float):
        super().__init__(network, avg_fn=partial(_mean, decay), use_buffers=True)
        self.requires_grad_(False)


def _mean(decay: float, average: Tensor, weight: Tensor, steps: Tensor | int) -> Tensor:
    if not average.is_floating_point():
        return weight
    return torch.lerp(average, weight, 1 - min(decay, (1 + int(steps)) / (10 + int(steps))))
