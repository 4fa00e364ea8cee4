"""Equations on carried networks, against the general way."""

import pytest
import torch
from torch import nn

from edgewise.kan import KAN
from edgewise.physics import Field, Term
from edgewise.physics.carried import carried_jacobian, carrying, order_of
from edgewise.physics.jacobian import jacobian
from edgewise.testing import assert_within


class Wrapped(nn.Module):
    """A network under a wall and on features of its own, an unknown, a source and a law."""

    def __init__(self):
        super().__init__()
        self.net = KAN([2, [2, 1], 2], grid=4, k=5)
        self.source, self.law = KAN([1, 1], grid=4), KAN([1, 2, 1], grid=3)
        self.factor = nn.Parameter(torch.tensor([2.0, 0.5]))

    def forward(self, x):
        wall = x[:, :1] * (1 - x[:, :1])
        return wall * self.net(torch.stack([x[:, 0], torch.cos(3 * x[:, 1])], 1)) + self.factor[0]


OPERATORS = {
    "value": (0, lambda m, u: u[0].value),
    "slope": (1, lambda m, u: u[1].d(0) * u[0].value),
    "curved": (2, lambda m, u: m.factor[1] * u[0].laplacian() + u[1].d(0, 1) * u.x[:, 1]),
    "two": (2, lambda m, u: torch.stack([u[0].d(1, 1), u[1].value.exp()], 1)),
    "source": (2, lambda m, u: u[0].d(0, 0) - m.source(u.x[:, :1])[:, 0]),
    "law": (1, lambda m, u: u[0].d(0) - m.law(u[0].value.unsqueeze(1))[:, 0]),
}


def points(count=9):
    return torch.rand(count, 2, generator=torch.Generator().manual_seed(0)).double() * 1.6 - 0.8


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Wrapped().double()


@pytest.mark.parametrize("name", OPERATORS)
def test_rows_are_those_of_the_general_way(name, model):
    order, operator = OPERATORS[name]
    term = Term(name, points(), lambda u: operator(model, u), 0.3)
    assert order_of(model, term) == order
    model.net[0].mask[0, 1] = False
    parameters = dict(model.named_parameters())
    parameters.pop("net.1.base_weight")
    rows, residual = carried_jacobian(model, term, parameters, order)
    general, expected = jacobian(model, term, parameters)
    assert_within(residual, expected, 1e-12)
    assert_within(rows, general, 1e-10)


def test_the_gradient_of_a_loss_is_that_of_autograd(model):
    term = Term("curved", points(), lambda u: OPERATORS["curved"][1](model, u))
    parameters = list(model.net.parameters())
    expected = torch.autograd.grad(term.residual(model).square().mean(), parameters)
    with carrying(model, 2):
        found = torch.autograd.grad(term.residual(model).square().mean(), parameters)
    for one, other in zip(found, expected, strict=True):
        assert_within(one, other, 1e-10)


def test_what_takes_a_third_derivative_is_left_to_autograd(model):
    def by_hand(u):
        return torch.autograd.grad(u[0].d(0, 0).sum(), u.x, create_graph=True)[0][:, 0]

    assert order_of(model, Term("third", points(), lambda u: u[0].d(0, 0, 0))) is None
    assert order_of(model, Term("third", points(), by_hand)) is None
    chain = nn.Sequential(KAN([2, 3], k=5), KAN([3, 1], k=5)).double()  # the second is moved by the numbers of the first
    assert order_of(chain, Term("value", points(), lambda u: u.value)) == 1
    assert order_of(chain, Term("curved", points(), lambda u: u.laplacian())) is None
    assert order_of(nn.Linear(2, 1).double(), Term("value", points(), lambda u: u.value)) is None


def test_the_networks_are_themselves_afterwards(model):
    before = model(points())
    with carrying(model, 0):
        assert Field(model, points())[0].d(0).isnan().all()
    with pytest.raises(ZeroDivisionError), carrying(model, 0):
        raise ZeroDivisionError
    assert "forward" not in vars(model.net)
    assert_within(model(points()).detach(), before.detach(), 1e-15)
    assert not Field(model, points())[0].d(0).isnan().any()


def test_a_network_with_a_forward_of_its_own_keeps_it():
    class Doubled(KAN):
        def forward(self, x):
            return 2 * super().forward(x)

    model = Doubled([2, 1]).double()
    term = Term("value", points(), lambda u: u.value)
    assert order_of(model, term) is None
    with carrying(model, 0):
        assert_within(term.residual(model).detach(), model(points())[:, 0].detach(), 1e-15)
