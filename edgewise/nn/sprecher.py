r"""Other readings of the shared-activation layer, beside :class:`~edgewise.nn.SaKANLinear` (form A).

The equations of "ALL U-KAN" could not be read. These are what its abstract, its relatives and Sprecher's theorem
(1965), :math:`f(x) = \sum_q \Phi(\sum_p \lambda_p \phi(x_p + \eta q) + q)`, allow beside form A. In each of them
``grad_free`` stops the gradient at the basis; a shift inside the function then learns nothing.
"""

import math

import torch
from torch import Tensor, nn

from edgewise.bases import BasisLike, State
from edgewise.nn.layer import DEFAULT_BASIS, RowLayer
from edgewise.nn.settings import settings_text
from edgewise.ops import EdgeFunction, ops
from edgewise.ops.contraction import Linear, PerOutput
from edgewise.ops.plan import Plan, Term, one_function
from edgewise.ops.sakan.lean import SharedLinear


class _OneFunction(RowLayer):
    """Base of the layers with a single function, ``coef``, for all of their edges."""

    def __init__(self, in_features, out_features, basis, base, bias, grad_free, device, dtype):
        super().__init__(EdgeFunction(basis, base, grad_free), in_features, out_features, bias, device, dtype)
        self._factory = {"device": device, "dtype": dtype}
        self.coef = self._empty(self.edge.basis.num_functions)

    def _empty(self, *shape: int) -> nn.Parameter:
        return nn.Parameter(torch.empty(shape, **self._factory))

    def reset_parameters(self) -> None:
        """Draw all parameters anew: the function a small random one, the rest as each class says."""
        with torch.no_grad():
            nn.init.normal_(self.coef, std=0.1)
            if self.bias is not None:
                nn.init.zeros_(self.bias)
            self._reset()

    def _reset(self) -> None:
        raise NotImplementedError

    def _execute(self, rows: Tensor, terms: list[Term], own: State, weights: list[Tensor]) -> Tensor:
        return ops(rows).execute(Plan.of(rows, terms), rows, {**self.state.tensors(), "coef": self.coef, **own}, weights)

    def _function(self, x: Tensor, state: State) -> Tensor:
        return self.edge.basis_values(x, state) @ state["coef"].to(x.dtype)

    def _base_term(self) -> Term:
        return Term(lambda z, _: self.edge.base_values(z).unsqueeze(-1), 1, Linear(), 1)


class ActivationLinear(_OneFunction):
    r"""Form B: a learnable activation, then a dense layer, :math:`y = W \phi(x)`, :math:`\phi = g\,b + \sum_j c_j B_j`.

    Args:
        in_features: Number of inputs.
        out_features: Number of outputs.
        basis: The functions ``B_j``.
        base: The function b.
        bias: Add a learnable bias.
        grad_free: Stop the gradient at the basis; it then flows through ``g b`` alone.
        device: Where the parameters live.
        dtype: What they are.

    Attributes:
        weight: W, ``(out_features, in_features)``.
        coef: c, ``(K,)``.
        gain: g, ``(1,)``.

    Shape:
        ``(*, in_features) -> (*, out_features)``

    Example:
        >>> sum(p.numel() for p in ActivationLinear(256, 256).parameters()) == 256 * 256 + 8 + 1
        True
    """

    coefficients = ("coef", "gain")

    def __init__(
        self, in_features: int, out_features: int, basis: BasisLike = DEFAULT_BASIS, *, base: str = "silu",
        bias: bool = False, grad_free: bool = False, device=None, dtype=None,
    ):  # fmt: skip
        super().__init__(in_features, out_features, basis, base, bias, grad_free, device, dtype)
        self.gain, self.weight = self._empty(1), self._empty(out_features, in_features)
        self.reset_parameters()

    def _reset(self) -> None:
        nn.init.ones_(self.gain)
        nn.init.normal_(self.weight, std=math.sqrt(2.5 / self.in_features))  # E[silu(t)^2] = 1 / 2.8 for t of N(0, 1)

    def _sum(self, rows: Tensor) -> Tensor:
        def activation(z: Tensor, state: State) -> Tensor:
            return (state["gain"] * self.edge.base_values(z) + self._function(z, state)).unsqueeze(-1)

        term = Term(activation, self.edge.basis.num_functions, Linear(), 1)
        return self._execute(rows, [term], {"gain": self.gain}, [one_function(self.weight)])


class GainSaKANLinear(_OneFunction):
    r"""Form A': form A with one function a layer, :math:`y_q = \sum_p w_{qp} b(x_p) + v_q \sum_p \lambda_p \phi(x_p)`.

    Args, shape: as for :class:`ActivationLinear`.

    Attributes:
        base_weight: w, ``(out_features, in_features)``.
        coef: Coefficients of the function, ``(K,)``.
        mix: The lambdas, ``(in_features,)``.
        gain: v, ``(out_features,)``.

    Example:
        >>> sum(p.numel() for p in GainSaKANLinear(256, 256).parameters()) == 256 * 256 + 256 + 256 + 8
        True
    """

    coefficients = ("coef", "mix", "gain")

    def __init__(
        self, in_features: int, out_features: int, basis: BasisLike = DEFAULT_BASIS, *, base: str = "silu",
        bias: bool = False, grad_free: bool = False, device=None, dtype=None,
    ):  # fmt: skip
        super().__init__(in_features, out_features, basis, base, bias, grad_free, device, dtype)
        self.mix, self.gain = self._empty(in_features), self._empty(out_features)
        self.base_weight = self._empty(out_features, in_features)
        self.reset_parameters()

    def _reset(self) -> None:
        nn.init.normal_(self.mix, std=1 / math.sqrt(self.in_features))
        nn.init.normal_(self.gain)
        nn.init.normal_(self.base_weight, std=math.sqrt(2.5 / self.in_features))

    def _sum(self, rows: Tensor) -> Tensor:
        def function(z: Tensor, state: State) -> Tensor:
            return self._function(z, state).unsqueeze(-1)

        terms = [Term(function, self.edge.basis.num_functions, SharedLinear(), 2), self._base_term()]
        return self._execute(rows, terms, {}, [self.gain.unsqueeze(1), self.mix, one_function(self.base_weight)])


class _Shifted(_OneFunction):
    """Base of the layers that give each output its own shift of the one function; work grows as in x out x K."""

    def _shifted_term(self) -> Term:
        def function(z: Tensor, state: State) -> Tensor:
            return self._function(z.unsqueeze(1) + state["shift"].unsqueeze(1), state).transpose(1, 2)

        return Term(function, self.edge.basis.num_functions * self.out_features, PerOutput(), 1)


class SprecherLinear(_Shifted):
    r"""Form D, Sprecher's own: :math:`y_q = \sum_p \lambda_p \phi(x_p + \eta q) + \alpha q + \sum_p w_{qp} b(x_p)`.

    Args:
        in_features: Number of inputs.
        out_features: Number of outputs; q runs from 0.
        basis: The functions of phi.
        base: The function b of the residual branch; None, as in the theorem, leaves that branch out.
        alpha: The theorem's offset from one output to the next is 1; 0, the default, suits layers that are stacked.
        bias: Add a learnable bias.
        grad_free: Stop the gradient at the basis.
        device: Where the parameters live.
        dtype: What they are.

    Attributes:
        coef: Coefficients of phi, ``(K,)``.
        mix: The lambdas, ``(in_features,)``.
        eta: The shift from one output to the next, ``(1,)``.
        base_weight: w, ``(out_features, in_features)``, or None.

    Shape:
        ``(*, in_features) -> (*, out_features)``

    Example:
        >>> sum(p.numel() for p in SprecherLinear(256, 256, base=None).parameters()) == 256 + 8 + 1
        True
    """

    coefficients = ("coef", "mix", "eta")

    def __init__(
        self, in_features: int, out_features: int, basis: BasisLike = DEFAULT_BASIS, *, base: str | None = "silu",
        alpha: float = 0.0, bias: bool = False, grad_free: bool = False, device=None, dtype=None,
    ):  # fmt: skip
        super().__init__(in_features, out_features, basis, base, bias, grad_free, device, dtype)
        self.alpha, self.mix, self.eta = alpha, self._empty(in_features), self._empty(1)
        self.base_weight = self._empty(out_features, in_features) if base is not None else None
        self.reset_parameters()

    def weight_settings(self) -> str:
        """The function, and what is added to each output."""
        return f"{super().weight_settings()}, {settings_text(alpha=self.alpha)}"

    def _reset(self) -> None:
        nn.init.normal_(self.mix, std=math.sqrt(2 / self.in_features))
        nn.init.constant_(self.eta, 1 / (self.out_features + 10))
        if self.base_weight is not None:
            nn.init.normal_(self.base_weight, std=math.sqrt(2.5 / self.in_features))

    def _sum(self, rows: Tensor) -> Tensor:
        index = torch.arange(self.out_features, device=rows.device, dtype=self.eta.dtype)
        terms, weights = [self._shifted_term()], [self.mix.unsqueeze(0)]
        if self.base_weight is not None:
            terms.append(self._base_term())
            weights.append(one_function(self.base_weight))
        return self._execute(rows, terms, {"shift": self.eta * index}, weights) + self.alpha * index


class GSKANLinear(_Shifted):
    r"""Form E, GS-KAN: :math:`y_q = \sum_p \lambda_{qp} \psi(x_p + \epsilon_q)` (Eliasson, arXiv:2512.09084).

    Args, shape: as for :class:`ActivationLinear`, without a base branch.

    Attributes:
        coef: Coefficients of psi, ``(K,)``.
        mix: The lambdas, ``(out_features, in_features)``.
        shift: The epsilons, ``(out_features,)``.

    Example:
        >>> sum(p.numel() for p in GSKANLinear(256, 256).parameters()) == 256 * 256 + 256 + 8
        True
    """

    coefficients = ("coef", "shift")

    def __init__(
        self, in_features: int, out_features: int, basis: BasisLike = DEFAULT_BASIS, *,
        bias: bool = False, grad_free: bool = False, device=None, dtype=None,
    ):  # fmt: skip
        super().__init__(in_features, out_features, basis, None, bias, grad_free, device, dtype)
        self.mix, self.shift = self._empty(out_features, in_features), self._empty(out_features)
        self.reset_parameters()

    def _reset(self) -> None:
        nn.init.normal_(self.mix, std=0.1)
        nn.init.normal_(self.shift, std=0.1)

    def _sum(self, rows: Tensor) -> Tensor:
        return self._execute(rows, [self._shifted_term()], {"shift": self.shift}, [self.mix])
