import pytest
import torch

from edgewise import ConfigError, EdgewiseError
from edgewise.physics import Box, Term


def line(count=6):
    return torch.linspace(0, 1, count, dtype=torch.float64).unsqueeze(1)


def square(x):
    return x**2


def test_several_equations_in_one_term():
    x = line()
    term = Term("both", x, lambda u: torch.stack([u.value, u.d(0)], 1), torch.cat([x**2, 0 * x], 1))
    assert torch.equal(term.residual(square), torch.cat([0 * x, 2 * x], 1))


@pytest.mark.parametrize("target", [0.5, torch.arange(6.0)])
def test_parts_are_the_whole(target):
    term = Term("t", line(), lambda u: u.d(0) + u.x[:, 0], target)
    parts = list(term.split(4))
    assert [len(part.points) for part in parts] == [4, 2]
    assert torch.equal(torch.cat([part.residual(square) for part in parts]), term.residual(square))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Term("t", torch.zeros(3), abs), r"the points of 't' must be a finite table \(N, d\), got shape \(3,\)"),
        (lambda: Term("t", torch.zeros(0, 2), abs), r"got shape \(0, 2\)"),
        (lambda: Term("t", torch.full((2, 1), torch.nan), abs), r"got shape \(2, 1\) with a NaN or an infinity"),
        (lambda: Term("t", line(), abs, torch.zeros(5)), r"one for each of 6 points, got shape \(5,\)"),
        (lambda: Term("t", line(), abs, float("inf")), "must be finite"),
        (lambda: Term("t", line(), abs, weight=0), "the weight of 't' must be positive and finite, got 0"),
        (lambda: Term("t", [[0.0]], abs), r"the points of 't' must be a tensor \(N, d\), got a list"),
        (lambda: Term("t", line(), abs, None), "the target of 't' must be numbers, got a NoneType"),
        (lambda: Term("t", line(), lambda u: 1.0).residual(square), "must give a tensor, a row a point, got 1.0"),
        (lambda: Term("t", line(), lambda u: u.value, line()).residual(square), r"shape \(6,\) .* \(6, 1\): make them"),
        (lambda: Term("t", line(), lambda u: u.value.sum()).residual(square), r"must give 6 rows, got \(\)"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(EdgewiseError, match=message):
        make()


def test_points_are_drawn_anew_where_the_interest_is():
    box = Box([0], [1])
    term = Term("t", box.inside(200), lambda u: u.d(0), draw=box.inside)
    seen = []

    def interest(pool):
        seen.append(pool.points)
        return 1.0 + 3 * (pool.points[:, 0] > 0.8)  # half of it on a fifth of the points: 0.8 / (0.8 + 0.8)

    other = term.redrawn(interest, seed=3)
    assert other.points.shape == term.points.shape
    assert torch.equal(seen[0], box.inside(2000, 3))
    assert 0.4 < (other.points > 0.8).double().mean() < 0.6
    assert len(other.points.unique(dim=0)) == 200
    assert torch.equal(other.points, term.redrawn(interest, seed=3).points)
    assert not torch.equal(other.points, term.redrawn(interest, seed=4).points)


def test_points_that_cannot_be_drawn_anew():
    box = Box([0], [1])
    with pytest.raises(ConfigError, match="cannot be drawn anew, since its target is known at these only"):
        Term("t", box.inside(6), lambda u: u.value, torch.arange(6.0), draw=box.inside)
    few = Term("t", box.inside(6), lambda u: u.value, draw=lambda count, seed: box.inside(3))
    with pytest.raises(ConfigError, match=r"asked for points of shape \(60, 1\) and gave shape \(3, 1\)"):
        few.redrawn(lambda term: term.points[:, 0], 0)
    with pytest.raises(ConfigError, match=r"cannot be drawn anew: say how, such as draw=box\.inside"):
        Term("t", box.inside(6), lambda u: u.value).redrawn(lambda term: term.points[:, 0], 0)
