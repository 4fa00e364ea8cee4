import io

import pytest
import torch

from edgewise import EdgewiseError
from edgewise.kan import KAN
from edgewise.kan.interpret.tree import Node, plot_tree, tree

FORMULAS = [
    (lambda a, b: 3 - a * b, "a * b"),
    (lambda a, b: (a + b) / (1 + a * b), "f(a + b)"),
    (lambda a, b: a * b + a**2 + b**3, "f(a, b)"),
    (lambda a, b, c: torch.exp(a + b) * torch.sin(c), "a * b * c"),
    (lambda a, b, c: (a + 2 * b + c**2) ** 2, "f(a + b + c)"),
    (lambda a, b, c: a * b + b * c + c * a**2, "f(a, b, c)"),
    (lambda a, b, c: (a + b) * c + b, "f(a, b, c)"),
    (lambda a, b, c: a * torch.exp(b), "a * b"),
    (lambda a, b, c: torch.cos(b), "b"),
    (lambda a, b, c: a / torch.sqrt(1 - (b / c / 4) ** 2), "a * f(b + c)"),
    (lambda a, b, c, d: ((a**2 + b**2) ** 2 + (c**2 + d**2) ** 2) ** 0.5, "f(f(a + b) + f(c + d))"),
    (lambda a, b, c, d: torch.sqrt(a**2 + b**2) + c * d, "f(a + b) + c * d"),
    (lambda a, b, c, d: torch.sqrt(a**2 + d**2) + c * b, "f(a + d) + b * c"),
    (lambda a, b, c, d: (a + b) * c + d, "(a + b) * c + d"),
    (lambda a, b, c, d: a * b * c + (c + d) ** 2 * a, "a * f(b, c, d)"),
    (lambda a, b, c, d, e: (a * b + c * d + e) ** 2, "f(a * b + c * d + e)"),
    (lambda a, b, c, d, e: (a * b * c + torch.cos(d * e)) ** 3, "f(a * b * c + f(d + e))"),
    (lambda a, b, c, d, e: (a + b) * (c + d * e), "(a + b) * (c + d * e)"),
    (lambda a, b, c, d, e: (u := a + b) * c + c * d + d * u**2, "f(f(a + b), c, d)"),
    (lambda a, b, c, d, e, f: a * (b + c) * d + e * f, "a * (b + c) * d + e * f"),
]


def rows(columns, count=200):
    return torch.rand(count, columns, dtype=torch.float64) + 0.5


def grown(f, **options):
    columns = f.__code__.co_argcount
    return tree(lambda x: f(*x.unbind(1)), rows(columns), "abcdef"[:columns], **options)


@pytest.mark.parametrize(("f", "name"), FORMULAS, ids=[name for _, name in FORMULAS])
def test_finds_the_structure(f, name):
    assert grown(f).name == name


@pytest.mark.parametrize(("f", "name"), FORMULAS, ids=[name for _, name in FORMULAS])
def test_a_little_noise_changes_no_structure(f, name):
    columns = f.__code__.co_argcount
    slope = torch.tensor([1.0, -2.0, 1.5, 0.5, 1.0, -1.0], dtype=torch.float64)[:columns]

    def noisy(x):
        return f(*x.unbind(1)) + 1e-6 * torch.sin(2 * x @ slope)

    assert tree(noisy, rows(columns), "abcdef"[:columns]).name == name


def test_columns_may_come_in_any_order_and_scale():
    def f(x):
        p, q, r, s = (x * 1e-3).unbind(1)
        return 1e6 * torch.sqrt(r**2 + p**2) + 1e6 * q * s - 4

    root = tree(f, 1e3 * rows(4))
    assert root.name == "f(x1 + x3) + x2 * x4"
    assert [child.variables for child in root.children] == [(0, 2), (1, 3)]


def test_nodes_of_the_tree():
    root = grown(FORMULAS[11][0])
    function, product = root.children
    assert (root.kind, root.variables) == ("add", (0, 1, 2, 3))
    assert (function.kind, [child.kind for child in function.children]) == ("function", ["add"])
    assert product == Node("c * d", (2, 3), "mul", (Node("c", (2,), "variable"), Node("d", (3,), "variable")))
    assert str(root) == "add\n  function\n    add\n      a\n      b\n  mul\n    c\n    d"


def test_eight_variables_in_three_levels():
    def f(x):
        a, b, c, d, e, f, g, h = (x**2).unbind(1)
        return (((a + b) ** 2 + (c + d) ** 2) ** 2 + ((e + f) ** 2 + (g + h) ** 2) ** 2).sqrt()

    assert tree(f, rows(8, 50)).name == "f(f(f(x1 + x2) + f(x3 + x4)) + f(f(x5 + x6) + f(x7 + x8)))"


def test_a_network_of_formulas():
    model = KAN([4, [1, 1], 1]).double()  # sqrt(x1^2 + x2^2) + x3 exp(x4)
    for out, edges in enumerate([("x^2", "x^2", "0", "0"), ("0", "0", "x", "0"), ("0", "0", "0", "exp")]):
        for into, name in enumerate(edges):
            model.fix_symbolic(0, into, out, name)
    model.fix_symbolic(1, 0, 0, "sqrt")
    model.fix_symbolic(1, 1, 0, "x", (1.0, 0.0, 0.5, 2.0))
    assert tree(model, rows(4)).name == "f(x1 + x2) + x3 * x4"


def test_a_trained_network():
    def f(x):
        return torch.exp(x[:, [0]] ** 2 + x[:, [1]] ** 2) + torch.sin(x[:, [2]])

    model = KAN([3, 2, 1]).double()
    x = 2 * torch.rand(600, 3, dtype=torch.float64) - 1
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=200, line_search_fn="strong_wolfe", history_size=20)

    def loss():
        optimizer.zero_grad()
        value = (model(x) - f(x)).square().mean()
        value.backward()
        return value

    optimizer.step(loss)
    root = tree(model, 0.9 * x, threshold=0.05)
    assert (root.kind, [child.variables for child in root.children]) == ("add", [(0, 1), (2,)])


def test_the_picture():
    root = grown(FORMULAS[11][0])
    figure = plot_tree(root)
    texts = {text.get_text(): text.get_position() for text in figure.axes[0].texts}
    assert [text.get_text() for text in figure.axes[0].texts] == [
        "a",
        "b",
        "+",
        "f",
        "c",
        "d",
        "\N{MULTIPLICATION SIGN}",
        "+",
    ]
    assert [texts[name] for name in "abcd"] == [(0, 0), (1, 0), (2, 0), (3, 0)]
    assert texts["f"] == (0.5, 2)
    assert texts["+"] == (1.5, 3)
    lines = [line.get_xydata().tolist() for line in figure.axes[0].lines]
    assert len(lines) == 7
    assert all(above[1] > below[1] for above, below in lines)
    for kind, start in (("png", b"\x89PNG"), ("svg", b"<?xml")):
        figure.savefig(buffer := io.BytesIO(), format=kind)
        assert buffer.getvalue().startswith(start)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tree(lambda x: x.prod(1), rows(3), ["a"]), "names must be 3, one for each column of x, got 1"),
        (lambda: tree(lambda x: x[:, 0], rows(1)), "at least 2 rows and 2 variables"),
        (lambda: tree(lambda x: x[:, 0] * 0, rows(2)), "f is constant"),
        (lambda: tree(lambda x: x * float("nan"), rows(2)), "one number a row"),
        (lambda: tree(lambda x: x[:, 0] * float("nan"), rows(2)), "f at the rows of x must be finite"),
    ],
)
def test_what_cannot_be_read_is_refused(call, message):
    with pytest.raises(EdgewiseError, match=message):
        call()
