import torch

from edgewise.kan import KAN
from edgewise.physics import Problem, Term
from edgewise.physics.residuals import Residuals
from edgewise.testing import assert_within


def test_each_term_is_asked_the_quickest_way_and_gives_the_same():
    torch.manual_seed(0)
    x, model = torch.rand(9, 1).double(), KAN([1, 3, 1], k=5).double()
    terms = [
        Term("beam", x, lambda u: u.d(0, 0, 0, 0), 1.0, weight=0.1),
        Term("bent", x, lambda u: u.d(0, 0) * u.value, weight=2.0),
        Term("end", x[:1], lambda u: u.value, 3.0),
    ]
    problem = Problem(terms)
    asked = Residuals(model, problem)
    assert asked.orders == {"beam": None, "bent": 2, "end": 0}
    expected = problem.loss(model)
    assert_within(asked.loss().detach(), expected.detach(), 1e-12)
    for parameter in model.parameters():
        (one,) = torch.autograd.grad(asked.loss(), parameter)
        (other,) = torch.autograd.grad(expected, parameter, retain_graph=True)
        assert_within(one, other, 1e-10)
    for name, value in problem.mean_squares(model).items():
        assert_within(asked.mean_squares()[name], value.detach(), 1e-12)
        assert not asked.mean_squares()[name].requires_grad
    for term in terms:
        rows, residual = asked.jacobian(term, dict(model.named_parameters()))
        assert rows.shape == (len(term.points), sum(p.numel() for p in model.parameters()))
        assert_within(residual, term.residual(model).detach(), 1e-10)


def test_what_is_remembered_is_of_the_model_as_it_is():
    x, model = torch.rand(9, 1).double(), KAN([1, 2, 1]).double()
    asked = Residuals(model, Problem([Term("end", x, lambda u: u.value)]))
    for change in (lambda: None, lambda: model[0].coef.data.mul_(2), lambda: model.update_grid(x)):
        change()
        assert_within(asked.mean_squares()["end"], model(x).square().mean().detach(), 1e-12)
