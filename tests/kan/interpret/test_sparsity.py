import copy
import math

import pytest
import torch

from edgewise._ground.errors import ConfigError
from edgewise.kan import KAN
from edgewise.kan.interpret.sparsity import METRICS, Sparsity
from edgewise.kan.network import Trace
from edgewise.testing import assert_within
from tests.pykan_networks import cut, fix_symbolic, twin


def their_penalty(theirs, x, metric, *factors):
    theirs(x)
    if metric == "edge_backward":
        theirs.attribute()
    if metric == "node_backward":
        theirs.node_attribute()
    return theirs.get_reg(metric, *factors)


def network(pykan):
    theirs = pykan([3, [2, 1], [1, 1], 2], grid=4, k=3, mult_arity=2)
    fix_symbolic(theirs, 0, 1, 2, "sin", (1.5, 0.25, -2.0, 0.125))
    fix_symbolic(theirs, 1, 0, 0, "gaussian", (0.5, 0.0, 2.0, 1.0), "sn")
    return theirs


@pytest.mark.parametrize("factors", [(1.0, 2.0, 0.0, 0.0), (0.5, 0.0, 0.3, 0.7)], ids=str)
@pytest.mark.parametrize("metric", METRICS)
def test_penalties_are_those_of_pykan(pykan, metric, factors):
    theirs, x = network(pykan), 2 * torch.rand(100, 3) - 1
    cut(theirs, 0, 0, 0)
    model = twin(theirs)
    found = Sparsity(0.01, *factors, metric=metric)(model, model.trace(x))
    assert found.item() == pytest.approx(0.01 * their_penalty(theirs, x, metric, *factors).item(), rel=1e-9)


@pytest.mark.parametrize("metric", METRICS)
def test_gradients_are_those_of_pykan(pykan, metric):
    """Without edges that are cut: there pykan's are NaN."""
    theirs, x = network(pykan), 2 * torch.rand(100, 3) - 1
    theirs.fix_symbolic(0, 1, 2, "sin", fit_params_bool=False, log_history=False)
    theirs.set_mode(0, 1, 2, "sn")
    model = twin(theirs)
    factors = (1.0, 2.0, 0.3, 0.7)
    their_penalty(theirs, x, metric, *factors).backward()
    Sparsity(1.0, *factors, metric=metric)(model, model.trace(x)).backward()
    for layer, a, s in zip(model, theirs.act_fun, theirs.symbolic_fun, strict=True):
        assert_within(layer.coef.grad, a.coef.grad.movedim(2, 1), 1e-8)
        for mine, their in ((layer.base_weight, a.scale_base), (layer.scale, a.scale_sp)):
            if metric == "edge_forward_sum":  # neither has any
                assert mine.grad is None
                assert their.grad is None
            else:
                assert_within(mine.grad, their.grad.T, 1e-8)
        if layer.symbolic is not None and s.affine.grad is not None and metric != "edge_forward_sum":
            assert_within(layer.symbolic.affine.grad, s.affine.grad, 1e-8)


def test_one_layer_in_closed_form():
    """Two straight lines of slopes 3 and 1 on inputs of deviation s: the measures are 3 s / (s + 0.1) and s / (s + 0.1)."""
    model = KAN([2, 1], base="identity").double()
    with torch.no_grad():
        model[0].coef.zero_()
        model[0].base_weight.copy_(torch.tensor([[3.0, 1.0]]))
    x = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]], dtype=torch.float64)
    s = 0.5
    sizes = [3 * s / (s + 0.1), s / (s + 0.1)]
    row = [size / (sum(sizes) + 1) for size in sizes]
    column = [size / (size + 1) for size in sizes]
    entropy = -sum(p * math.log2(p + 1e-4) for p in row) - sum(p * math.log2(p + 1e-4) for p in column) / 2
    trace = model.trace(x)
    assert Sparsity(1.0, 1.0, 0.0)(model, trace).item() == pytest.approx(sum(sizes), rel=1e-12)
    assert Sparsity(1.0, 0.0, 1.0)(model, trace).item() == pytest.approx(entropy, rel=1e-12)
    assert Sparsity(0.1, 2.0, 3.0)(model, trace).item() == pytest.approx(0.1 * (2 * sum(sizes) + 3 * entropy), rel=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_gradients_are_finite_where_edges_are_cut_or_inputs_constant(metric):
    model, x = KAN([3, [2, 1], 1], scale=True).double(), torch.rand(30, 3, dtype=torch.float64)
    x[:, 2] = 1.0
    mask = torch.ones(4, 3, dtype=torch.bool)
    mask[0] = mask[2, 1] = False
    model[0].set_mask(mask)
    model.fix_symbolic(1, 0, 0, "sin")
    value = Sparsity(1.0, 1.0, 2.0, 0.1, 0.1, metric)(model, model.trace(x))
    assert value.isfinite()
    value.backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("metric", [name for name in METRICS if name != "edge_forward_sum"])
def test_a_step_down_the_gradient_lowers_it(metric):
    torch.manual_seed(1)  # scores take deviations of subnodes for constants, so that from other starts it may rise
    model, x = KAN([2, 3, 1]), torch.rand(50, 2)
    penalty = Sparsity(1.0, metric=metric)
    before = penalty(model, model.trace(x))
    before.backward()
    with torch.no_grad():
        for p in model.parameters():
            p.sub_(1e-3 * p.grad)
        assert penalty(model, model.trace(x)) < before


def test_impossible_settings_are_refused():
    with pytest.raises(ConfigError, match="unknown metric 'edge_forward'; did you mean 'edge_forward_sum'"):
        Sparsity(metric="edge_forward")
    for name in ("strength", "l1", "entropy", "coef", "coef_diff"):
        for value in (-0.1, math.nan, math.inf):
            with pytest.raises(ConfigError, match="must be finite and not negative"):
                Sparsity(**{name: value})


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("metric", METRICS)
def test_half_precision_has_the_penalty_of_its_numbers(metric, dtype):
    model, x = KAN([20, 20, 1]).to(dtype), (300 * torch.rand(50, 20)).to(dtype)  # whose squares are beyond float16
    wide, penalty = copy.deepcopy(model).float(), Sparsity(1.0, coef=0.1, coef_diff=0.1, metric=metric)
    trace = model.trace(x)
    found = penalty(model, trace)
    expected = penalty(
        wide, Trace(*([t.float() for t in part] for part in (trace.inputs, trace.subnodes)), trace.output.float())
    )
    assert found.item() == pytest.approx(expected.item(), rel=1e-3)
    found.backward() if found.requires_grad else None
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
