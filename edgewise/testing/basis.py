"""The contract of a basis."""

import copy
import math
import pickle  # of an object made on the spot; nothing is read from a file
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from edgewise.bases import Basis, State
from edgewise.nn import KANLinear
from edgewise.ops import use_backend
from edgewise.testing.compare import assert_within
from edgewise.testing.points import Points

PRECISION = {torch.float64: 1e-12, torch.float32: 1e-5}


class BasisContract(Points):
    """What every basis promises; inherit, and set ``basis`` and ``oracle``.

    A class attribute may also give ``features``, the number of inputs tested at once. A basis whose functions are
    smooth only between certain points names them in :meth:`breaks`; one with knots or learnable numbers may replace
    :meth:`state` by values that test it harder than its start.

    Example:
        >>> import numpy as np
        >>> from edgewise.bases import Chebyshev
        >>> class TestChebyshev(BasisContract):
        ...     basis = Chebyshev(degree=3)
        ...     def oracle(self, x):
        ...         return np.polynomial.chebyshev.chebvander(x, 3)
    """

    def oracle(self, x: np.ndarray, **state: np.ndarray) -> np.ndarray:
        """The natural formula in float64, written independently: ``(n, features) -> (n, features, K)``."""
        raise NotImplementedError

    @pytest.mark.parametrize("dtype", PRECISION, ids=str)
    def test_equals_the_oracle(self, dtype):
        basis, state = self._natural(), self.state(dtype)
        x = self._points(state, dtype)
        assert_within(basis.evaluate(x, state).double(), self._oracle(x, state), PRECISION[dtype])

    def test_num_functions_is_the_last_dimension(self):
        state = self.state()
        assert self.basis.evaluate(self._inside(state), state).shape[-1] == self.basis.num_functions

    def test_slope_is_that_of_the_oracle(self):
        basis, state = self._natural(), self.state()
        x, step = self._wide(state), 1e-6
        difference = (self._oracle(x + step, state) - self._oracle(x - step, state)) / (2 * step)
        assert_within(_slopes(partial(basis.evaluate, state=state), x), difference, 1e-6)

    @pytest.mark.slow
    def test_gradients_by_finite_differences(self):
        self._check(torch.autograd.gradcheck, least_smoothness=1)

    @pytest.mark.slow
    def test_second_order_gradients_by_finite_differences(self):
        if self.basis.smoothness < 2:
            pytest.skip("declared to have no continuous second derivative")
        self._check(torch.autograd.gradgradcheck, least_smoothness=3)

    @pytest.mark.parametrize("outside", ["natural", "clamp", "linear"])
    def test_nan_stays_in_its_row(self, outside):
        basis, state = self._under(outside), self.state()
        x = self._wide(state)
        spoilt = x.clone()
        spoilt[1, 0] = math.nan
        values, expected = basis.evaluate(spoilt, state), basis.evaluate(x, state)
        assert values[1, 0].isnan().any()  # one will do: NaN times any coefficient is NaN
        values[1, 0] = expected[1, 0]
        assert torch.equal(values, expected)

    @pytest.mark.parametrize("sign", [-1, 1])
    def test_infinity_gives_what_the_formula_gives(self, sign):
        basis, state = self._natural(), self.state()
        x = torch.full((1, self.features), sign * math.inf, dtype=torch.float64)
        with np.errstate(invalid="ignore"):
            expected = self._oracle(x, state)
        number = ~expected.isnan()  # elsewhere the formula has no limit, and no exception is all that is asked for
        assert_within(basis.evaluate(x, state)[number], expected[number], 1e-12)

    @pytest.mark.parametrize("sign", [-1, 1])
    def test_infinity_is_clamped(self, sign):
        basis, state = self._under("clamp"), self.state()
        x = torch.full((1, self.features), sign * math.inf, dtype=torch.float64)
        end = basis.bounds(x, state)[sign > 0].expand_as(x)
        assert torch.equal(basis.evaluate(x, state), basis.evaluate(end, state))

    @pytest.mark.parametrize("sign", [-1, 1])
    def test_infinity_is_the_largest_number_of_a_straight_line(self, sign):
        basis, state = self._under("linear"), self.state()
        x = torch.full((1, self.features), sign * math.inf, dtype=torch.float64)
        end = basis.bounds(x, state)[sign > 0].expand_as(x)
        slopes, values = _slopes(partial(basis.values, state=state), end), basis.evaluate(x, state)
        steep = slopes.abs() > 1e-9
        assert not values.isnan().any()
        assert torch.equal(values[steep].sign(), sign * slopes[steep].sign())
        assert (values[steep].abs() > 1e290).all()

    @pytest.mark.parametrize("side", [0, 1], ids=["below", "above"])
    def test_clamp_is_constant_beyond_the_domain(self, side):
        basis, state = self._under("clamp"), self.state()
        end, x = self._beyond(state, side)
        assert_within(basis.evaluate(x, state), self._oracle(end, state).expand(len(x), -1, -1), 1e-12)
        assert _slopes(partial(basis.evaluate, state=state), x).count_nonzero() == 0

    @pytest.mark.parametrize("side", [0, 1], ids=["below", "above"])
    def test_linear_goes_straight_on_beyond_the_domain(self, side):
        basis, state = self._under("linear"), self.state()
        end, x = self._beyond(state, side)
        inward = (1 - 2 * side) * 1e-4
        near = [self._oracle(end + n * inward, state) for n in range(5)]
        slope = (-25 * near[0] + 48 * near[1] - 36 * near[2] + 16 * near[3] - 3 * near[4]) / (12 * inward)
        assert_within(_slopes(partial(basis.evaluate, state=state), x), slope.expand(len(x), -1, -1), 1e-6)
        assert_within(basis.evaluate(x, state), near[0] + (x - end).unsqueeze(-1) * slope, 1e-6)

    @pytest.mark.parametrize("outside", ["natural", "clamp", "linear"])
    @pytest.mark.parametrize("dtype", PRECISION, ids=str)
    def test_far_out_is_finite(self, outside, dtype):
        basis, state = self._under(outside), self.state(dtype)
        sizes = torch.tensor([10.0, 100.0, 1e4], dtype=dtype)
        x = torch.cat([-sizes, sizes]).unsqueeze(-1).repeat(1, self.features).requires_grad_()
        values = basis.evaluate(x, state)
        (slope,) = torch.autograd.grad(values.sum(), x)
        assert values.isfinite().all()
        assert slope.isfinite().all()

    def test_fraction_outside(self):
        state = self.state()
        inside, (_, above) = self._inside(state), self._beyond(state, 1)
        assert self.basis.fraction_outside(inside, state) == 0
        assert self.basis.fraction_outside(above, state) == 1
        nan = torch.full((1, self.features), math.nan, dtype=torch.float64)
        both = torch.cat([inside[:1], above[:1], inside[1:2], nan])
        assert self.basis.fraction_outside(both, state) == 0.5

    def test_empty_batch(self):
        x = torch.empty(0, self.features, dtype=torch.float64, requires_grad=True)
        values = self.basis.evaluate(x, self.state())
        values.sum().backward()
        assert values.shape == (0, self.features, self.basis.num_functions)
        assert x.grad is not None
        assert x.grad.shape == x.shape

    def test_leading_dimensions(self):
        state = self.state()
        x = self._wide(state)[:12]
        values = self.basis.evaluate(x.reshape(2, 1, 6, self.features), state)
        assert torch.equal(values.reshape(12, self.features, -1), self.basis.evaluate(x, state))

    @pytest.mark.parametrize("dtype", PRECISION, ids=str)
    def test_keeps_the_dtype(self, dtype):
        state = self.state(dtype)
        assert self.basis.evaluate(self._inside(state).to(dtype), state).dtype == dtype

    def test_low_precision_is_computed_in_float32(self):
        torch.manual_seed(0)
        layer = KANLinear(self.features, 2, basis=self.basis)
        x = self._inside(self.state(torch.float32)).to(torch.bfloat16)
        with use_backend("lean"), torch.autocast("cpu"):
            assert torch.equal(layer(x), layer(x.float()))

    def test_vmap_equals_a_loop(self):
        state = self.state()
        x = self._wide(state)
        mapped = torch.vmap(lambda row: self.basis.evaluate(row, state))(x)
        assert_within(mapped, torch.stack([self.basis.evaluate(row, state) for row in x]), 1e-12)

    @pytest.mark.slow
    @pytest.mark.parametrize("outside", ["natural", "linear"])
    def test_compiled_equals_eager(self, outside):
        basis, state = self._under(outside), self.state()
        compiled = torch.compile(basis.evaluate, fullgraph=True, backend="aot_eager")
        x = self._wide(state)
        assert_within(compiled(x, state), basis.evaluate(x, state), 1e-12)
        torch.compiler.reset()

    def test_is_a_value(self):
        for twin in (copy.deepcopy(self.basis), pickle.loads(pickle.dumps(self.basis)), replace(self.basis)):
            assert twin == self.basis
            assert hash(twin) == hash(self.basis)
        lo, hi = self.basis.domain
        assert replace(self.basis, domain=(lo, hi + 1)) != self.basis

    def test_holds_no_tensor(self):
        assert not [value for value in vars(self.basis).values() if isinstance(value, Tensor)]

    def test_state_is_found_in_the_state_dict_of_a_layer(self):
        state = self.basis.init_state(self.features)
        layer = KANLinear(self.features, 2, basis=self.basis)
        assert set(layer.state.state_dict()) == set(state)
        for name, tensor in state.items():
            assert len(tensor) == self.features
            assert isinstance(tensor, torch.nn.Parameter) == (name in dict(layer.state.named_parameters()))

    def _natural(self) -> Basis:
        return replace(self.basis, outside=self.basis.natural)

    def _under(self, outside: str) -> Basis:
        if outside == "linear" and self.basis.smoothness < 1:
            pytest.skip("declared to have no slope")
        return self._natural() if outside == "natural" else replace(self.basis, outside=outside)

    def _oracle(self, x: Tensor, state: State) -> Tensor:
        numbers = {name: tensor.detach().double().numpy() for name, tensor in state.items()}
        return torch.from_numpy(self.oracle(x.detach().double().numpy(), **numbers))

    def _check(self, check: Callable, least_smoothness: int) -> None:
        """Check the gradients of the inputs and of all state; at breaks too where the basis is smooth enough."""
        state = {name: tensor.detach().requires_grad_() for name, tensor in self.state().items()}
        points = [self._wide(state)[:5]]
        if self.basis.smoothness >= least_smoothness:
            points.append(self.breaks(state).double())

        def evaluate(x, *tensors):
            return self.basis.evaluate(x, dict(zip(state, tensors, strict=True)))

        for x in points:
            assert check(evaluate, (x.requires_grad_(), *state.values()))


def _slopes(functions: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Derivatives of all functions at all points, ``(..., K)``."""
    x = x.detach().requires_grad_()
    columns = functions(x).unbind(-1)
    return torch.stack([torch.autograd.grad(c.sum(), x, retain_graph=True, materialize_grads=True)[0] for c in columns], -1)
