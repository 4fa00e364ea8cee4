import copy

import pytest
import torch

from edgewise import ConfigError, EdgewiseError
from edgewise.bases import BSpline, Fourier
from edgewise.kan import KAN
from edgewise.kan.interpret.expand import expand_depth, expand_width, side_by_side
from edgewise.models import create_model
from edgewise.testing import assert_within

KINDS = {
    "plain": {},
    "products": {"width": [3, [2, [2, 3]], [1, [2]], 2]},
    "all options": {"width": [3, [2, [3]], 2, 2], "scale": True, "affine": True, "symbolic": True},
    "no base": {"base": None},
    "own knots": {"basis": BSpline(4, 2, (-2, 2), knots="per-feature")},
    "another basis": {"basis": Fourier(3)},
    "some inputs": {"inputs": [4, 0, 2]},
    "frozen": {"frozen": ["coef"]},
}


@pytest.fixture(params=KINDS)
def model(request):
    model = KAN(**{"width": [3, 4, 3, 2]} | KINDS[request.param]).double()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.3 * torch.randn_like(p))
    model.fix_symbolic(0, 1, 0, "sin", (2.0, 0.1, -1.0, 0.3))
    model.fix_symbolic(2, 0, 1, "x^2")
    model[1].set_mask(torch.rand(model[1].mask.shape) > 0.4)
    return model.eval()


X = torch.rand(40, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2 - 1


def rows(model):
    return X if model.inputs else X[:, :3]


def same(new, model, before):
    torch.testing.assert_close(new(rows(model)), model(rows(model)), rtol=1e-12, atol=1e-12)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items()), "the old network changed"
    assert not new.training
    assert all(a.coef.requires_grad == b.coef.requires_grad for a, b in zip(new, model, strict=False))
    rebuilt = create_model(new.config["name"], **new.config["options"]).double()
    rebuilt.load_state_dict(new.state_dict())
    assert torch.equal(rebuilt(rows(model)), new(rows(model)))


@pytest.mark.parametrize(("layer", "sums", "arities"), [(0, 3, ()), (0, 1, (2, 4)), (1, 0, (3,)), (1, 2, ())])
def test_more_nodes_compute_the_same(model, layer, sums, arities):
    before = copy.deepcopy(model.state_dict())
    wider = expand_width(model, layer, sums, arities)
    same(wider, model, before)
    old = model[layer]
    assert (wider[layer].sums, wider[layer].arities) == (old.sums + sums, old.arities + arities)
    assert wider[layer + 1].in_features == old.nodes + sums + len(arities)


def test_new_nodes_learn(model):
    wider = expand_width(model, 0, sums=2, arities=(2,))
    old, new = model[0].sums, list(range(model[0].sums, model[0].sums + 2))
    new.append(wider[0].nodes - 1)
    if not wider[1].coef.requires_grad:
        for layer in wider:
            layer.coef.requires_grad_(True)
    optimizer = torch.optim.SGD(wider.parameters(), lr=1e-2)
    for step in range(2):  # the edges out of new nodes learn first, then those into them
        optimizer.zero_grad()
        wider(rows(model)).square().sum().backward()
        into = wider[0].coef.grad[..., old : old + 2]
        out = wider[1].coef.grad[new]
        assert (out.abs().sum((1, 2)) > 0).all()
        assert bool(into.abs().sum()) == (step > 0)
        optimizer.step()


def test_one_more_layer_computes_the_same(model):
    before = copy.deepcopy(model.state_dict())
    deeper = expand_depth(model)
    same(deeper, model, before)
    assert deeper.width == [*model.width, model[-1].nodes]
    deeper[-1].coef.requires_grad_(True)
    deeper(rows(model)).square().sum().backward()
    assert (deeper[-1].coef.grad.abs().sum((0, 1)) > 0).all()
    carry = deeper[-1].symbolic.affine.grad[deeper[-1].symbolic.present]
    assert (carry.abs() > 0).all()


def test_grows_again_and_again():
    model = KAN([2, 2, 1]).double()
    grown = expand_width(expand_depth(expand_width(model, 0, sums=1)), 1, arities=[2])
    assert grown.width == [2, 3, [1, [2]], 1]
    x = X[:, :2]
    torch.testing.assert_close(grown(x), model(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("layer", "options", "message"),
    [
        (2, {"sums": 1}, "hidden layers are from 0 to 1, got 2"),
        (-1, {"sums": 1}, "hidden layers are from 0 to 1, got -1"),
        (0, {}, "at least one node to add"),
        (0, {"sums": -1}, "at least one node to add"),
        (0, {"arities": [1]}, "arities be at least 2"),
    ],
)
def test_what_cannot_be_expanded(layer, options, message):
    with pytest.raises(EdgewiseError, match=message):
        expand_width(KAN([2, 3, 3, 1]), layer, **options)


@pytest.mark.parametrize("options", [{}, {"scale": True}, {"base": None}], ids=str)
@pytest.mark.parametrize(
    ("first", "second"),
    [([2, 3, 1], [2, 1, 1]), ([2, [1, 2], 2, 3], [2, [2, [3]], [0, 1], 3]), ([3, [0, [2, 3]], 1], [3, [0, 1], 1])],
    ids=str,
)
def test_side_by_side_is_the_sum(first, second, options):
    one, other = (KAN(width, **options).double() for width in (first, second))
    x = 2 * torch.rand(40, first[0]).double() - 1
    for model in (one, other):
        model.update_grid(x)
        model.fix_symbolic(0, 1, 0, "sin", (1.0, 0.5, 2.0, 0.1))
        model[0].set_mask(model[0].mask & (torch.rand(model[0].mask.shape) > 0.2))
    both = side_by_side(one, other)
    assert_within(both(x).detach(), (one(x) + other(x)).detach(), 1e-11)
    assert [layer.nodes for layer in both][:-1] == [a.nodes + b.nodes for a, b in zip(one, other, strict=True)][:-1]


def test_edges_of_one_layer_side_by_side_go_where_there_is_none():
    one, other = KAN([2, 1]).double(), KAN([2, 1]).double()
    one[0].set_mask(torch.tensor([[True, False]]))
    with pytest.raises(ConfigError, match="both have an edge between the same nodes"):
        side_by_side(one, other)
    other[0].set_mask(torch.tensor([[False, True]]))
    x = torch.rand(10, 2).double()
    assert_within(side_by_side(one, other)(x).detach(), (one(x) + other(x)).detach(), 1e-12)


def test_what_cannot_lie_side_by_side():
    for one, other, message in (
        (KAN([2, 1]), KAN([2, 1, 1]), "as many layers, inputs and outputs"),
        (KAN([2, 1, 1], affine=True), KAN([2, 1, 1]), "scales and biases"),
        (KAN([2, 1, 1]), KAN([2, 1, 1], grid=9), "need the same basis"),
    ):
        with pytest.raises(ConfigError, match=message):
            side_by_side(one, other)
    one, other = KAN([2, 1, 1]), KAN([2, 1, 1])
    one.update_grid(torch.rand(50, 2))
    other.update_grid(3 * torch.rand(50, 2))
    with pytest.raises(ConfigError, match="need the same knots"):
        side_by_side(one, other)
