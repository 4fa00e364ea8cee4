import math

import pytest
import torch

from edgewise import ConfigError
from edgewise.kan import KAN
from edgewise.physics import Box, Disc, Field, Periodic, Problem, Term, Walled, solve
from edgewise.testing import assert_within


def test_poisson_on_a_disc_with_values_built_in():
    """u = (1 - r^2) e^x: the network inside has to be e^x; its grid moves beyond [-1, 1]."""
    torch.manual_seed(0)
    disc = Disc([0, 0], 2)

    def exact(x):
        return (4 - x.square().sum(1)) * x[:, 0].exp()

    x = disc.inside(400)
    wanted = (-4 - 4 * x[:, 0] + 4 - x.square().sum(1)) * x[:, 0].exp()
    model = Walled(KAN([2, 1], grid=5, k=5), disc).double()
    solve(model, Problem([Term("inside", x, lambda u: u.laplacian(), wanted)]), steps=10)
    knots = model.network[0].state.knots[0, 5:-5]
    assert knots[0] < -1.9 < 1.9 < knots[-1]
    new = disc.inside(200, seed=5)
    assert_within(model(new)[:, 0].detach(), exact(new), 1e-4)
    assert model(disc.edge(50)).abs().max() < 1e-12


def test_values_may_be_functions_of_one_or_more_outputs():
    x = Box([0, 0], [1, 2]).face(1, "low", 9)
    one = Walled(KAN([2, 1]).double(), lambda x: x[:, 1], lambda x: x[:, 0] ** 2)
    two = Walled(KAN([2, 2]).double(), lambda x: x[:, 1], lambda x: torch.stack([x[:, 0], -x[:, 0]], 1))
    assert_within(one(x).detach(), x[:, :1] ** 2, 1e-15)
    assert_within(two(x).detach(), torch.stack([x[:, 0], -x[:, 0]], 1), 1e-15)
    with pytest.raises(ConfigError, match=r"a wall gives one number a point, 9 of them, got shape \(9, 1\)"):
        Walled(KAN([2, 1]), lambda x: x[:, 1:])(x.float())
    with pytest.raises(ConfigError, match=r"one row a point, 9 of them, got shape \(3,\)"):
        Walled(KAN([2, 1]), lambda x: x[:, 1], lambda x: torch.zeros(3))(x.float())
    with pytest.raises(ConfigError, match=r"a wall gives one number a point, 9 of them, got 1\.0"):
        Walled(KAN([2, 1]), lambda x: 1.0)(x.float())
    with pytest.raises(ConfigError, match="values at a wall must be finite, got nan"):
        Walled(KAN([2, 1]), Disc(), math.nan)


def test_what_goes_round_is_periodic_in_all_derivatives():
    model = Periodic(KAN([3, 3, 1], k=5), {1: (-1, 3)}).double()
    x = torch.rand(6, 2).double()
    around = x + torch.tensor([0.0, 4.0])
    for columns in ((), (1,), (1, 1), (0, 1)):
        assert_within(Field(model, around).d(*columns).detach(), Field(model, x).d(*columns).detach(), 1e-9)
    with pytest.raises(ConfigError, match="a period goes from a number up to another, got 1 to 1 in column 0"):
        Periodic(KAN([2, 1]), {0: (1, 1)})
    with pytest.raises(ConfigError, match=r"some columns, counted from 0, got \[\]"):
        Periodic(KAN([2, 1]), {})
    with pytest.raises(ConfigError, match="column 5 is to go round, and the points have columns 0 to 1"):
        Periodic(KAN([3, 1]), {5: (0, 1)})(x.float())


def test_an_advection_goes_round():
    """u_t + u_x = 0 from e^(cos x): e^(cos(x - t))."""
    torch.manual_seed(0)
    box = Box([0, 0], [2 * math.pi, 1])
    inner = Periodic(KAN([3, 5, 1], grid=5, k=4), {0: (0, 2 * math.pi)})
    model = Walled(inner, lambda x: x[:, 1], lambda x: x[:, 0].cos().exp()).double()
    solve(model, Problem([Term("law", box.inside(500), lambda u: u.d(1) + u.d(0))]), steps=25)
    new = box.inside(200, seed=1)
    assert (model(new)[:, 0] - (new[:, 0] - new[:, 1]).cos().exp()).abs().max() < 1e-2
