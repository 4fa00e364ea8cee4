import pytest
import torch
from torch.func import functional_call, jacrev

from edgewise.kan import KAN
from edgewise.kan.fitting.curvature import penalty_curvature
from edgewise.kan.fitting.data import Table
from edgewise.kan.interpret.deviations import deviations
from edgewise.kan.interpret.sparsity import METRICS, Sparsity
from edgewise.testing import assert_within


def network(width, **options) -> KAN:
    model = KAN(width, grid=3, **options).double()
    with torch.no_grad():
        for p in model.parameters():
            p.normal_()
    mask = torch.ones_like(model[0].mask)
    mask[0, 1] = False
    model[0].set_mask(mask)
    return model


def rows(n: int = 60) -> Table:
    x = 2 * torch.rand(n, 3, dtype=torch.float64) - 1
    return Table(x, x[:, :1])


def written(parameters, step) -> None:
    with torch.no_grad():
        for p, part in zip(parameters, step.split([p.numel() for p in parameters]), strict=True):
            p.add_(part.view_as(p))


CASES = [{}, {"base": None}, {"scale": True, "frozen": ["scale"]}, {"frozen": ["coef"]}, {"frozen": ["base_weight"]}]


@pytest.mark.parametrize("options", CASES, ids=str)
def test_is_that_of_the_parabolas_that_touch(options):
    r"""Of :math:`\sum_e g_e \sigma_e^2 / 2 \sigma_{e0}`, g the derivative of the penalty by each deviation."""
    model, data, penalty = network([3, 2], **options), rows(), Sparsity(0.1, 1.0, 0.0)
    parameters = [p for p in model.parameters() if p.requires_grad]
    _, curvature = penalty_curvature(model, data, penalty, parameters)
    names = {id(p): name for name, p in model.named_parameters()}
    found = deviations(model, model.trace(data.x))[0]
    size = found.numeric.detach()
    slope = 0.1 / (found.inputs + 0.1)
    sizes = [p.numel() for p in parameters]

    def parabolas(step):
        values = {
            f"model.{names[id(p)]}": p.detach() + part.view_as(p)
            for p, part in zip(parameters, step.split(sizes), strict=True)
        }
        now = functional_call(_Measuring(model), values, (data.x,))
        return (torch.where(size > 0, slope * now / (2 * size.clamp_min(1e-30)), 0)).sum()

    assert_within(curvature, jacrev(jacrev(parabolas))(torch.zeros(sum(sizes), dtype=torch.float64)), 1e-9)


def test_numbers_of_scales_count_too():
    """An edge is linear in its scale as it is in its coefficients: scaled alike, it curves alike."""
    model, data = network([3, 2], scale=True, frozen=["base_weight", "coef"]), rows()
    with torch.no_grad():
        model[0].base_weight.zero_()
    gradient, curvature = penalty_curvature(model, data, Sparsity(0.1, 1.0, 0.0), [model[0].scale])
    # sigma = |s| sigma_1, so the parabola is slope sigma_1^2 s^2 / (2 sigma) and its curvature the gradient over s
    scale = model[0].scale.detach().flatten()
    assert_within(curvature, torch.diag(gradient / scale), 1e-9)


class _Measuring(torch.nn.Module):
    """Variances of the edges."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        layer = self.model[0]
        return torch.einsum("nif,ifo->noi", layer.edge_features(x), layer.edge_weights()).var(0)


BOUNDS = [*((options, Sparsity(0.1, 1.0, 0.0)) for options in CASES), ({}, Sparsity(0.1, 1.0, 0.0, 0.5, 0.7))]


@pytest.mark.parametrize(("options", "penalty"), BOUNDS, ids=str)
def test_lies_above_a_penalty_and_touches_it(options, penalty):
    model, data = network([3, 2], **options), rows()
    parameters = [p for p in model.parameters() if p.requires_grad]
    gradient, curvature = penalty_curvature(model, data, penalty, parameters)
    value = penalty(model, model.trace(data.x)).item()
    origin = [p.detach().clone() for p in parameters]
    for length in (1e-3, 0.1, 1.0, 10.0):
        for _ in range(5):
            step = length * torch.randn(len(gradient), dtype=torch.float64)
            written(parameters, step)
            after = penalty(model, model.trace(data.x)).item()
            bound = value + (gradient @ step + step @ curvature @ step / 2).item()
            assert after <= bound + 1e-12
            if length == 1e-3:
                assert after == pytest.approx(bound, abs=1e-4 * value)
            with torch.no_grad():
                for p, old in zip(parameters, origin, strict=True):
                    p.copy_(old)


@pytest.mark.parametrize("metric", METRICS)
def test_gradient_by_finite_differences_through_all_layers(metric):
    model, data = network([3, [1, 1], 2], scale=True, affine=True), rows()
    model.fix_symbolic(0, 2, 0, "sin")
    penalty = Sparsity(0.1, 1.0, 2.0, 0.1, 0.2, metric)
    parameters = list(model.parameters())
    gradient, curvature = penalty_curvature(model, data, penalty, parameters)
    assert_within(curvature, curvature.T, 1e-12)
    assert torch.linalg.eigvalsh(curvature).min() >= -1e-9 * curvature.abs().max()
    if metric in ("edge_forward_sum", "edge_backward", "node_backward"):  # they hold some of it constant
        expected = torch.autograd.grad(penalty(model, model.trace(data.x)), parameters, materialize_grads=True)
        assert_within(gradient, torch.cat([g.flatten() for g in expected]), 1e-12)
        return
    direction = torch.randn_like(gradient)
    ends = []
    for sign in (1, -1):
        written(parameters, sign * 1e-6 * direction)
        ends.append(penalty(model, model.trace(data.x)).item())
        written(parameters, -sign * 1e-6 * direction)
    assert (gradient @ direction).item() == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5)


def test_edges_that_vanish_are_treated_as_small_ones():
    model, data = network([3, 2]), rows()
    with torch.no_grad():
        model[0].coef[0, :, 1] = 0
        model[0].base_weight[1, 0] = 0
    gradient, curvature = penalty_curvature(model, data, Sparsity(0.1), list(model.parameters()))
    assert all(t.isfinite().all() for t in (gradient, curvature))


def test_a_measure_without_gradient_and_edges_that_are_all_frozen():
    model, data = network([3, 2]), rows()
    penalty = Sparsity(0.1, metric="edge_forward_sum")
    gradient, curvature = penalty_curvature(model, data, penalty, list(model.parameters()))
    assert penalty(model, model.trace(data.x)) > 0
    assert not gradient.any()
    assert not curvature.any()
    model = network([3, 2, 1], frozen=["coef", "base_weight"])
    model.fix_symbolic(1, 0, 0, "sin")
    affine = model[1].symbolic.affine
    gradient, curvature = penalty_curvature(model, data, Sparsity(0.1), [affine])
    assert gradient.shape == (affine.numel(),)
    assert not curvature.any()
