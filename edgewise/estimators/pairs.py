r"""The candidate of second order: a line with squares of columns and products of two.

Few rows tell that two columns act together long before they tell how a network is to bend for it. Such a sum is
:math:`c + b^T x + x^T A x`, found at once like a line (the response surface of G. Box and K. Wilson, J. R. Stat. Soc. B 13,
1951). With :math:`A = \sum_m \lambda_m v_m v_m^T` it is a network as well: m hidden nodes :math:`v_m^T x`, each squared.
"""

import torch
from torch import Tensor

from edgewise.estimators.penalised import Functions
from edgewise.kan.interpret.expand import expand_depth
from edgewise.kan.kan import KAN
from edgewise.kan.layer import KANLayer
from edgewise.nn.grid import update_grid

MOST_NUMBERS = 250  # coefficients of all outputs; of more the candidate is left out


def pairs_of(x: Tensor) -> Functions:
    """The columns of ``x (N, n)`` and their n (n + 1) / 2 products, squares among them.

    Example:
        >>> pairs_of(torch.tensor([[2.0, 3.0]])).values.tolist()
        [[2.0, 3.0, 4.0, 6.0, 9.0]]
    """
    first, second = torch.triu_indices(x.shape[1], x.shape[1])
    values = torch.cat([x, x[:, first] * x[:, second]], 1)
    return Functions(values, torch.diag(values.var(0, correction=0)), values.new_zeros(values.shape[1], values.shape[1]))


def lines(layer: KANLayer) -> Tensor:
    """The coefficients that make each input itself, ``(inputs, K)``: means of d inner knots, in splines of degree d."""
    return _knots(layer).mean(2)


def squares(layer: KANLayer) -> Tensor:
    """The coefficients that make the square of each input, ``(inputs, K)``: means of the products of two inner knots."""
    knots = _knots(layer)
    degree = knots.shape[2]
    return (knots.sum(2).square() - knots.square().sum(2)) / (degree * (degree - 1))


def _knots(layer: KANLayer) -> Tensor:
    # shape: (inputs, K, degree), the inner knots of each spline
    knots, functions = layer.state.tensors()["knots"], layer.coef.shape[1]
    degree = knots.shape[1] - 1 - functions
    return knots[:, 1:-1].unfold(1, degree, 1) if degree else knots[:, :-1].unsqueeze(2)


@torch.no_grad()
def network_of_pairs(layer: KANLayer, products: Tensor, x: Tensor, depth: int) -> KAN:
    """The sum of products of two inputs as a network.

    Args:
        layer: From the inputs to the outputs, on the knots that the network is to have; splines of degree 2 or more.
        products: Their factors, as :func:`pairs_of` orders them, ``(n (n + 1) / 2, outputs)``.
        x: Rows, of which all hidden nodes lie in their grids.
        depth: How many layers, at least two.
    """
    there, outputs = layer.mask.any(0), layer.out_features
    n = int(there.sum())
    first, second = torch.triu_indices(n, n)
    forms = products.new_zeros(outputs, n, n)
    forms[:, first, second] = products.T / 2
    factors, directions = torch.linalg.eigh(forms + forms.mT)  # (outputs, n), (outputs, n, n)
    model = KAN([layer.in_features, outputs * n, outputs], layer.edge.basis).to(layer.coef)
    for one in model:
        one.coef.zero_()
        if one.base_weight is not None:
            one.base_weight.zero_()
    for name, tensor in layer.state.tensors().items():
        model[0].state.tensors()[name].copy_(tensor)
    model[0].set_mask(there.expand_as(model[0].mask))
    model[0].coef[there] = lines(layer)[there].unsqueeze(2) * directions.movedim(1, 0).reshape(n, 1, -1)
    update_grid(model[1], model[0](x))
    owner = torch.arange(outputs).repeat_interleave(n)
    model[1].set_mask(owner == torch.arange(outputs).unsqueeze(1))
    model[1].coef[torch.arange(outputs * n), :, owner] = factors.reshape(-1, 1) * squares(model[1])
    for _ in range(depth - 2):
        model = expand_depth(model)
        model[-1].set_mask(torch.zeros_like(model[-1].mask))
    return model
