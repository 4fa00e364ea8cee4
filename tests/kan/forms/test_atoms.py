import pytest
import sympy
import torch

from edgewise.kan.forms.atoms import Atoms
from edgewise.kan.functions import FUNCTIONS

X, Y = sympy.symbols("x y", real=True)
POSITIVE = [torch.linspace(0.2, 0.8, 30, dtype=torch.double), torch.linspace(3.0, 1.0, 30, dtype=torch.double)]
BOTH_SIGNS = [torch.linspace(-1.0, 2.0, 30, dtype=torch.double)]


def written(atoms):
    return {str(atom.tree.expression([X, Y])) for atom in atoms}


def test_powers_where_they_are_defined():
    assert {"x", "x**2", "x**6", "1/x", "x**0.5"} <= written(Atoms(POSITIVE, FUNCTIONS).powers(0, 6))
    found = written(Atoms(BOTH_SIGNS, FUNCTIONS).powers(0))
    assert {"x", "x**2", "x**5", "1/x"} <= found
    assert not {"x**0.5", "x**1.5", "x**6"} & found
    whole = [atom.is_whole for atom in Atoms(POSITIVE, ["x", "sqrt"]).powers(0)]
    assert sorted(whole) == [False, True]


def test_only_what_is_allowed():
    atoms = Atoms(POSITIVE, ["x", "x^2", "sin"])
    found = written([*atoms.powers(0), *atoms.plain(0), *atoms.guessed(0), *atoms.joint([0, 1], 2)])
    assert {"x", "x**2", "sin(x)", "sin(x*y)"} <= found
    assert not [text for text in found if any(no in text for no in ("cos", "exp", "log", "/", "**0.5"))]


def test_values_are_those_of_the_formulas_and_finite():
    atoms = Atoms(POSITIVE, FUNCTIONS)
    every = [*atoms.powers(0), *atoms.plain(0), *atoms.guessed(0), *atoms.joint([0, 1], 2)]
    assert len(every) > 200
    for atom in every:
        torch.testing.assert_close(torch.from_numpy(atom.values), atom.tree(POSITIVE))
        assert torch.from_numpy(atom.values).isfinite().all()
        assert atom.cost > 0


@pytest.mark.parametrize("kind", ["plain", "guessed"])
def test_no_atom_has_a_pole_between_rows(kind):
    assert "1/(x + 1)" not in written(getattr(Atoms([BOTH_SIGNS[0] - 1], FUNCTIONS), kind)(0))


def test_guesses_have_numbers_to_fit_and_plain_functions_have_none():
    atoms = Atoms(POSITIVE, FUNCTIONS)
    assert all(atom.tree.constants() for atom in atoms.guessed(0))
    assert not any(atom.tree.constants() for atom in atoms.plain(0))


def test_a_column_grows_to_the_power_of_another():
    rate, times = torch.linspace(0.1, 0.6, 20, dtype=torch.double), torch.linspace(9, 2, 20, dtype=torch.double) ** 0.5
    joint = Atoms([rate, times], ["exp", "log"]).joint([0, 1], 2)
    for wanted in ((1 + rate) ** times, (1 + rate) ** -times, times**rate, rate**times):
        assert any(torch.allclose(torch.tensor(atom.values), wanted) for atom in joint)
