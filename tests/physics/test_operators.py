"""Vector operators, against polynomials derived by hand, and the identities between them."""

import pytest
import torch

from edgewise import ConfigError
from edgewise.kan import KAN
from edgewise.physics import Disc, Field, Problem, Term, along, around, curl, div, grad, laplacian
from edgewise.physics.jacobian import jacobian
from edgewise.physics.residuals import Residuals
from edgewise.physics.unknowns import check_what_is_read
from edgewise.testing import assert_within


def space(x):
    a, b, c = x.unbind(1)
    return torch.stack([a * b**2, b * c, a**3 + c], 1)


def test_operators_of_a_polynomial():
    x = torch.rand(7, 3).double()
    a, b, c = x.unbind(1)
    u = Field(space, x)
    assert_within(div(u).detach(), b**2 + c + 1, 1e-12)
    assert_within(curl(u).detach(), torch.stack([-b, -3 * a**2, -2 * a * b], 1), 1e-12)
    assert_within(laplacian(u).detach(), torch.stack([2 * a, 0 * a, 6 * a], 1), 1e-12)
    assert_within(laplacian(u, [1]).detach(), torch.stack([2 * a, 0 * a, 0 * a], 1), 1e-12)
    assert_within(grad(u)[:, 0].detach(), torch.stack([b**2, 2 * a * b, 0 * a], 1), 1e-12)
    assert_within(div(Field(lambda x: space(x)[:, 1:], x), [1, 2]).detach(), c + 1, 1e-12)


def test_a_curl_has_no_divergence_and_a_gradient_no_curl():
    model = KAN([3, 4, 3], k=4).double()
    x = torch.rand(5, 3).double() - 0.5
    u = Field(model, x)
    turned = curl(u)
    parts = [torch.autograd.grad(turned[:, i].sum(), u.x, retain_graph=True)[0][:, i] for i in range(3)]
    assert sum(parts).abs().max() < 1e-10 * max(part.abs().max() for part in parts)


def test_the_slope_of_a_distance_along_the_normals_is_one():
    disc = Disc([1, 2], 3)
    u = Field(lambda x: (x - disc.centre).norm(dim=1, keepdim=True), disc.edge(20))
    assert_within(along(u, disc.normals(u.x)).detach(), torch.ones(20).double(), 1e-12)


def test_around_is_what_values_and_slopes_differ_by():
    x = torch.rand(5, 2).double()
    a, b = x.unbind(1)
    u = Field(lambda x: torch.stack([x[:, 0] ** 2 * x[:, 1], x[:, 1] ** 3], 1), x)
    expected = torch.stack([2 * a * b + b, 0 * a, 2 * b, 0 * a], 1)  # (a + 1)^2 b - a^2 b, and 2 (a + 1) b - 2 a b
    assert_within(around(u, 0, 1.0).detach(), expected, 1e-12)


def test_what_goes_round_is_differentiated_as_any_other_equation():
    """By the parameters, carried and not: the rows of both are those of autograd."""
    model, x = KAN([2, 3, 2], grid=4, k=4).double(), torch.rand(6, 2).double() - 0.9
    term = Term("round", x, lambda u: around(u, 0, 0.8))
    residuals = Residuals(model, Problem([term]))
    assert residuals.orders == {"round": 1}
    parameters = dict(model.named_parameters())
    carried, direct = residuals.jacobian(term, parameters), jacobian(model, term, parameters)
    for one, other in zip(carried, direct, strict=True):
        assert_within(one, other, 1e-10)
    check_what_is_read(model, Problem([term]))  # the shifted points are no foreign unknown


def test_what_does_not_fit_is_refused():
    u = Field(lambda x: torch.cat([x, x], 1), torch.rand(3, 2))
    with pytest.raises(ConfigError, match="a divergence needs one column for each output, got 4 outputs"):
        div(u)
    with pytest.raises(ConfigError, match="a curl is of two or three outputs, got 4"):
        curl(u)
    with pytest.raises(ConfigError, match="column 2 is to go round, and the points have columns 0 to 1"):
        around(u, 2, 1.0)
    with pytest.raises(ConfigError, match="a period, a finite number other than 0, got 0"):
        around(u, 0, 0)
    with pytest.raises(ConfigError, match=r"the shape of the points, \(3, 2\), got \(3, 3\)"):
        along(u[0], torch.ones(3, 3))
