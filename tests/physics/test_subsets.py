from itertools import combinations

import numpy as np
import pytest
import torch

from edgewise.physics import subsets
from edgewise.physics.subsets import best_choices


@pytest.mark.parametrize("budget", [20_000, 10])
def test_the_choices_are_the_best_of_all(budget, monkeypatch):
    """Against all subsets of nine columns, two of which nearly say the same."""
    monkeypatch.setattr(subsets, "ALL", budget)
    rng = np.random.default_rng(0)
    table = rng.normal(size=(50, 9))
    table[:, 4] = table[:, 1] + 0.05 * table[:, 4]
    target = table[:, [1, 3, 7]] @ [1.0, -2.0, 0.5] + 0.1 * rng.normal(size=50)
    found = best_choices(torch.tensor(table), torch.tensor(target), 4)
    for size, choice in enumerate(found, 1):
        rests = {c: np.linalg.lstsq(table[:, c], target, rcond=None)[1][0] for c in combinations(range(9), size)}
        best = min(rests, key=rests.get)
        assert choice.columns == best
        np.testing.assert_allclose(choice.rest, rests[best], rtol=1e-9)
        np.testing.assert_allclose(choice.coefficients, np.linalg.lstsq(table[:, best], target, rcond=None)[0], rtol=1e-8)


def test_a_column_of_zeros_and_few_columns_do_no_harm():
    table = torch.zeros(10, 2).double()
    table[:, 1] = torch.arange(10)
    found = best_choices(table, 3 * table[:, 1], 8)
    assert found[0].columns == (1,)
    assert len(found) == 2
    assert abs(found[0].coefficients[0].item() - 3) < 1e-12
