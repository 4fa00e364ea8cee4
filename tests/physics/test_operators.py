"""Vector operators, against polynomials derived by hand, and the identities between them."""

import pytest
import torch

from edgewise import ConfigError
from edgewise.kan import KAN
from edgewise.physics import Disc, Field, along, curl, div, grad, laplacian
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


def test_what_does_not_fit_is_refused():
    u = Field(lambda x: torch.cat([x, x], 1), torch.rand(3, 2))
    with pytest.raises(ConfigError, match="a divergence needs one column for each output, got 4 outputs"):
        div(u)
    with pytest.raises(ConfigError, match="a curl is of two or three outputs, got 4"):
        curl(u)
