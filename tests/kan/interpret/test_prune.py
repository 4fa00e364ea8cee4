import copy

import pytest
import torch

from edgewise._ground.errors import ConfigError, DataError, NonFiniteError
from edgewise.bases import BSpline, Chebyshev
from edgewise.kan import KAN
from edgewise.kan.interpret.prune import keep_nodes, prune, prune_inputs, refine
from edgewise.kan.interpret.scores import attribute
from edgewise.testing import assert_within
from tests.pykan_networks import fix_symbolic, twin


def network(pykan, **options):
    theirs = pykan([3, [4, 3], [3, 2], 1], grid=4, k=3, **options)
    with torch.no_grad():  # edges of all sizes
        for layer in theirs.act_fun:
            strength = 10 ** (-3 * torch.rand_like(layer.scale_sp))
            layer.scale_sp.mul_(strength)
            layer.scale_base.mul_(strength)
        for name, p in theirs.named_parameters():
            if name.startswith(("node_bias", "subnode_bias")):
                p.normal_()
    fix_symbolic(theirs, 0, 1, 4, "sin", (1.5, 0.25, -0.5, 0.125))
    return theirs


@pytest.mark.filterwarnings("ignore:what was cut:edgewise.EdgewiseWarning")
@pytest.mark.parametrize(("node_threshold", "edge_threshold"), [(0.05, 0.01), (0.2, 0.02)])
@pytest.mark.parametrize("arity", [2, [[], [2, 3, 2], [3, 2], []]], ids=str)
def test_is_what_pykan_prunes(pykan, arity, node_threshold, edge_threshold):
    """All but the means, which pykan forgets: here they are in the biases of the subnodes. Nodes first, then edges."""
    theirs, x = network(pykan, mult_arity=arity), 2 * torch.rand(100, 3) - 1
    theirs(x)
    theirs.attribute()
    model = twin(theirs)
    smaller = theirs.prune_node(node_threshold, log_history=False)
    before = smaller(x).detach()
    assert_same_but_for_means(prune(model, x, node_threshold, 0.0), smaller, x)
    assert twin(smaller).width != model.width
    model = twin(smaller)
    smaller.attribute()
    smaller.prune_edge(edge_threshold, log_history=False)
    pruned = prune(model, x, 0.0, edge_threshold)
    assert_same_but_for_means(pruned, smaller, x)
    assert not all(layer.mask.all() for layer in pruned)
    assert not torch.equal(before, smaller(x).detach())


def assert_same_but_for_means(mine, theirs, x):
    expected = twin(theirs)
    assert mine.width == expected.width
    state = expected.state_dict()
    for name, tensor in mine.state_dict().items():
        if name in state and not name.endswith("subnode_bias"):
            assert torch.equal(tensor, state[name]), name
    mine.load_state_dict(state, strict=False)
    for layer, other in zip(mine, expected, strict=True):
        if other.symbolic is None and layer.symbolic is not None:  # where a mean has an edge of its own
            assert {name for name, *_ in layer.symbolic.groups()} <= {"0"}
            layer.symbolic.affine.data.zero_()
    assert_within(mine(x).detach(), theirs(x).detach(), 1e-11)


def test_what_it_is_made_from_stays_as_it_was():
    model, x = KAN([3, [2, 2], 1], scale=True), torch.rand(50, 3)
    before = copy.deepcopy(model.state_dict())
    for other in (prune(model, x, 0.5, 0.5), prune_inputs(model, x, 0.5), refine(model, 9), keep_nodes(model, [[0, 3]])):
        with torch.no_grad():
            for p in other.parameters():
                p.zero_()
    assert model.width == [3, [2, [2, 2]], 1]
    assert all(torch.equal(t, before[n]) for n, t in model.state_dict().items())


def test_the_best_node_of_a_layer_is_kept_and_thresholds_of_zero_keep_all():
    model, x = KAN([3, 4, 1]), torch.rand(50, 3)
    best = attribute(model, x).node_scores[1].argmax()
    pruned = prune(model, x, node_threshold=100.0, edge_threshold=0.0)
    assert pruned.width == [3, 1, 1]
    assert torch.equal(pruned[0].coef, model[0].coef[..., [best]])
    same = prune(model, x, 0.0, 0.0)
    assert torch.equal(same(x), model(x))


def test_nodes_that_are_left_without_edges_go_too():
    model = KAN([2, [3, 1], [2, 0], 1], base="identity").double()
    with torch.no_grad():
        for layer in model:
            layer.coef.zero_()
            layer.base_weight.fill_(1)
        model[0].base_weight[0] = 1e-3  # the first node is fed by next to nothing, but was read
        model[1].base_weight[1, 1:] = 0  # and read by a node that reads nothing else
    model.fix_symbolic(2, 0, 0, "x", (1.0, 0.0, 0.5, 0.0))
    x = torch.rand(50, 2, dtype=torch.float64)
    pruned = prune(model, x, node_threshold=1e-9)
    assert pruned.width == [2, [2, [2]], 1, 1]
    assert all(layer.mask.all() or layer.symbolic.present.all() for layer in pruned)
    assert pruned[2].symbolic.name(0, 0) == "x"


@pytest.mark.parametrize("bias", [0.0, 2.0])
def test_a_product_with_a_factor_without_edges_is_zero_unless_shifted(bias):
    model = KAN([2, [1, 1], 1], affine=True).double()
    mask = torch.ones(3, 2, dtype=torch.bool)
    mask[2] = False
    model[0].set_mask(mask)
    with torch.no_grad():
        model[0].affine["subnode_bias"][2] = bias
    pruned = prune(model, torch.rand(50, 2, dtype=torch.float64), 0.0, 0.0)
    assert pruned.width == [2, [1, [2]] if bias else 1, 1]


def test_edges_cut_before_stay_cut_and_formulas_stay():
    model, x = KAN([3, 2, 1]), torch.rand(50, 3)
    model.fix_symbolic(0, 0, 1, "x", (1.0, 0.0, 1e-6, 0.0))
    model[0].set_mask(torch.tensor([[True, False, True], [False, True, True]]))
    pruned = prune(model, x, 0.0, 0.0)
    assert torch.equal(pruned[0].mask, model[0].mask)
    assert pruned[0].symbolic.name(1, 0) == "x"


def test_prune_inputs_reads_the_same_rows():
    model, x = KAN([4, 3, 1], inputs=[5, 0, 2, 3]).double(), torch.rand(60, 6, dtype=torch.float64)
    mask = torch.ones(3, 4, dtype=torch.bool)
    mask[:, 1] = mask[:, 3] = False
    model[0].set_mask(mask)
    smaller = prune_inputs(model, x)
    assert smaller.inputs == [5, 2]
    assert_within(smaller(x).detach(), model(x).detach(), 1e-12)
    again = prune_inputs(smaller, x, threshold=100.0)
    assert len(again.inputs) == 1
    assert again.inputs[0] in (5, 2)


def test_keep_nodes_is_the_network_of_what_is_kept():
    """Cutting what leaves the nodes (and a product of one factor 0 ...) has to give the same as taking them out."""
    model = KAN([3, [2, [2, 3]], [1, 1], 2], BSpline(4, 3, knots="per-feature"), scale=True, affine=True).double()
    with torch.no_grad():
        for p in model.parameters():
            p.normal_()
    model.fix_symbolic(1, 3, 0, "sin", (1.0, 0.5, 2.0, 0.0))
    model.fix_symbolic(1, 0, 1, "exp", (1.0, 0.0, 1.0, 0.0))
    x = torch.rand(30, 3, dtype=torch.float64)
    model.update_grid(x)
    smaller = keep_nodes(model, [[3, 0], [1]])
    assert smaller.width == [3, [1, [3]], [0, [2]], 2]
    silent = copy.deepcopy(model)
    mask = silent[1].mask.clone()
    mask[:, [1, 2]] = False
    silent[1].set_mask(mask)
    mask = silent[2].mask.clone()
    mask[:, 0] = False
    silent[2].set_mask(mask)
    assert_within(smaller(x).detach(), silent(x).detach(), 1e-12)
    assert smaller[1].symbolic.name(0, 0) == "exp"
    assert smaller[1].symbolic.name(1, 1) is None


def test_all_kept_is_a_copy():
    model, x = KAN([3, [2, 1], 1]), torch.rand(5, 3)
    assert torch.equal(keep_nodes(model, [{2, 0, 1}])(x), model(x))
    assert torch.equal(keep_nodes(model, [[1, 1, 0, 2]])(x), model(x))
    turned = keep_nodes(model, [range(3)], [2, 0, 1])
    assert turned.inputs == [2, 0, 1]
    assert torch.equal(turned(x), model(x)) or torch.allclose(turned(x), model(x), atol=1e-6)


@pytest.mark.parametrize(
    ("hidden", "inputs"),
    [([], None), ([[0], [0]], None), ([[]], None), ([[3]], None), ([[-1]], None), ([[0]], []), ([[0]], [2]), ([[0]], [-1])],
    ids=str,
)
def test_impossible_choices_are_refused(hidden, inputs):
    with pytest.raises(ConfigError, match="to keep"):
        keep_nodes(KAN([2, 3, 1]), hidden, inputs)


def test_pruned_and_refined_networks_train_on():
    model, x = KAN([2, [3, 1], 1], grid=3, frozen=["base_weight"]), torch.rand(200, 2)
    pruned = refine(prune(model, x, 0.05, 0.05), 5)
    history = pruned.fit((x, x.prod(1)), optimizer="lm", steps=10)
    assert history.loss[-1] < 1e-3
    assert not any(layer.base_weight.requires_grad for layer in pruned)
    assert all(layer.coef.requires_grad for layer in pruned)


@pytest.mark.parametrize("grid", [10, [10, 6]], ids=str)
def test_refine_keeps_the_function(grid):
    model, x = KAN([2, [2, 1], 1], grid=[5, 3]).double(), 2 * torch.rand(50, 2, dtype=torch.float64) - 1
    with torch.no_grad():
        model[0].coef.mul_(0.3)
        model[0].base_weight.mul_(0.3)
    finer = refine(model, grid)
    assert [layer.edge.basis.grid_size for layer in finer] == ([10, 10] if grid == 10 else grid)
    assert [layer.edge.basis.grid_size for layer in model] == [5, 3]
    trace = model.trace(x)
    assert trace.inputs[1].abs().max() < 1  # on the grid, where refinement is exact for multiples
    assert_within(finer[0](x).detach(), model[0](x).detach(), 1e-12)
    if grid != 10:
        assert_within(finer(x).detach(), model(x).detach(), 1e-12)


def test_refinement_that_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="2 layers need so many grids, got"):
        refine(KAN([2, 3, 1]), [5])
    with pytest.raises(ConfigError, match="Chebyshev has no grid"):
        refine(KAN([2, 3, 1], Chebyshev(3)), 5)


def test_rows_that_cannot_be_scored_are_refused():
    model, x = KAN([2, 3, 1]), torch.rand(10, 2)
    for call in (prune, prune_inputs):
        with pytest.raises(DataError, match="at least 2 samples"):
            call(model, x[:1])
        with pytest.raises(NonFiniteError):
            call(model, x.fill_(torch.inf).clone())
        x = torch.rand(10, 2)
    model.fix_symbolic(0, 0, 0, "log", (1.0, -5.0, 1.0, 0.0))
    with pytest.raises(NonFiniteError, match="layer 0"):
        prune(model, x)
