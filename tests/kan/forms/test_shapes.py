import math

import numpy as np
import pytest
import torch

from edgewise.kan.forms.atoms import Atoms
from edgewise.kan.forms.constants import Rows
from edgewise.kan.forms.library import Library
from edgewise.kan.forms.shapes import Grown, Ratios, Sums
from edgewise.kan.forms.targets import targets
from edgewise.kan.functions import FUNCTIONS

RNG = np.random.default_rng(0)
A, B, C = RNG.uniform(1, 4, (3, 150))
COLUMNS = [torch.tensor(v) for v in (A, B, C)]
POWERS = [atom for c in range(3) for atom in Atoms(COLUMNS, ["x", "x^2", "1/x", "1/x^2"]).powers(c)]
LIBRARY = Library.of(POWERS, 3, 124)
FUNCTIONS_TOO = POWERS + Atoms(COLUMNS, ["sin"]).plain(2)


def best(shape, y):
    rows = Rows(COLUMNS, y)
    target = next(targets(rows, FUNCTIONS))
    found = [(rows.judged(tree), terms) for terms, tree in shape.trees(target, lambda: math.inf)]
    return min(found, key=lambda pair: pair[0].score)


@pytest.mark.parametrize(
    ("shape", "y", "terms"),
    [
        (Sums("sums", 30, 4, LIBRARY), 3 * A * B - 2 * C**2 / A + 1, 2),
        (Ratios("ratios", 40, 3, LIBRARY, 124), A * B / (2 + B), 2),
        (Ratios("ratios", 40, 3, LIBRARY, 124), (A + B) / (1 + A * B / C**2), 4),
        (Grown("grown", 30, 3, FUNCTIONS_TOO, 4), 2 * A**2 * np.sin(C) / B - 3 * A * B * C, 2),
    ],
)
def test_each_shape_finds_its_own(shape, y, terms):
    found, count = best(shape, y)
    assert found.error < 1e-10
    assert count <= terms


def test_it_ends_when_the_time_is_up():
    target = next(targets(Rows(COLUMNS, A * np.sin(B)), FUNCTIONS))
    assert list(Grown("grown", 30, 3, FUNCTIONS_TOO, 4).trees(target, lambda: 0.0)) == []
    assert {terms for terms, _ in Sums("sums", 30, 4, LIBRARY).trees(target, lambda: 0.0)} == {1}
