import torch

from edgewise.physics.expanded import expanded
from edgewise.testing import assert_within


def derivatives(y, x, order):
    """Of a function of one row, all of an order."""
    for _ in range(order):
        y = torch.stack([torch.autograd.grad(part, x, create_graph=True)[0].flatten() for part in y.flatten()])
    return y.flatten()


def test_the_derivatives_are_those_given_and_the_next_is_not_a_number():
    torch.manual_seed(0)
    x = torch.rand(1, 3).double().requires_grad_()
    value, slopes = torch.rand(1, 2).double(), torch.rand(1, 2, 3).double()
    half = torch.rand(1, 2, 3, 3).double()
    curves = half + half.transpose(2, 3)
    y = expanded(x, value, slopes, curves)
    for order, given in enumerate((value, slopes, curves)):
        assert_within(derivatives(y, x, order).detach(), given.flatten(), 1e-14)
    assert derivatives(y, x, 3).isnan().all()
    assert derivatives(expanded(x, value), x, 1).isnan().all()
    assert derivatives(expanded(x, value, slopes), x, 2).isnan().all()


def test_derivatives_depend_on_what_was_given():
    """u = s x with u' = s: the gradient of u' by s is one, and of u^2 + u' by the value 2 u."""
    x = torch.tensor([[2.0]], requires_grad=True)
    value, slope = torch.tensor([[6.0]], requires_grad=True), torch.tensor([[[3.0]]], requires_grad=True)
    u = expanded(x, value, slope)
    (first,) = torch.autograd.grad(u.sum(), x, create_graph=True)
    found = torch.autograd.grad((u.square() + first).sum(), [value, slope])
    assert [t.item() for t in found] == [12.0, 1.0]
