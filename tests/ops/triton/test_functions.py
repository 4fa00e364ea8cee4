"""Every basis that is written in Triton's language, against its formula in Python; slopes against autograd's."""

import math

import pytest
import torch

from edgewise.bases import BSpline, Chebyshev
from edgewise.bases.basis import BASES
from tests.ops.triton_errors import DEVICE, needs_triton

pytestmark = needs_triton

if needs_triton.args[0] is False:
    import triton
    import triton.language as tl

    from edgewise.ops.edge import BASE_FUNCTIONS
    from edgewise.ops.triton.base_functions import BASE_FUNCTIONS as KERNELS_OF_BASES
    from edgewise.ops.triton.edges import evaluate
    from edgewise.ops.triton.functions import KERNELS, BasisKernel, kernel_of, numbers_of

    @triton.jit
    def table(X, NUMBERS, VALUES, SLOPES, size, BASIS: tl.constexpr, BLOCK: tl.constexpr):
        j, n = tl.program_id(0), tl.arange(0, BLOCK)
        x = tl.load(X + n, n < size, 0.0)
        value, slope = evaluate(x, j, n * 0, NUMBERS, BASIS)
        tl.store(VALUES + j * size + n, value, n < size)
        tl.store(SLOPES + j * size + n, slope, n < size)

    WITH_KERNELS = [name for name in BASES if BASES[name] in KERNELS]
else:
    WITH_KERNELS, BASE_FUNCTIONS = [], {}


def evaluated(kernel, numbers, x):
    """Values and slopes of all functions, ``(K, points)`` each."""
    found = [x.new_empty(kernel.num_functions, len(x)) for _ in range(2)]
    table[(kernel.num_functions,)](x, numbers, *found, len(x), kernel, triton.next_power_of_2(len(x)))
    return found


def formula(basis, x, state):
    """The same by the formula, the slopes by autograd."""
    x = x.unsqueeze(1).requires_grad_()
    values = basis.evaluate(x, state)[:, 0].t()  # (K, points)
    slopes = [torch.autograd.grad(row.sum(), x, retain_graph=True, materialize_grads=True)[0][:, 0] for row in values]
    return values.detach(), torch.stack(slopes)


@pytest.mark.filterwarnings("ignore:.* encountered in:RuntimeWarning")  # numpy's, in the interpreter
@pytest.mark.parametrize("name", WITH_KERNELS)
def test_equals_the_formula(name):
    """Under each rule for the outside, on a domain that is not the default one."""
    x = torch.linspace(-2.9, 3.1, 61, dtype=torch.float64, device=DEVICE)
    x[-3:] = x.new_tensor([math.inf, -math.inf, math.nan])
    for outside in (BASES[name].natural, "clamp", "linear"):
        basis = BASES[name](outside=outside, domain=(-0.7, 1.6))
        kernel, numbers = kernel_of(basis)
        found = evaluated(kernel, numbers_of(basis, numbers, x.dtype, x.device), x)
        for mine, theirs in zip(found, formula(basis, x, {}), strict=True):
            torch.testing.assert_close(mine[:, :-3], theirs[:, :-3], rtol=1e-11, atol=1e-11)
        if outside in ("clamp", "zero", "decay"):  # the others go on, to where sums have no limit
            torch.testing.assert_close(found[0][:, -3:-1], formula(basis, x, {})[0][:, -3:-1], rtol=1e-11, atol=1e-11)
        assert found[0][:, -1].isnan().any()
        assert found[1][:, -1].isnan().any()


@pytest.mark.parametrize(
    "basis",
    [BSpline(3, degree, knots="per-feature") for degree in range(1, 6)] + [Chebyshev(0), Chebyshev(25)],
    ids=str,
)
def test_equals_the_formula_for_other_settings(basis):
    x = torch.linspace(-2.9, 3.1, 53, dtype=torch.float64, device=DEVICE)
    kernel, numbers = kernel_of(basis)
    state = basis.init_state(1, dtype=torch.float64, device=DEVICE)
    for knots in state.values():
        knots.add_(torch.rand_like(knots)).copy_(knots.sort()[0])
    numbers = state.get("knots", numbers_of(basis, numbers, torch.float64, x.device))
    for mine, theirs in zip(evaluated(kernel, numbers, x), formula(basis, x, state), strict=True):
        assert ((mine - theirs).abs() <= 1e-11 * theirs.abs().max()).all()


@pytest.mark.parametrize("name", BASE_FUNCTIONS)
def test_base_functions(name):
    x = torch.linspace(-6, 6, 64, dtype=torch.float64, device=DEVICE)
    value, slope = evaluated(BasisKernel(1, KERNELS_OF_BASES[name]), x, x)
    given = x.clone().requires_grad_()
    expected = BASE_FUNCTIONS[name](given)
    (steep,) = torch.autograd.grad(expected.sum(), given)
    torch.testing.assert_close(value[0], expected.detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(slope[0], steep, rtol=1e-12, atol=1e-12)
