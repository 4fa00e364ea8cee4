import numpy as np
import pytest
import torch

from edgewise import EdgewiseError
from edgewise.kan import KAN
from edgewise.kan.interpret._derivatives import NEGLIGIBLE
from edgewise.kan.interpret.separability import is_separable, separability


def rows(columns, count=200):
    return torch.rand(count, columns, dtype=torch.float64) + 0.5


def ratio(x):
    return (x[:, 0] + x[:, 1]) / (x[:, 2] * x[:, 3])


PARTITIONS = [
    ("add", lambda x: x[:, 0] ** 2 + torch.exp(x[:, 1] + x[:, 2]) + x[:, 3], [[0], [1, 2], [3]]),
    ("add", lambda x: x[:, 0] * x[:, 3] + torch.sin(x[:, 1] * x[:, 2]), [[0, 3], [1, 2]]),
    ("add", lambda x: x @ x.new_tensor([1.0, -2.0, 3.0, 0.5]), [[0], [1], [2], [3]]),
    ("add", lambda x: x[:, 0] * x[:, 1] + x[:, 1] * x[:, 2] + x[:, 3], [[0, 1, 2], [3]]),
    ("add", ratio, [[0, 1, 2, 3]]),
    ("mul", ratio, [[0, 1], [2], [3]]),
    ("mul", lambda x: torch.exp(x.sum(1)), [[0], [1], [2], [3]]),
    ("mul", lambda x: -(x[:, 0] ** 2) * (x[:, 1] - x[:, 3]) * torch.sin(6 * x[:, 2]), [[0], [1, 3], [2]]),
    ("mul", lambda x: x[:, 0] + x[:, 1] * x[:, 2] * x[:, 3], [[0, 1, 2, 3]]),
]


@pytest.mark.parametrize(("mode", "f", "groups"), PARTITIONS)
def test_finds_the_partition(mode, f, groups):
    x = rows(4)
    result = separability(f, x, mode)
    assert result.groups == groups
    assert bool(result) is (len(groups) > 1)
    assert torch.equal(result.scores, result.scores.t())
    if result:
        assert is_separable(f, x, groups, mode).score < 1e-10
        assert is_separable(f, x, [groups[-1], groups[0]], mode)
        assert is_separable(f, x, [groups[0]], mode)
        assert is_separable(f, x, groups, "general")


@pytest.mark.parametrize(("mode", "f", "groups"), PARTITIONS)
def test_a_group_cannot_be_cut(mode, f, groups):
    x = rows(4)
    for group in groups:
        if len(group) > 1:
            assert not is_separable(f, x, [group[:1], group[1:]], mode)


@pytest.mark.parametrize(("mode", "f", "groups"), PARTITIONS)
def test_scale_changes_nothing(mode, f, groups):
    x = rows(4)
    scale = torch.tensor([1e-3, 1e4, 7.0, 1.0], dtype=torch.float64)
    scaled = separability(lambda z: -1e5 * f((z + 2) / scale).unsqueeze(1), x * scale - 2, mode)
    torch.testing.assert_close(scaled.scores, separability(f, x, mode).scores, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("mode", "f", "groups"), PARTITIONS)
def test_a_little_noise_changes_no_partition(mode, f, groups):
    def noisy(x):
        return f(x) + 1e-6 * torch.sin(3 * x @ torch.tensor([1.0, -2.0, 1.5, 0.5], dtype=x.dtype))

    assert separability(noisy, rows(4), mode).groups == groups
    assert separability(f, rows(4).float(), mode).groups == groups
    if len(groups) > 1:
        assert is_separable(noisy, rows(4), groups, "general", threshold=1e-2)


def test_the_score_of_a_product_as_a_sum():
    x = rows(2, 201)
    s1, s2 = x.std(0).numpy()
    of_first, of_second = np.abs(x.numpy().T[::-1]) * [[s1], [s2]]  # derivatives by x1 and x2, in standard deviations
    floor = NEGLIGIBLE * np.median(np.hypot(of_first, of_second))
    expected = max(np.median(s1 * s2 / (gradient + s1 * s2 + floor)) for gradient in (of_first, of_second))
    found = separability(lambda x: x[:, 0] * x[:, 1], x).scores
    assert found.flatten().tolist() == pytest.approx([0, expected, expected, 0], rel=1e-12)


def test_a_small_term_is_seen_beside_large_ones():
    x = rows(4)
    assert separability(lambda x: 100 * x[:, 0] + x[:, 1] * x[:, 2] + 100 * x[:, 3], x).groups == [[0], [1, 2], [3]]


GENERAL = [
    (lambda x: torch.sqrt(x[:, 0] * x[:, 1] + torch.sin(x[:, 2] * x[:, 3])), [[0, 1], [2, 3]], True),
    (lambda x: torch.sqrt(x[:, 0] * x[:, 1] + torch.sin(x[:, 2] * x[:, 3])), [[0, 2], [1, 3]], False),
    (lambda x: torch.tanh(x[:, 0] + x[:, 1] ** 2 + x[:, 2] * x[:, 3]), [[0], [1], [2, 3]], True),
    (lambda x: torch.tanh(x[:, 0] + x[:, 1] ** 2 + x[:, 2] * x[:, 3]), [[0], [1]], True),
    (lambda x: torch.tanh(x[:, 0] + x[:, 1] ** 2 + x[:, 2] * x[:, 3]), [[0], [1], [2], [3]], False),
    (lambda x: (x[:, 0] + x[:, 1]) / (1 + x[:, 0] * x[:, 1]), [[0], [1]], True),
    (lambda x: x[:, 0] * x[:, 1] + x[:, 0] ** 2 + x[:, 1] ** 3, [[0], [1]], False),
    (lambda x: (x[:, 0] + x[:, 1]) * x[:, 2] + x[:, 3], [[0, 1], [2], [3]], False),
    (lambda x: (x[:, 0] + x[:, 1]) * x[:, 2] + x[:, 3], [[0, 1, 2], [3]], True),
    (lambda x: x[:, 0] + x[:, 2] * torch.exp(x[:, 1]), [[0, 1], [2]], False),
    (lambda x: x[:, 0] + x[:, 2] * torch.exp(x[:, 1]), [[0], [1, 2]], True),
]


@pytest.mark.parametrize(("f", "groups", "expected"), GENERAL)
def test_functions_of_a_sum(f, groups, expected):
    x = rows(4)
    x = x / 2 if expected else x
    result = is_separable(f, x, groups, "general")
    assert bool(result) is expected
    assert result.score < 1e-10 if expected else result.score > 5e-3


def test_agrees_with_pykan():
    hypothesis = pytest.importorskip("kan.hypothesis")
    x = rows(4)
    for mode, f, groups in PARTITIONS:
        if len(groups) > 1:
            assert hypothesis.test_separability(lambda x, f=f: f(x).unsqueeze(1), x, groups, mode)
    for f, groups, expected in GENERAL[:2]:
        theirs = hypothesis.test_general_separability(lambda x, f=f: f(x).unsqueeze(1), x, groups, threshold=1e-3)
        assert bool(theirs) is expected


def test_products_of_ratios_are_not_enough():
    """pykan asks for no more, and takes x1 + x3 exp(x2) for F(g(x1, x2) + h(x3))."""
    hypothesis = pytest.importorskip("kan.hypothesis")

    def f(x):
        return x[:, [0]] + x[:, [2]] * torch.exp(x[:, [1]])

    x = rows(3)
    assert hypothesis.test_general_separability(f, x, [[0, 1], [2]])
    assert is_separable(f, x, [[0, 1], [2]], "general").score > 0.05


def test_zeros_of_a_product_do_not_count():
    x = torch.arange(-5, 6, dtype=torch.float64)
    x = torch.cartesian_prod(x, x, x)
    assert (x == 0).any()
    assert separability(lambda x: x[:, 0] * (x[:, 1] + x[:, 2]), x, "mul").groups == [[0], [1, 2]]


def test_a_trained_network():
    def f(x):
        return torch.exp(x[:, 0] ** 2 + x[:, 1] ** 2) + torch.sin(x[:, 2])

    model = KAN([3, 2, 1]).double()
    x = 2 * torch.rand(600, 3, dtype=torch.float64) - 1
    target = f(x).unsqueeze(1)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=200, line_search_fn="strong_wolfe", history_size=20)

    def loss():
        optimizer.zero_grad()
        value = (model(x) - target).square().mean()
        value.backward()
        return value

    optimizer.step(loss)
    assert separability(model, 0.9 * x, threshold=0.05).groups == [[0, 1], [2]]
    assert is_separable(model, 0.9 * x, [[0, 1], [2]], threshold=0.05)
    assert not is_separable(model, 0.9 * x, [[0], [1, 2]], threshold=0.05)


def product(x):
    return x.prod(1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: separability(product, rows(3), "sum"), "unknown mode 'sum'; .*known: add, mul"),
        (lambda: is_separable(product, rows(3), [[0]], "generall"), "unknown mode 'generall'; did you mean 'general'"),
        (lambda: is_separable(product, rows(3), [[0, 1], [1, 2]]), "none twice"),
        (lambda: is_separable(product, rows(3), [[0, 4]]), "columns from 0 to 2"),
        (lambda: is_separable(product, rows(3), [[0], []]), "no group empty"),
        (lambda: is_separable(product, rows(3), []), "no group empty"),
        (lambda: is_separable(product, rows(3), [[2, 0, 1]]), "at least one variable to another group, got one of all 3"),
        (lambda: separability(product, rows(1)), "at least 2 rows and 2 variables"),
        (lambda: separability(lambda x: x[:, 0] * 0 + 5, rows(2), "mul"), "f is constant"),
        (lambda: separability(lambda x: x[:, 0] / (x[:, 1] > 0.7), rows(2)), "f at the rows of x must be finite"),
        (lambda: is_separable(lambda x: x[:, :2].amax(1), rows(2), [[0], [1]], "general"),
         "a derivative of f is 0 at nearly all 200 rows"),
    ],
)  # fmt: skip
def test_what_cannot_be_tested_is_refused(call, message):
    with pytest.raises(EdgewiseError, match=message):
        call()
