import pytest
import torch

from edgewise._ground.errors import DataError
from edgewise.bases import BSpline, Chebyshev
from edgewise.kan import KAN
from edgewise.kan.interpret.curves import edge_curves
from edgewise.kan.interpret.deviations import deviations
from edgewise.testing import assert_within
from tests.pykan_networks import cut, fix_symbolic, twin


def mixed(dtype=torch.float64, **options) -> KAN:
    model = KAN([3, [1, 2], 2], **options).to(dtype)
    mask = torch.rand(5, 3) < 0.7
    mask[4, 0] = True
    model[0].set_mask(mask)
    model.fix_symbolic(0, 1, 2, "sin", (1.5, 0.25, -2.0, 0.125))
    model.fix_symbolic(0, 0, 4, "x^2", (1.0, 0.0, 0.5, 0.0))
    mask = model[0].mask.clone()
    mask[4, 0] = True  # numeric too
    model[0].set_mask(mask)
    return model


OPTIONS = [{}, {"scale": True}, {"base": None}, {"basis": Chebyshev(4)}, {"basis": BSpline(4, 2, knots="per-feature")}]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_are_those_of_the_curves(options, dtype):
    model, x = mixed(dtype, **options), 2 * torch.rand(80, 3, dtype=dtype) - 1
    trace = model.trace(x)
    relative = 1e-5 if dtype == torch.float32 else 1e-12
    for layer, inputs, subnodes, found in zip(model, trace.inputs, trace.subnodes, deviations(model, trace), strict=True):
        assert found.total.dtype == dtype
        assert_within(found.total.detach(), edge_curves(layer, inputs).std(0).detach(), relative)
        assert_within(found.inputs.detach(), inputs.std(0).detach(), relative)
        assert_within(found.subnodes.detach(), subnodes.std(0).detach(), relative)
        numeric = torch.einsum("nif,ifo->noi", layer.edge_features(inputs), layer.edge_weights())
        assert_within(found.numeric.detach(), numeric.std(0).detach(), relative)
        features = layer.edge_features(inputs).detach()
        for i in range(layer.in_features):
            assert_within(found.covariance[i].detach(), torch.cov(features[:, i].T.double()), relative)


def test_gradients_are_those_of_the_curves():
    model, x = mixed(scale=True), 2 * torch.rand(60, 3, dtype=torch.float64) - 1
    parameters = list(model.parameters())
    trace = model.trace(x)
    direct = [edge_curves(layer, inputs).std(0) for layer, inputs in zip(model, trace.inputs, strict=True)]
    weights = [torch.rand_like(d) * (d > 0) for d in direct]
    found = deviations(model, trace)

    def gradients(sizes):
        total = sum((size * w)[w > 0].sum() for size, w in zip(sizes, weights, strict=True))
        return torch.autograd.grad(total, parameters, retain_graph=True, materialize_grads=True)

    for mine, expected in zip(gradients([d.total for d in found]), gradients(direct), strict=True):
        assert_within(mine, expected, 1e-9)


def test_are_those_of_pykan(pykan):
    theirs = pykan([3, [2, 1], 2], grid=4, k=3)
    fix_symbolic(theirs, 0, 1, 2, "sin", (1.5, 0.25, -2.0, 0.125))
    fix_symbolic(theirs, 1, 0, 1, "gaussian", (0.5, 0.0, 2.0, 1.0), "sn")
    cut(theirs, 0, 0, 0)
    x = 2 * torch.rand(100, 3) - 1
    theirs(x)
    model = twin(theirs)
    for number, found in enumerate(deviations(model, model.trace(x))):
        assert_within(found.total.detach(), theirs.edge_actscale[number].detach(), 1e-9)
        assert_within(found.subnodes.detach(), theirs.subnode_actscale[number], 1e-9)
        assert_within((found.numeric / (found.inputs + 0.1)).detach(), theirs.acts_scale_spline[number].detach(), 1e-9)


def test_slope_is_zero_where_an_edge_is_constant():
    model, x = KAN([2, 2, 1]).double(), torch.rand(20, 2, dtype=torch.float64)
    model[0].set_mask(torch.tensor([[True, False], [False, False]]))
    x[:, 0] = 0.5
    found = deviations(model, model.trace(x))
    assert found[0].total.max() < 1e-15
    assert not found[0].total[~model[0].mask].any()
    gradients = torch.autograd.grad(sum(d.total.sum() + d.inputs.sum() for d in found), list(model.parameters()))
    assert all(g.isfinite().all() for g in gradients)


def test_a_constant_far_from_zero_has_none_of_its_own():
    model = KAN([1, 1], base=None)
    with torch.no_grad():
        model[0].coef.fill_(1e4)
    assert deviations(model, model.trace(torch.rand(500, 1)))[0].total.item() < 1e-2  # 1e-6 of the constant


def test_a_nan_is_seen():
    model, x = KAN([2, 1]), torch.rand(10, 2)
    x[3, 1] = torch.nan
    total = deviations(model, model.trace(x))[0].total
    assert total.isfinite().tolist() == [[True, False]]


def test_one_sample_is_refused():
    model = KAN([2, 1])
    with pytest.raises(DataError, match="needs at least 2 samples, got 1"):
        deviations(model, model.trace(torch.rand(1, 2)))
