"""Sparsity penalties on the weights."""

import torch
from torch import Tensor, nn

from edgewise.nn.layer import edge_layers
from edgewise.ops.edge import in_full_precision


def weight_penalty(coef: Tensor, l1: float = 1.0, entropy: float = 1.0, dim: int = -1) -> Tensor:
    r"""The weight-based penalty of efficient-KAN: :math:`a \sum_e m_e + e \sum_e -p_e \log p_e`.

    :math:`m_e` is the mean absolute coefficient of edge e and :math:`p_e = m_e / \sum m`. Value and gradient are finite
    where a function, or all of them, are exactly zero. Coefficients in float16 or bfloat16 have a penalty in float32.

    Args:
        coef: Coefficients, those of one edge along ``dim``.
        l1: The factor a.
        entropy: The factor e.
        dim: The dimension of the basis functions.

    Example:
        >>> weight_penalty(torch.tensor([[2.0, 2.0], [0.0, 0.0]]), l1=1.0, entropy=1.0)
        tensor(2.)
    """
    size = in_full_precision(coef).abs().mean(dim)  # a sum over many edges is beyond the range of float16
    total = size.sum()
    share = size / torch.where(total > 0, total, 1)
    logs = torch.where(share > 0, share, 1).log()
    return l1 * total - entropy * (share * logs).sum()


def penalty(model: nn.Module, l1: float = 1.0, entropy: float = 1.0) -> Tensor:
    """The sum of ``layer.penalty(l1, entropy)`` over all layers of ``model`` that have one."""
    own = (getattr(layer, "penalty", None) for _, layer in edge_layers(model))
    terms = [of_layer(l1, entropy) for of_layer in own if of_layer is not None]
    return torch.stack(terms).sum() if terms else torch.zeros(())
