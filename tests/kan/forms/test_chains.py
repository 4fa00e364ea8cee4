import numpy as np
import torch

from edgewise.kan.forms.atoms import Atoms
from edgewise.kan.forms.chains import Chains
from edgewise.kan.forms.library import Library

RNG = np.random.default_rng(0)
ROWS = [torch.tensor(RNG.uniform(1, 5, 100)) for _ in range(5)]
ATOMS = [atom for i in range(5) for atom in Atoms(ROWS, ["x", "x^2", "1/x", "1/x^2", "sin"]).powers(i)]


def test_a_product_of_five_is_found_factor_by_factor():
    a, b, c, d, e = (row.numpy() for row in ROWS)
    wanted = 7 - 3 * a * b**2 / (c * d**2 * e)
    members = Chains(ATOMS, np.ones(100), 4.0).found(wanted, 50, 6)
    library = Library(ATOMS, members)
    assert np.abs(np.corrcoef(wanted, library.values.T)[0]).max() > 1 - 1e-12


def test_nothing_is_found_in_a_constant():
    assert len(Chains(ATOMS, np.ones(100), 4.0).found(np.full(100, 3.0), 10, 3)) == 0


def test_products_are_no_longer_than_asked_and_named_once():
    members = Chains(ATOMS, np.ones(100), 4.0).found(RNG.normal(size=100), 20, 3)
    assert members.shape[1] == 3
    assert len(members) <= 60
    assert len(np.unique(members, axis=0)) == len(members)
