import pytest
import torch

from edgewise import EdgewiseError
from edgewise.physics import Problem, Term


def line(count=6):
    return torch.linspace(0, 1, count, dtype=torch.float64).unsqueeze(1)


def square(x):
    return x**2


def test_the_loss_is_the_weighted_sum_of_mean_squares():
    x = line()
    slope = Term("slope", x, lambda u: u.d(0), weight=0.5)  # 2x
    value = Term("value", x[-2:], lambda u: u.value, torch.tensor([0.0, 3.0]), weight=2)  # 0.64, 1 - 3
    problem = Problem([slope, value])
    squares = {"slope": (2 * x).square().mean().item(), "value": (0.64**2 + 4) / 2}
    assert {name: v.item() for name, v in problem.mean_squares(square).items()} == pytest.approx(squares)
    assert problem.loss(square).item() == pytest.approx(0.5 * squares["slope"] + 2 * squares["value"])
    assert torch.equal(problem.points, torch.cat([x, x[-2:]]))


def test_takes_the_type_of_a_tensor():
    problem = Problem([Term("t", line(), lambda u: u.value, line()[:, 0])]).like(torch.zeros(1))
    assert problem.terms[0].points.dtype == problem.terms[0].target.dtype == problem.loss(square).dtype == torch.float32


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Problem([3]), "a problem is made of Terms, got int"),
        (lambda: Problem([Term("t", line(), abs)]).weighted({"s": 1.0}), "for terms of the problem, t; got s"),
        (lambda: Problem([]), r"terms of different names, got \[\]"),
        (lambda: Problem([Term("t", line(), abs)] * 2), r"different names, got \['t', 't'\]"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(EdgewiseError, match=message):
        make()
