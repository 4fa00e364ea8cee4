import numpy as np
import pytest
import torch

from edgewise import EdgewiseError
from edgewise.kan import KAN
from edgewise.kan.interpret._derivatives import NEGLIGIBLE
from edgewise.kan.interpret.symmetry import is_function_of, symmetric_groups, symmetry
from edgewise.ops import backend_in_use, backends_for, use_backend


def rows(columns, count=200):
    return torch.rand(count, columns, dtype=torch.float64) + 0.5


def velocity(x):
    """Two velocities added: artanh makes it a sum."""
    return (x[:, 0] + x[:, 1]) / (1 + x[:, 0] * x[:, 1]) * x[:, 2] + x[:, 3]


FUNCTIONS = [
    (lambda x: x[:, 0] ** 2 * (x[:, 1] + x[:, 2]), [1, 2], True),
    (lambda x: x[:, 0] ** 2 * (x[:, 1] + x[:, 2]), [0, 1], False),
    (lambda x: torch.exp(x[:, 0] * x[:, 1] + x[:, 2] * x[:, 3]), [0, 1], True),
    (lambda x: torch.exp(x[:, 0] * x[:, 1] + x[:, 2] * x[:, 3]), [0, 2], False),
    (lambda x: torch.sqrt(x[:, 0] ** 2 + x[:, 1] ** 2 + x[:, 2] ** 2) * x[:, 3], [0, 2], True),
    (velocity, [0, 1], True),
    (velocity, [0, 1, 2], True),
    (velocity, [1, 2], False),
    (velocity, [2, 3], False),
    (velocity, [3], True),
    (velocity, [3, 1, 0, 2], True),
]


@pytest.mark.parametrize(("f", "group", "expected"), FUNCTIONS)
def test_symmetries(f, group, expected):
    x = rows(4)
    result = symmetry(f, x, group)
    assert bool(result) is expected
    assert result.score < 1e-10 if expected else result.score > 0.01
    assert result.score == result.dependence.max().item()
    assert not result.dependence[group].any()


@pytest.mark.parametrize(("f", "group", "expected"), FUNCTIONS)
def test_scale_and_shift_change_nothing(f, group, expected):
    x = rows(4)
    scale = torch.tensor([1e-3, 1e4, 7.0, 1.0], dtype=torch.float64)
    shifted = symmetry(lambda z: 1e5 * f((z + 2) / scale).unsqueeze(1) - 3, x * scale - 2, group)
    torch.testing.assert_close(shifted.dependence, symmetry(f, x, group).dependence, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("f", "group", "expected"), FUNCTIONS)
def test_a_little_noise_changes_no_verdict(f, group, expected):
    def noisy(x):
        return f(x) + 1e-6 * torch.sin(3 * x @ torch.tensor([1.0, -2.0, 1.5, 0.5], dtype=x.dtype))

    assert bool(symmetry(noisy, rows(4), group)) is expected
    assert bool(symmetry(f, rows(4).float(), group)) is expected


def test_the_score_is_the_turning_of_the_gradient():
    x = rows(3, 201)
    first, _, third = x.numpy().T
    s1, s2, s3 = x.std(0).numpy()
    dependence = symmetry(lambda x: x[:, 0] * x[:, 2] + x[:, 1], x, [0, 1]).dependence
    scale = np.median(np.sqrt((third * s1) ** 2 + s2**2 + (first * s3) ** 2))
    length = np.hypot(third * s1, s2)
    turned = s3 * s1 * s2 / length  # of the angle atan2(s2, x3 s1), times the length
    expected = np.median(turned / (length + turned + NEGLIGIBLE * scale))
    np.testing.assert_allclose(dependence, [0, 0, expected], rtol=1e-12)


def test_variables_that_hardly_matter_disturb_nothing():
    def f(x):
        return torch.sin(x[:, 0] * x[:, 1]) + 1e-6 * torch.cos(5 * x[:, 2] * x[:, 3] + x[:, 0])

    x = rows(4)
    for group in ([0, 1], [2, 3], [0, 2], [0, 1, 3]):
        assert symmetry(f, x, group)
    assert symmetric_groups(f, x) == [[0, 1]]


def test_function_of_a_given_one():
    x = rows(4)
    assert is_function_of(velocity, x, lambda x: torch.atanh(x[:, [0]] / 2) + torch.atanh(x[:, [1]] / 2)).score > 0.05
    x = x / 2
    assert is_function_of(velocity, x, lambda x: torch.atanh(x[:, [0]]) + torch.atanh(x[:, [1]])).score < 1e-10
    assert is_function_of(velocity, x, lambda x: -5 * torch.atanh(x[:, 0]) - 5 * torch.atanh(x[:, 1]))
    assert not is_function_of(velocity, x, lambda x: x[:, 0] * x[:, 1])


def test_the_sine_of_the_angle_between_gradients():
    x = rows(3)
    x = (x - x.mean(0)) / x.std(0)
    result = is_function_of(lambda x: x[:, 0] + x[:, 2], x, lambda x: x[:, 0] + 3**0.5 * x[:, 1])
    assert result.score == pytest.approx(3**0.5 / 2, rel=2 * NEGLIGIBLE)


@pytest.mark.parametrize(
    ("f", "columns", "groups"),
    [
        (lambda x: x[:, 0] + x[:, 1] ** 2 + torch.exp(x[:, 2]), 3, [[0, 1, 2]]),
        (lambda x: (x[:, 0] + x[:, 1] * x[:, 2]) * x[:, 3], 4, [[1, 2], [0, 1, 2], [0, 1, 2, 3]]),
        (lambda x: x[:, 0] * x[:, 1] + x[:, 1] * x[:, 2] + x[:, 2] * x[:, 0] ** 2, 3, [[0, 1, 2]]),
        (lambda x: (x[:, 4] * x[:, 1] * x[:, 2] + torch.cos(x[:, 0] * x[:, 3])) ** 3, 5,
         [[0, 3], [1, 2, 4], [0, 1, 2, 3, 4]]),
    ],
)  # fmt: skip
def test_groups_one_within_another(f, columns, groups):
    assert symmetric_groups(f, rows(columns)) == groups


def test_agrees_with_pykan():
    hypothesis = pytest.importorskip("kan.hypothesis")
    x = rows(4)
    for f, group, expected in FUNCTIONS:
        assert bool(hypothesis.test_symmetry(lambda x, f=f: f(x).unsqueeze(1), x, group)) is expected

    def nested(x):
        a, b, c, d, e, f, g, h = (x**2).unbind(1)
        return (((a + b) ** 2 + (c + d) ** 2) ** 2 + ((e + f) ** 2 + (g + h) ** 2) ** 2).unsqueeze(1)

    x = rows(8, 60)
    levels = hypothesis.get_molecule(nested, x, verbose=False)
    assert symmetric_groups(nested, x) == [group for level in levels[1:] for group in level]


def test_a_network_of_formulas():
    model = KAN([3, [1, 1], 1]).double()  # exp(x1 + x2^2) sin(x3), and x3 by itself
    for out, edges in enumerate([("0", "0", "x"), ("x", "x^2", "0"), ("0", "0", "sin")]):
        for into, name in enumerate(edges):
            model.fix_symbolic(0, into, out, name)
    model.fix_symbolic(1, 0, 0, "x")
    model.fix_symbolic(1, 1, 0, "x")
    x = rows(3)
    assert symmetry(model, x, [0, 1])
    assert not symmetry(model, x, [0, 2])
    assert is_function_of(model, x, lambda x: x[:, 0] + x[:, 1] ** 2)


def test_the_model_and_the_backend_are_left_alone():
    model = KAN([3, 2, 1]).double()
    x = rows(3) - 1
    found = []
    for backend in backends_for("cpu"):
        with use_backend(backend), torch.no_grad():
            found.append(symmetry(model, x, [0, 1]).score)
            assert backend_in_use() == backend
    assert found == pytest.approx([found[0]] * len(found), rel=1e-9)
    assert found[0] > 1e-3
    assert all(p.grad is None for p in model.parameters())
    assert not x.requires_grad


def line(x):
    return x.sum(1)


@pytest.mark.parametrize(
    ("f", "x", "group", "message"),
    [
        (line, rows(1), [0], r"at least 2 rows and 2 variables, got torch.float64 of shape \(200, 1\)"),
        (line, rows(3)[:1], [0], "at least 2 rows"),
        (line, rows(3)[0], [0], "at least 2 rows"),
        (line, rows(3).numpy(), [0], "floating tensor .* got ndarray"),
        (line, torch.ones(5, 2, dtype=torch.long), [0], "floating tensor .* got torch.int64"),
        (line, torch.tensor([[1.0, 2.0], [float("nan"), 1.0]]), [0], "x must be finite .* first in row 1"),
        (line, torch.full((9, 3), 0.1), [0], r"columns \[0, 1, 2\] of x are constant"),
        (lambda x: x, rows(3), [0], r"one number a row, \(200,\) or \(200, 1\), got shape \(200, 3\)"),
        (lambda x: 1.0, rows(3), [0], "got float"),
        (lambda x: torch.log(x[:, 0] - 1), rows(3), [0, 1], "f at the rows of x must be finite"),
        (lambda x: (x[:, 0] - x[:, 0].detach()).abs().sqrt(), rows(3), [0, 1], "derivative 1 of f .* must be finite"),
        (lambda x: torch.ones(len(x)), rows(3), [0, 1], "f is constant"),
        (lambda x: x[:, 0].detach(), rows(3), [0, 1], "f is constant"),
        (line, rows(3), [0, 3], r"columns from 0 to 2, none twice and no group empty, got \[\[0, 3\]\]"),
        (line, rows(3), [1, 1], "none twice"),
        (line, rows(3), [-1], "from 0 to 2"),
        (line, rows(3), [], "no group empty"),
    ],
)  # fmt: skip
def test_what_cannot_be_tested_is_refused(f, x, group, message):
    with pytest.raises(EdgewiseError, match=message):
        symmetry(f, x, group)
