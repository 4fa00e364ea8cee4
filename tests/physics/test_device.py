"""Solutions on another device, and domains asked about points there."""

import pytest
import torch

from edgewise.kan import KAN
from edgewise.physics import Box, Disc, Polygon, Problem, Term, Walled, solve
from edgewise.testing import AWAY, OtherDevice, assert_within

T = torch.linspace(0, 1, 30, dtype=torch.double).unsqueeze(1)
FRAME = Polygon([(0, 0), (4, 0), (4, 4), (0, 4)], holes=[[(1, 1), (3, 1), (3, 3), (1, 3)]])
DOMAINS = {"box": Box([0, 0], [1, 2]), "disc": Disc([1, 0], 2), "ball": Disc([0, 0, 0], 2), "polygon": FRAME}


@pytest.mark.parametrize("domain", DOMAINS.values(), ids=DOMAINS)
def test_points_there_are_what_they_are_here(domain):
    inside, edge = domain.inside(40), domain.edge(20)
    points = torch.cat([inside, 3 * inside])
    with OtherDevice():
        for asked, x in (
            *((asked, points) for asked in (domain.contains, domain.distance, domain.beyond, domain.wall)),
            (domain.normals, edge),
        ):
            assert torch.equal(asked(x.to(AWAY)).cpu(), asked(x))


@pytest.mark.parametrize("optimizer", ["lm", pytest.param("lbfgs", marks=pytest.mark.slow), "adam"])
def test_a_solution_there_is_that_of_the_cpu(optimizer):
    decay = Term("decay", T, lambda u: u.d(0) + u.value)
    problem = Problem([decay, Term("start", T[:1], lambda u: u.value, 1.0)])

    def solved(**options):
        torch.manual_seed(0)
        model = KAN([1, 1], grid=3).double()
        test = T, torch.exp(-T)
        course = solve(model, problem, test=test, steps=2, optimizer=optimizer, progress=False, **options)
        return model, course

    here, expected = solved()
    with OtherDevice():
        there, found = solved(device=AWAY)
    assert found.loss == pytest.approx(expected.loss, rel=1e-6)
    assert there[0].coef.device.type == "cpu"
    assert_within(there[0].coef.detach(), here[0].coef.detach(), 1e-5)


@pytest.mark.parametrize("domain", [DOMAINS["disc"], FRAME], ids=["disc", "polygon"])
def test_a_walled_network_there(domain):
    model = Walled(KAN([2, 1], k=4).double(), domain, values=0.0)
    problem = Problem([Term("bent", domain.inside(80), lambda u: u.laplacian() + 1.0)])
    with OtherDevice():
        course = solve(model, problem, steps=1, device=AWAY, progress=False)
    assert course.loss[-1] < float("inf")
