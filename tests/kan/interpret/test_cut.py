"""What is cut leaves its mean: the right values are sums of curves, written out with numpy."""

import copy

import numpy as np
import pytest
import torch

from edgewise._ground.errors import EdgewiseWarning
from edgewise.bases import BSpline, Chebyshev, GaussianRBF
from edgewise.kan import KAN
from edgewise.kan.interpret.curves import edge_curves
from edgewise.kan.interpret.cut import Lost, cut, difference, varying_edges
from edgewise.kan.interpret.prune import keep_nodes, prune, prune_inputs
from edgewise.kan.interpret.scores import attribute
from edgewise.testing import assert_within

ROWS = 2 * torch.rand(60, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64) - 1
BASES = {
    "splines": BSpline(4, 3),
    "straight on": BSpline(4, 2, outside="linear"),
    "moved": BSpline(3, 3, knots="per-feature"),
    "beyond the grid": BSpline(4, 3, domain=(-0.4, 0.4)),
    "polynomials": Chebyshev(4),
    "no constant": GaussianRBF(),
}


def drawn(width, basis="splines", **options):
    model = KAN(width, BASES[basis], **options).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    if basis == "moved":
        model.update_grid(ROWS[:, : model[0].in_features])
    return model


def curves_of(layer, x):
    with torch.no_grad():
        return edge_curves(layer, x).numpy()  # shape: (N, subnodes, inputs)


def with_means(curves, gone):
    """The curves, those that are gone as their mean."""
    return np.where(gone, curves.mean(0), curves)


def joined(layer, subnodes):
    """Nodes of subnodes, by hand."""
    affine = {n: p.detach().numpy() for n, p in (layer.affine or {}).items()}
    if affine:
        subnodes = subnodes * affine["subnode_scale"] + affine["subnode_bias"]
    nodes, first = [subnodes[:, : layer.sums]], layer.sums
    for arity in layer.arities:
        nodes.append(subnodes[:, first : first + arity].prod(1, keepdims=True))
        first += arity
    nodes = np.concatenate(nodes, 1)
    return nodes * affine["node_scale"] + affine["node_bias"] if affine else nodes


@pytest.mark.parametrize("options", [{}, {"scale": True}, {"affine": True}, {"base": None}], ids=str)
@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("gone", ["some", "all of a factor", "all"])
def test_an_edge_leaves_its_mean(basis, options, gone):
    torch.manual_seed(0)
    model = drawn([3, [2, [2, 3]]], basis, **options)
    layer, lost = model[0], torch.zeros(7, 3, dtype=torch.bool)
    lost[0, 1] = lost[1, 0] = lost[1, 2] = lost[3, 1] = lost[6, 0] = True
    lost[{"some": [], "all of a factor": [2], "all": range(7)}[gone]] = True
    expected = joined(layer, with_means(curves_of(layer, ROWS), lost.numpy()).sum(2))
    cut(model, [Lost(lost, lost)], ROWS)
    assert not (model[0].mask & lost).any()
    assert_within(model(ROWS).detach(), torch.from_numpy(expected), 1e-11)
    assert not (varying_edges(model[0]) & lost).any()


@pytest.mark.parametrize("scale", [False, True])
def test_formulas_leave_their_mean_and_take_that_of_others(scale):
    torch.manual_seed(0)
    model = drawn([3, 2], scale=scale)
    model.fix_symbolic(0, 0, 0, "sin", (2.0, 0.5, 3.0, 7.0))
    model.fix_symbolic(0, 1, 0, "exp", (1.0, 0.0, -1.0, 0.0))
    model.fix_symbolic(0, 2, 1, "x^2", (1.0, 0.0, 5.0, 1.0))
    lost = torch.tensor([[True, False, True], [False, False, True]])
    x = ROWS.numpy()
    curves = curves_of(model[0], ROWS)
    expected = np.stack([
        (3 * np.sin(2 * x[:, 0] + 0.5) + 7).mean() - np.exp(x[:, 1]) + curves[:, 0, 2].mean(),
        curves[:, 1, 0] + curves[:, 1, 1] + (5 * x[:, 2] ** 2 + 1).mean(),
    ], 1)  # fmt: skip
    cut(model, [Lost(lost, lost)], ROWS)
    assert [model[0].symbolic.name(0, into) for into in range(3)] == [None, "exp", None]
    assert_within(model(ROWS).detach(), torch.from_numpy(expected), 1e-11)
    beyond = 3 * ROWS  # a formula carries a constant everywhere
    shift = (model(beyond)[:, 0].detach() + beyond[:, 1].exp()).numpy()
    assert np.ptp(shift) < 1e-10


@pytest.mark.parametrize("basis", ["splines", "no constant"])
def test_nodes_and_inputs_leave_the_means_of_the_edges_out_of_them(basis):
    torch.manual_seed(0)
    model = drawn([3, [2, 2], 2], basis)
    hidden = model[0](ROWS).detach()
    gone = np.array([True, False, True, False])
    expected = with_means(curves_of(model[1], hidden), gone).sum(2)
    smaller = keep_nodes(model, [[1, 3]], x=ROWS)
    assert smaller.width == [3, [1, [2]], 2]
    assert_within(smaller(ROWS).detach(), torch.from_numpy(expected), 1e-11)

    alone = drawn([3, 2], basis)
    expected = with_means(curves_of(alone[0], ROWS), np.array([False, True, True])).sum(2)
    smaller = keep_nodes(alone, [], inputs=[0], x=ROWS)
    assert_within(smaller(ROWS).detach(), torch.from_numpy(expected), 1e-11)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("width", [[2, 1], [2, 5, 1], [2, [2, 2], 1]], ids=str)
def test_a_fitted_network_keeps_its_level(width, seed):
    """y = x_1 + 10: edges that carry the 10 and hardly vary are cut, and the outputs move by no more than these vary."""
    torch.manual_seed(seed)
    x = torch.rand(200, 2, dtype=torch.float64)
    model = KAN(width, grid=3).double()
    model.fit((x, x[:, 0] + 10), optimizer="lm", steps=10, penalty=1e-3, progress=False)
    pruned = model.prune(x)
    change = difference(model, pruned, x)
    if width == [2, 1] and not pruned[0].mask[0, 1]:
        assert change.rms.item() <= curves_of(model[0], x)[:, 0, 1].std() + 1e-12
    assert change.relative.item() < 0.2
    assert (pruned(x) - model(x)).mean().abs().item() < 0.05


def test_a_node_that_is_constant_is_taken_out_and_its_edges_leave_what_they_gave():
    torch.manual_seed(0)
    model = drawn([3, 2, 1])
    with torch.no_grad():
        model[0].coef[..., 1], model[0].base_weight[1] = 4.0, 0  # three curves of 4: the node is 12, off the grid
        model[1].base_weight[0, 1] = 1.0
    expected = model(ROWS).detach()
    pruned = prune(model, ROWS, 0.0, 1e-9)
    assert pruned.width == [3, 1, 1]
    assert_within(pruned(ROWS).detach(), expected, 1e-11)


def test_a_product_with_one_constant_factor_goes_on():
    torch.manual_seed(0)
    model = drawn([3, [0, 1], 1])
    with torch.no_grad():
        model[0].coef[..., 1] = 0.5
        model[0].base_weight[1] = 0
    pruned = prune(model, ROWS, 0.0, 1e-3)
    assert pruned.width == [3, [0, [2]], 1]
    assert not varying_edges(pruned[0])[1].any()
    assert_within(pruned(ROWS).detach(), model(ROWS).detach(), 1e-7)


def test_inputs_that_matter_little_leave_their_mean():
    torch.manual_seed(0)
    x = ROWS
    model = drawn([3, 1])
    with torch.no_grad():
        model[0].coef[1], model[0].base_weight[:, 1] = 5 + 1e-4 * torch.randn(7, 1), 0
    smaller = prune_inputs(model, x)
    assert smaller.inputs == [0, 2]
    assert (smaller(x) - model(x)).std().item() < 1e-3
    assert (smaller(x) - model(x)).mean().abs().item() < 1e-10


def test_a_change_that_the_scores_did_not_promise_is_said():
    """Scores are averages over outputs: an edge that is all of one output of many may have a low one."""
    model = KAN([2, 40], base=None).double()
    for out in range(40):
        model.fix_symbolic(0, 0, out, "x", (1.0, 0.0, 1.0, 0.0))
    model[0].symbolic.clear(7, 0)
    model[0].set_mask(torch.zeros_like(model[0].mask).index_put((torch.tensor(7), torch.tensor(1)), torch.tensor(True)))
    with pytest.warns(
        EdgewiseWarning, match=r"scores of 0.025 together, but output 7 changed by 1 of its standard deviation"
    ):
        pruned = prune(model, ROWS[:, :2])
    change = difference(model, pruned, ROWS[:, :2])
    assert change.relative[7].item() == pytest.approx(1)
    assert change.spread[0].item() == pytest.approx(ROWS[:, 0].numpy().std())
    assert change.relative[:7].tolist() == [0.0] * 7


def test_what_is_cut_from_stays_as_it_was():
    torch.manual_seed(0)
    model = drawn([3, [2, 2], 1])
    before = copy.deepcopy(model.state_dict())
    keep_nodes(model, [[0, 2]], x=ROWS)
    scores = attribute(model, ROWS).node_scores[1]
    prune(model, ROWS, float(scores.median()), 0.1)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
