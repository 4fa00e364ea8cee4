import itertools

import numpy as np
import pytest
import torch

from edgewise.kan.fitting.damped import Damped, least_squares


class Squares(Damped):
    """The sum of squares of a function of one tensor, in as many parts as asked for."""

    def __init__(self, function, start, parts=1):
        super().__init__()
        self.function, self.parameter, self.parts = function, torch.tensor(start), parts

    def expansion(self):
        rows = torch.autograd.functional.jacobian(self.function, self.parameter).flatten(1)
        pieces = zip(rows.chunk(self.parts), self.function(self.parameter).chunk(self.parts), strict=True)
        return least_squares((*piece, [self.parameter]) for piece in pieces)

    def value(self):
        return float(self.function(self.parameter).square().sum())


def rosenbrock(p):
    return torch.stack([10 * (p[1] - p[0] ** 2), 1 - p[0]])


@pytest.mark.parametrize("parts", [1, 3])
def test_solves_a_linear_problem_as_numpy_does(parts):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(9, 2, 2)), rng.normal(size=9)
    expected = np.linalg.lstsq(a.reshape(9, 4), b, rcond=None)[0]
    rows, target = torch.tensor(a), torch.tensor(b)
    solver = Squares(lambda p: (rows * p).sum((1, 2)) - target, [[0.0, 0.0], [0.0, 0.0]], parts)
    solver.parameter = solver.parameter.double()
    for _ in range(8):
        solver.step()
    np.testing.assert_allclose(solver.parameter.flatten().numpy(), expected, rtol=0, atol=1e-10)


def test_walks_through_a_curved_valley_and_never_up():
    solver = Squares(rosenbrock, [-1.2, 1.0])
    values = [solver.value()]
    while values[-1] > 1e-12 and len(values) < 40:
        solver.step()
        values.append(solver.value())
    assert values[-1] <= 1e-12
    assert all(after < before for before, after in itertools.pairwise(values))
    torch.testing.assert_close(solver.parameter, torch.ones(2), rtol=0, atol=1e-5)


def test_at_the_bottom_it_stays_and_says_so():
    solver = Squares(rosenbrock, [1.0, 1.0])
    solver.step()
    assert solver.stuck
    assert solver.parameter.tolist() == [1, 1]


class Blurred(Squares):
    """Its expansion sees residuals that are 1e-3 off, as if rounded otherwise than those of its value."""

    def expansion(self):
        row = torch.autograd.functional.jacobian(self.function, self.parameter)
        return least_squares([(row, self.function(self.parameter) + 1e-3 * torch.randn(2), [self.parameter])])


def test_what_only_rounding_tells_apart_is_no_progress():
    """At the floor an expansion and a value that are rounded differently disagree: a step goes by the value alone."""
    solver = Blurred(rosenbrock, [-1.2, 1.0])
    values, stuck = [solver.value()], []
    for _ in range(60):
        solver.step()
        values.append(solver.value())
        stuck.append(solver.stuck)
    assert all((after < before) != idle for (before, after), idle in zip(itertools.pairwise(values), stuck, strict=True))
    assert sum(stuck) > 20


def test_steps_to_where_nothing_is_defined_are_taken_back():
    solver = Squares(lambda p: torch.log(p) + 20, [1.0])  # the full step leads to -19
    solver.step()
    assert 0 < solver.parameter.item() < 1
    assert not solver.stuck


def test_a_direction_without_curvature_stays_put():
    solver = Squares(lambda p: p[:1] - 3, [0.0, 7.0])
    for _ in range(5):
        solver.step()
    torch.testing.assert_close(solver.parameter, torch.tensor([3.0, 7.0]), rtol=0, atol=1e-5)
