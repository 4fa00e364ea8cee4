import numpy as np
import sympy
import torch

from edgewise.kan.forms.atoms import Atoms
from edgewise.kan.forms.library import Library, costs, fitting

X, Y = sympy.symbols("x y", real=True)
ROWS = [torch.linspace(0.2, 0.8, 10, dtype=torch.double), torch.linspace(3.0, 1.0, 10, dtype=torch.double)]
ATOMS = Atoms(ROWS, ["x", "x^2", "sin"])


def test_products_are_those_of_the_factors():
    few = [*ATOMS.powers(0), *ATOMS.powers(1)]
    library = Library.of(few, 2, 100)
    found = {str(library.tree(i).expression([X, Y])) for i in range(len(library))}
    assert found == {"x", "y", "x**2", "y**2", "x*y", "x**2*y", "x*y**2", "x**2*y**2"}  # one power of each column
    for i in range(len(library)):
        np.testing.assert_allclose(library.values[:, i], library.tree(i)(ROWS).numpy())
    assert (np.diff(library.cost) >= 0).all()


def test_the_cheapest_come_first_and_no_more_than_wanted():
    every = [*ATOMS.powers(0), *ATOMS.plain(0), *ATOMS.powers(1), *ATOMS.plain(1)]
    whole, part = Library.of(every, 3, 10**6), Library.of(every, 3, 20)
    assert len(part) == 20
    np.testing.assert_array_equal(part.cost, whole.cost[:20])


def test_a_function_may_be_squared_and_two_functions_of_several_columns_may_not_share_one():
    atoms = [*ATOMS.powers(0), *ATOMS.plain(0), *ATOMS.joint([0, 1], 2)]
    fits = fitting(atoms)
    power, function, joint = (
        1 + next(i for i, a in enumerate(atoms) if test(a))
        for test in (lambda a: a.is_power, lambda a: not a.is_power, lambda a: len(a.columns) == 2)
    )
    assert not fits[power, power]
    assert fits[function, function]
    assert fits[power, function]
    assert fits[power, joint]
    assert not fits[joint, joint]
    assert not fits[0].any()
    assert costs(atoms)[0] == 0
