import pytest
import torch
from torch.func import functional_call, jacrev

from edgewise.bases import BSpline, Chebyshev
from edgewise.kan import KAN
from edgewise.kan.fitting import jacobian
from edgewise.ops import use_backend
from edgewise.testing import assert_within


def network(dtype=torch.float64, **options) -> KAN:
    model = KAN([3, [2, 1], [1, [3]], 2], **{"grid": 3, "scale": True, "affine": True, **options}).to(dtype)
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(std=0.5)
    model.fix_symbolic(0, 1, 0, "sin", (1.5, 0.25, -2.0, 0.125))
    model.fix_symbolic(0, 2, 3, "gaussian", (0.5, 0.0, 2.0, 1.0))
    model.fix_symbolic(2, 1, 1, "x^2", (1.0, 0.5, 0.5, 0.0))
    mask = torch.rand_like(model[1].mask, dtype=torch.float) < 0.7
    model[1].set_mask(mask)
    mask = model[2].mask.clone()
    mask[1, 1] = True  # numeric too
    model[2].set_mask(mask)
    return model


def by_autograd(model: KAN, x: torch.Tensor, parameters: list[torch.Tensor]) -> torch.Tensor:
    """Derivatives of all outputs by these parameters, from torch.func on the definitions."""
    names = {id(p): name for name, p in model.named_parameters()}
    chosen = {names[id(p)]: p.detach() for p in parameters}
    with use_backend("reference"):
        found = jacrev(lambda values: functional_call(model, values, (x,)))(chosen)
    return torch.cat([found[names[id(p)]].flatten(2) for p in parameters], -1)


OPTIONS = [
    {},
    {"scale": False, "affine": False},
    {"base": None},
    {"grid": None, "basis": Chebyshev(3)},
    {"grid": None, "basis": BSpline(3, 2, knots="per-feature", outside="linear")},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_is_that_of_autograd(options):
    model, x = network(**options), 2 * torch.rand(7, 3, dtype=torch.float64) - 1
    output, derivatives, parameters = jacobian(model, x)
    assert {id(p) for p in parameters} == {id(p) for p in model.parameters() if p.requires_grad} - unused(model)
    assert_within(output, model(x).detach(), 1e-12)
    assert not output.requires_grad
    assert derivatives.shape == (7, 2, sum(p.numel() for p in parameters))
    assert_within(derivatives, by_autograd(model, x, parameters), 1e-10)


def unused(model: KAN) -> set[int]:
    """Numbers of formulas in layers where no edge has any."""
    return {id(s.affine) for layer in model if (s := layer.symbolic) is not None and not s.groups()}


@pytest.mark.parametrize("frozen", [["coef"], ["base_weight"], ["scale", "coef"]], ids=str)
def test_by_those_that_are_not_frozen(frozen):
    model, x = network(frozen=frozen), 2 * torch.rand(5, 3, dtype=torch.float64) - 1
    model[0].symbolic.affine.requires_grad_(False)
    _, derivatives, parameters = jacobian(model, x)
    assert all(p.requires_grad for p in parameters)
    assert len(parameters) == sum(p.requires_grad for p in model.parameters()) - len(unused(model))
    assert_within(derivatives, by_autograd(model, x, parameters), 1e-10)


def test_columns_of_the_data_and_a_room_for_formulas_that_is_empty():
    model = KAN([2, 2, 1], grid=3, inputs=[3, 1], symbolic=True).double()
    x = torch.rand(6, 4, dtype=torch.float64)
    output, derivatives, parameters = jacobian(model, x)
    assert len(parameters) == 4
    assert_within(output, model(x).detach(), 1e-12)
    assert_within(derivatives, by_autograd(model, x, parameters), 1e-10)


def test_in_float32_and_without_a_graph():
    model, x = network(torch.float32), 2 * torch.rand(7, 3) - 1
    with torch.no_grad():
        output, derivatives, parameters = jacobian(model, x)
    assert derivatives.dtype == output.dtype == torch.float32
    assert not derivatives.requires_grad
    assert all(p.grad is None for p in model.parameters())
    wide = model.double()
    assert_within(derivatives.double(), jacobian(wide, x.double())[1], 1e-4)
    assert parameters


def test_cut_edges_have_zero_derivatives():
    model, x = network(), 2 * torch.rand(7, 3, dtype=torch.float64) - 1
    _, derivatives, parameters = jacobian(model, x)
    places = torch.cat([torch.full((p.numel(),), i) for i, p in enumerate(parameters)])
    (weights,) = (i for i, p in enumerate(parameters) if p is model[1].base_weight)
    assert not derivatives[..., places == weights][..., (~model[1].mask).flatten()].any()
    assert derivatives[..., places == weights][..., model[1].mask.flatten()].any()


def test_all_frozen_but_a_formula():
    model = KAN([1, 1, 1], grid=3, frozen=["coef", "base_weight"]).double()
    model.fix_symbolic(1, 0, 0, "exp")
    x = torch.rand(4, 1, dtype=torch.float64)
    _, derivatives, parameters = jacobian(model, x)
    assert [p.shape for p in parameters] == [(1, 1, 4)]
    assert_within(derivatives, by_autograd(model, x, parameters), 1e-12)
