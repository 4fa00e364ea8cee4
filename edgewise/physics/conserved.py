r"""Laws of motion that conserve a quantity: the search is among those that do, so what is found does so exactly."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError, warn
from edgewise._ground.optional import require
from edgewise.kan.interpret.evaluate import to_callable
from edgewise.physics.dynamics import EXACT, EXPLAINED, MOST_TERMS, Law, motions_of, names_of_states, written
from edgewise.physics.fields import Fields, conserving, hamiltonian
from edgewise.physics.subsets import Choice, best_choices
from edgewise.physics.weak import NOISY, noise, smoothed, windows

if TYPE_CHECKING:
    from sympy import Expr


@dataclass(frozen=True)
class Conserving:
    """Laws of motion, and what they conserve.

    Attributes:
        conserved: What stays the same; if it was known, its coefficients have no errors.
        laws: One for each state.
        fields: What the rates are a sum of.
        chosen: Which of them, and their coefficients.
    """

    conserved: Law
    laws: tuple[Law, ...]
    fields: Fields
    chosen: Choice

    def rates(self, x: Tensor) -> Tensor:
        """The rates at states ``(n, d)``, ``(n, d)``."""
        return self.fields.values(x)[:, :, list(self.chosen.columns)] @ self.chosen.coefficients.to(x)

    def __str__(self) -> str:
        return "\n".join([f"H = {self.conserved.formula}", *(f"{law.state}' = {law.formula}" for law in self.laws)])


def discover_conserving(
    times: Tensor | Sequence[Tensor],
    states: Tensor | Sequence[Tensor],
    conserved: str,
    *,
    names: Sequence[str] | None = None,
    degree: int = 2,
    functions: Sequence[str] = (),
) -> Conserving:
    r"""Find the laws :math:`x' = f(x)` of measured motions that keep a known quantity H: :math:`f \cdot \nabla H = 0`.

    They are :math:`f = J\, \nabla H`, and the entries of the antisymmetric matrix J sums of candidates. All states are
    told together, by the shortest sum that leaves no more over than the noise does, in weak form as in
    :func:`discover_dynamics`.

    Args:
        times: Rising times ``(n,)``, or a list of them, one for each motion.
        states: ``(n, d)``, or a list of them.
        conserved: The formula of H.
        names: Of the states, ``x_1, x_2, ...`` by default.
        degree: Most factors of the products of states in J.
        functions: Functions of one state in J, by their names in :data:`edgewise.kan.FUNCTIONS`.

    Raises:
        DataError: As for :func:`discover_dynamics`.
        ConfigError: H is no formula, or of no state; other names than states; H or a rate is not finite at the states.

    Warns:
        EdgewiseWarning: No sum of up to 8 candidates explains the motions; it says how much H changes in them.

    Example:
        >>> t = torch.linspace(0, 10, 400).double()
        >>> swing = torch.stack([torch.cos(2 * t), -2 * torch.sin(2 * t)], 1)
        >>> print(discover_conserving(t, swing, "2*x^2 + v^2/2", names=("x", "v")))
        H = 0.5*v**2 + 2*x**2
        x' = v
        v' = -4*x
    """
    motions = motions_of(times, states)
    names = names_of_states(names, motions[0][1].shape[1])
    fields, energy = conserving(conserved, names, degree, functions)
    search = _Search(motions, names, fields)
    sizes = torch.cat([to_callable(energy, fields.symbols)(*smooth.unbind(1)) for _, _, smooth in search.motions])
    if not sizes.isfinite().all():
        raise ConfigError(f"H = {conserved} is not finite at some states: mend it, or leave such states out")
    choice = search.choice(
        f"no sum of up to {MOST_TERMS} terms that keeps H = {conserved} explains the motions, in which H goes from "
        f"{float(sizes.min()):.3g} to {float(sizes.max()):.3g}"
    )
    terms, numbers = _terms(energy, search.known)
    known = Law("H", terms, numbers, (0.0,) * len(terms), 0.0, ())
    return Conserving(known, search.laws(choice), fields, choice)


def discover_hamiltonian(
    times: Tensor | Sequence[Tensor],
    states: Tensor | Sequence[Tensor],
    *,
    names: Sequence[str] | None = None,
    degree: int = 4,
    functions: Sequence[str] = ("sin", "cos"),
) -> Conserving:
    r"""Find the energy H of measured motions: :math:`q' = \partial H / \partial p`, :math:`p' = -\partial H / \partial q`.

    H is the shortest sum of candidates of which these laws leave no more over than the noise does, in weak form as in
    :func:`discover_dynamics`. A constant in H moves nothing, and is left out.

    Args:
        times: Rising times ``(n,)``, or a list of them, one for each motion.
        states: Positions and behind them as many momenta, ``(n, d)``, or a list of them.
        names: Of the states, ``x_1, x_2, ...`` by default.
        degree: Most factors of the products of states in H.
        functions: Functions of one state in H, by their names in :data:`edgewise.kan.FUNCTIONS`.

    Raises:
        DataError: As for :func:`discover_dynamics`.
        ConfigError: An odd number of states, other names than states, or a rate that is not finite at the states.

    Warns:
        EdgewiseWarning: No sum of up to 8 candidates explains the motions.

    Example:
        >>> t = torch.linspace(0, 10, 400).double()
        >>> swing = torch.stack([torch.cos(2 * t), -2 * torch.sin(2 * t)], 1)
        >>> print(discover_hamiltonian(t, swing, names=("q", "p"), functions=()))
        H = 2*q**2 + 0.5*p**2
        q' = p
        p' = -4*q
    """
    motions = motions_of(times, states)
    names = names_of_states(names, motions[0][1].shape[1])
    fields = hamiltonian(len(names), degree, functions)
    search = _Search(motions, names, fields)
    choice = search.choice(f"no energy of up to {MOST_TERMS} terms explains the motions")
    return Conserving(search.energy(choice), search.laws(choice), fields, choice)


class _Search:
    """The choice among fields, for all states and motions together."""

    def __init__(self, motions: list[tuple[Tensor, Tensor]], names: tuple[str, ...], fields: Fields):
        sympy = require("sympy", extra="science")
        self.names, self.fields = names, fields
        self.known = {s: sympy.Symbol(name, real=True) for s, name in zip(fields.symbols, names, strict=True)}
        self.unit = torch.cat([x for _, x in motions]).std(0).clamp_min(1e-300)
        self.size = torch.stack([noise(x).square() for _, x in motions]).mean(0).sqrt()
        noisy = bool((self.size > NOISY * self.unit).any())
        self.motions = [(windows(t), x, smoothed(t, x) if noisy else x) for t, x in motions]
        rows = []
        for psi, _, smooth in self.motions:
            values = fields.values(smooth)
            if not values.isfinite().all():
                bad = int((~values.isfinite()).any(0).any(0).nonzero()[0])
                raise ConfigError(
                    f"the rates that follow from {fields.labels[bad].xreplace(self.known)} are not finite at some states: "
                    "leave out its function, or such states"
                )
            table = torch.einsum("rn,ndp->drp", psi.values, values) / self.unit[:, None, None]
            rows.append(table.flatten(0, 1))
        self.table = torch.cat(rows)
        self.target = torch.cat([(-(psi.slopes @ x) / self.unit).T.flatten() for psi, x, _ in self.motions])
        self.choices = best_choices(self.table, self.target, MOST_TERMS)

    def choice(self, complaint: str) -> Choice:
        """The shortest that leaves no more over than noise; without one the longest, and a warning."""
        whole = float(self.target.square().sum())
        enough = (c for c in self.choices if c.rest <= EXPLAINED * float(self._moved(c).square().sum()) + EXACT * whole)
        if (found := next(enough, None)) is not None:
            return found
        warn(f"{complaint}: try other candidates, and look whether something is conserved at all")
        return self.choices[-1]

    def _moved(self, choice: Choice) -> Tensor:
        """How the noise of each measured number moves the rows, ``(rows, numbers)``."""
        return torch.block_diag(*(self._spread(choice, *motion) for motion in self.motions))

    def _spread(self, choice: Choice, psi, x: Tensor, smooth: Tensor) -> Tensor:
        at, parts = smooth.detach().requires_grad_(), []
        with torch.enable_grad():
            rates = self.fields.values(at)[:, :, list(choice.columns)] @ choice.coefficients
        for state in range(x.shape[1]):
            slopes = torch.autograd.grad(rates[:, state].sum(), at, retain_graph=True, materialize_grads=True)[0]
            moved = -psi.values.unsqueeze(2) * slopes  # (rows, n, d)
            moved[:, :, state] -= psi.slopes
            parts.append((moved * self.size).flatten(1) / self.unit[state])
        return torch.cat(parts)

    def _reach(self, choice: Choice) -> Tensor:
        """How the noise of each measured number moves the coefficients, ``(coefficients, numbers)``."""
        return torch.linalg.pinv(self.table[:, list(choice.columns)]) @ self._moved(choice)

    def energy(self, choice: Choice) -> Law:
        """The sum of candidates that the fields follow from."""
        labels = [str(self.fields.labels[j].xreplace(self.known)) for j in choice.columns]
        errors = self._reach(choice).norm(dim=1)
        front = tuple(
            (written([str(self.fields.labels[j].xreplace(self.known)) for j in c.columns], c.coefficients.tolist()), rest)
            for c, rest in ((c, self._rest(c)) for c in self.choices)
        )
        numbers = tuple(choice.coefficients.tolist())
        return Law("H", tuple(labels), numbers, tuple(errors.tolist()), self._rest(choice), front)

    def laws(self, choice: Choice) -> tuple[Law, ...]:
        """The rates that the fields are in sum, one for each state."""
        reach, front = self._reach(choice), [self._formulas(c) for c in self.choices]
        made = []
        for state, name in enumerate(self.names):
            terms, numbers = self._formulas(choice)[state]
            shares = torch.zeros(len(terms), len(choice.columns), dtype=reach.dtype)
            for place, j in enumerate(choice.columns):  # each coefficient's part in each term
                for term, share in zip(*_terms(self.fields.total([j], [1.0])[state], self.known), strict=True):
                    if term in terms:
                        shares[terms.index(term), place] = share
            errors = (shares @ reach).norm(dim=1)
            told = tuple(
                (written(*formulas[state]), self._rest(c)) for formulas, c in zip(front, self.choices, strict=True)
            )
            made.append(Law(name, terms, numbers, tuple(errors.tolist()), self._rest(choice), told))
        return tuple(made)

    def _formulas(self, choice: Choice) -> list[tuple[tuple[str, ...], tuple[float, ...]]]:
        return [_terms(rate, self.known) for rate in self.fields.total(choice.columns, choice.coefficients.tolist())]

    def _rest(self, choice: Choice) -> float:
        whole = float(self.target.square().sum())
        return (choice.rest / whole) ** 0.5 if whole else 0.0


def _terms(expression: "Expr", known: dict) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """What is summed, and the numbers before it; nothing for 0."""
    sympy = require("sympy", extra="science")
    terms = sympy.Add.make_args(sympy.expand(expression.xreplace(known)))
    parts = [cast("Expr", part).as_coeff_Mul() for part in sorted(terms, key=sympy.default_sort_key) if part != 0]
    return tuple(str(rest) for _, rest in parts), tuple(float(number) for number, _ in parts)
