import torch

from edgewise.kan import KAN
from edgewise.physics import Box, Causal, GaussNewton, Problem, Term
from edgewise.physics.residuals import Residuals
from edgewise.physics.weighed import Weighed, reached, renewed
from edgewise.testing import assert_within


def case():
    torch.manual_seed(0)
    box = Box([0, 0], [1, 2])
    x = box.inside(40)
    law = Term("law", x, lambda u: torch.stack([u.d(1) + u.value, u.d(0)], 1), weight=0.5, causal=Causal(1, slices=4))
    return KAN([2, 2, 1], k=5).double(), Problem([law, Term("start", x[:5], lambda u: u.value, 1.0)])


def test_renewed_weights_are_those_of_the_residuals():
    model, problem = case()
    residuals = Residuals(model, problem).all_values()
    law, start = renewed(problem, residuals).terms
    assert isinstance(law, Weighed)
    assert not isinstance(start, Weighed)
    squares = residuals["law"].square().mean(1)
    times = law.points[:, 1]
    assert_within(law.counts, law.causal.weights(times, squares)[law.causal.places(times)], 1e-12)
    assert_within(law.mean_square(residuals["law"]), (law.counts * squares).mean(), 1e-12)
    again = renewed(renewed(problem, residuals), residuals).terms[0]
    assert torch.equal(again.counts, law.counts)
    assert reached(problem, residuals).keys() == {"law"}


def test_the_expansion_is_that_of_the_weighted_loss(monkeypatch):
    """Its gradient by autograd; points in parts."""
    model, problem = case()
    counted = renewed(problem, Residuals(model, problem).all_values())
    law = counted.terms[0]
    monkeypatch.setattr("edgewise.physics.gauss_newton.WORKING_NUMBERS", 7 * sum(p.numel() for p in model.parameters()))
    solver = GaussNewton(model, counted)
    found = solver.expansion().gradient
    loss = (0.5 * law.counts * law.residual(model).square().mean(1)).mean() + problem.mean_squares(model)["start"]
    assert abs(solver.value() - loss.item()) < 1e-12
    assert_within(counted.loss(model).detach(), loss.detach(), 1e-12)
    wanted = torch.autograd.grad(loss, [p for p in model.parameters() if p.requires_grad])
    assert_within(2 * found, torch.cat([g.flatten() for g in wanted]), 1e-10)
