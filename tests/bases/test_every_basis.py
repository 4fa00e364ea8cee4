"""What holds for all registered bases under their own settings, beside the contract of bases."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from edgewise.bases import (
    Bernstein,
    BSpline,
    Fourier,
    Gram,
    Legendre,
    Monomials,
    Rational,
    Sine,
    Wavelet,
    create_basis,
    list_bases,
)
from edgewise.bases.basis import BASES
from edgewise.bases.wavelet import KINDS
from edgewise.models import create_model
from edgewise.nn import KANLinear

DEFAULTS = {name: create_basis(name) for name in list_bases()}
PAGE = Path(__file__).parents[2] / "docs" / "bases.md"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("basis", DEFAULTS.values(), ids=DEFAULTS)
def test_values_and_two_derivatives_are_finite(basis, dtype):
    """Far out, at the ends of the domain, in its middle and at zero."""
    lo, hi = basis.domain
    points = [s * size for s in (-1, 1) for size in (10, 100, 1e4)] + [lo, hi, (lo + hi) / 2, 0.0, 1e-12]
    x = torch.tensor(points, dtype=dtype).unsqueeze(-1).requires_grad_()
    values = basis.evaluate(x, basis.init_state(1, dtype=dtype))
    assert values.isfinite().all()
    for value in values.unbind(-1):
        (slope,) = torch.autograd.grad(value.sum(), x, create_graph=True, materialize_grads=True)
        assert slope.isfinite().all()
        if slope.requires_grad:
            (curvature,) = torch.autograd.grad(slope.sum(), x, retain_graph=True, materialize_grads=True)
            assert curvature.isfinite().all()


@pytest.mark.parametrize("basis", [Gram(3), Sine(2), *(Wavelet(kind, 2) for kind in KINDS)], ids=str)
def test_numbers_that_learn_move_the_straight_lines_beyond_the_domain(basis):
    basis = replace(basis, outside="linear")
    state = {name: t.detach().requires_grad_() for name, t in basis.init_state(2, dtype=torch.float64).items()}
    x = torch.tensor([[-5.0, 0.5], [0.3, 7.0]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, *s: basis.evaluate(x, dict(zip(state, s, strict=True))), (x, *state.values()))


@pytest.mark.parametrize("basis", DEFAULTS.values(), ids=DEFAULTS)
def test_a_model_is_rebuilt_from_json(basis):
    model = create_model("kan", width=[2, 1], basis=basis)
    config = json.loads(json.dumps(model.config))
    assert create_model(config["name"], **config["options"])[0].edge.basis == basis


@pytest.mark.parametrize("basis", DEFAULTS.values(), ids=DEFAULTS)
def test_a_start_draws_no_random_numbers(basis):
    """So that the start of a layer, worked out from one input once and for all, holds for each of its inputs."""
    before = torch.get_rng_state()
    first, second = basis.init_state(3), basis.init_state(3)
    assert torch.equal(torch.get_rng_state(), before)
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name])
        assert torch.equal(tensor, tensor[:1].expand_as(tensor))


SMALL = [
    *(family(0) for family in (Bernstein, Gram, Legendre, Monomials)),
    *(Wavelet(kind, count) for kind in KINDS for count in (1, 2)),
    BSpline(1, 0),
    Fourier(1),
    Rational(0, 2),
    Sine(1),
]


@pytest.mark.parametrize("base", ["silu", None])
@pytest.mark.parametrize("basis", SMALL, ids=str)
def test_a_layer_of_few_functions_keeps_the_size(basis, base):
    """All functions of some of these are even, or constant."""
    layer, x = KANLinear(200, 200, basis, base=base), torch.randn(400, 200)
    assert 0.7 <= layer(x).square().mean().sqrt().item() <= 1.4


SMOOTH = {"bspline": "degree - 1", "relu_kan": "power - 1", "rational": "0", "squashed": "as the other"}


@pytest.mark.parametrize("name", list_bases())
def test_each_basis_has_its_row(name):
    """With its class, its domain, its smoothness, its rule for the outside and its number of functions as they are."""
    (row,) = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{name}`")]
    basis, cells = DEFAULTS[name], [cell.strip() for cell in row.strip("|").split("|")]
    lo, hi = ("pi" if abs(end) == math.pi else f"{abs(end):g}" for end in basis.domain)
    assert cells[1].startswith(f"`{BASES[name].__name__}(")
    assert cells[3:6] == [f"[-{lo}, {hi}]", SMOOTH.get(name, "inf"), f"`{basis.outside}`"]
    assert math.isinf(basis.smoothness) == (SMOOTH.get(name, "inf") in ("inf", "as the other"))
    assert cells[6].startswith("as the other," if name == "squashed" else f"{basis.num_functions},")
