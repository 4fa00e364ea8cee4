r"""The Kolmogorov-Arnold transformer: group-rational KAN layers where the perceptrons of a transformer stood."""

import math
from functools import partial

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.models.timm_parts import PERCEPTRONS, Perceptron, is_perceptron
from edgewise.nn import GroupRational
from edgewise.nn.rational import Reading, Shared


class GroupRationalMlp(nn.Module):
    r"""Two group-rational KAN layers, :math:`W_2 F_2(W_1 F_1(x) + c_1) + c_2`; F_1 starts as the identity, F_2 as SiLU.

    After Yang and Wang, "Kolmogorov-Arnold Transformer" (arXiv:2409.10594). The weights start with variance gain / fan-in,
    as the paper says; the released code overwrites them with 0.02 of standard deviation.

    Args:
        source: timm's perceptron, which gives up its linear layers (and their names) and dropouts.
        groups: As in :class:`~edgewise.nn.GroupRational`; so are degrees, reading and shared.
    """

    def __init__(
        self,
        source: Perceptron,
        groups: int = 8,
        degrees: tuple[int, int] = (5, 4),
        *,
        reading: Reading = "sum",
        shared: Shared | None = "numerator",
    ):
        super().__init__()
        factory = {"device": source.fc1.weight.device, "dtype": source.fc1.weight.dtype}
        make = partial(GroupRational, groups=groups, degrees=degrees, reading=reading, shared=shared, **factory)
        self.act1 = make(source.fc1.in_features, start="identity")
        self.drop1 = source.drop1
        self.fc1 = source.fc1
        self.act2 = make(source.fc2.in_features, start="silu")
        self.drop2 = source.drop2
        self.fc2 = source.fc2

    def reset_parameters(self) -> None:
        """Draw the weights so that they keep the variance; biases start as 0."""
        for act, linear in ((self.act1, self.fc1), (self.act2, self.fc2)):
            act.reset_parameters()
            gain = 1.0 if linear.weight.is_meta else act.gain()
            with torch.no_grad():
                linear.weight.normal_(std=math.sqrt(gain / linear.in_features))
                if linear.bias is not None:
                    linear.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc1(self.drop1(self.act1(x)))
        return self.fc2(self.drop2(self.act2(x)))


def kanify_mlp(
    model: nn.Module,
    *,
    keep_weights: bool = False,
    groups: int = 8,
    degrees: tuple[int, int] = (5, 4),
    reading: Reading = "sum",
    shared: Shared | None = "numerator",
) -> nn.Module:
    """Replace the perceptrons of a transformer of timm's by group-rational KAN layers, in place.

    Args:
        model: ViT, DeiT, ConViT, Swin or another made of timm's ``Mlp``.
        keep_weights: Keep the weights of the linear layers, such as pretrained ones, instead of drawing them anew.
        groups: As in :class:`~edgewise.nn.GroupRational`; so are degrees, reading and shared.
        degrees: Of numerator and denominator.
        reading: Of the denominator.
        shared: Which coefficients all groups share.

    Returns:
        The same network.

    Raises:
        ConfigError: There is no perceptron, or its sizes do not divide into the groups.
    """
    known = [(n, m) for n, m in model.named_modules() if is_perceptron(m)]
    if not known:
        raise ConfigError(f"there is no perceptron to replace: known are {', '.join(PERCEPTRONS)}")
    for name, source in known:
        made = GroupRationalMlp(source, groups, degrees, reading=reading, shared=shared)
        if not keep_weights:
            made.reset_parameters()
        parent, _, own = name.rpartition(".")
        setattr(model.get_submodule(parent), own, made.train(model.training))
    return model
