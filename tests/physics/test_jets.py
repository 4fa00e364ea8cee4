"""Networks carried with their derivatives, against autograd."""

import pytest
import torch

from edgewise.bases import BSpline
from edgewise.kan import KAN
from edgewise.physics.jets import carries, jet_of, square
from edgewise.testing import assert_within

NETWORKS = {
    "sums": lambda: KAN([3, 4, 2], grid=4, k=4),
    "no base": lambda: KAN([2, 3, 1], base=None, k=3),
    "tanh": lambda: KAN([1, 2, 1], base="tanh", k=5),
    "straight base": lambda: KAN([2, 2, 1], base="identity"),
    "fading": lambda: KAN([2, 3, 1], BSpline(5, 4, outside="zero")),
    "products": lambda: KAN([2, [1, 2], [1, 1], 1], mult_arity=[[], [2, 3], [2], []], grid=4, k=4),
    "some columns": lambda: KAN([2, 3, 1], inputs=[2, 0], k=4),
}


def network(kind):
    torch.manual_seed(0)
    model = NETWORKS[kind]().double()
    model.update_grid(model.example_input(50).double() * 0.7)
    return model


@pytest.mark.parametrize("kind", NETWORKS)
def test_derivatives_are_those_of_autograd(kind):
    model = network(kind)
    x = model.select(model.example_input(7).double()).requires_grad_()
    model.inputs = None
    jet, passed = jet_of(model, x, 2, "none")
    y = model(x)
    assert len(passed) == len(model)
    assert_within(jet.value, y.detach(), 1e-12)
    for place in range(y.shape[1]):
        (slopes,) = torch.autograd.grad(y[:, place].sum(), x, create_graph=True)
        assert_within(jet.slopes[:, place], slopes.detach(), 1e-10)
        curves = [torch.autograd.grad(slope.sum(), x, retain_graph=True)[0] for slope in slopes.unbind(1)]
        assert_within(square(jet.curves, x.shape[1])[:, place], torch.stack(curves, 1), 1e-10)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_lower_orders_carry_less_and_the_same(order):
    model = network("products")
    x = model.example_input(5).double()
    jet, _ = jet_of(model, x, order, "none")
    full, _ = jet_of(model, x, 2, "none")
    for place, (part, whole) in enumerate(zip(jet, full, strict=True)):
        assert not part.requires_grad
        if place > order:
            assert part.shape == (*jet.value.shape, 0)
        else:
            assert_within(part, whole, 1e-12)


def test_what_is_not_carried_is_known():
    assert all(carries(make()) for make in NETWORKS.values())
    formula = KAN([2, 1])
    formula.fix_symbolic(0, 0, 0, "sin")
    for other in (KAN([2, 1], scale=True), KAN([2, 1], affine=True), KAN([2, 1], basis="chebyshev"), formula):
        assert not carries(other)
