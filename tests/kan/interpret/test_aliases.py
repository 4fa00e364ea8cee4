"""Frequencies that rows cannot tell apart; by the sampling theorem they differ by whole turns a step."""

import math

import numpy as np
import pytest
import torch

from edgewise.kan import KAN
from edgewise.kan.interpret.aliases import lattice_step, slow_down
from edgewise.testing import assert_within


@pytest.mark.parametrize(
    ("values", "step"),
    [
        (np.arange(25) * 5.0, 5.0),
        (np.array([1990, 1992, 1995, 1995, 2001]), 1.0),
        (np.array([0.1, 0.7, 0.4, 0.3]), 0.1),
        (np.array([0.0, 0.35, 0.5]), 0.05),
        (np.random.default_rng(0).normal(size=50), None),
        (np.array([2.0, 2.0]), None),
        (np.array([]), None),
        (np.array([1.0, np.nan, 3.0, 4.5]), 0.5),
        (np.linspace(0, 1, 7) * 1e-9 + 3, 1e-9 / 6),
    ],
    ids=str,
)
def test_the_step_of_a_lattice(values, step):
    found = lattice_step(torch.tensor(values))
    assert found == (step if step is None else pytest.approx(step, rel=1e-5))


@pytest.mark.parametrize("turns", [-3, -1, 0, 1, 7])
@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_whole_turns_a_step_are_taken_off(name, turns):
    step, start, slow = 0.4, 1.7, 0.9
    x = start + step * torch.arange(30).double().unsqueeze(1)
    model = KAN([1, 1], base=None).double()
    model.fix_symbolic(0, 0, 0, name, (slow + turns * (np.pi if name == "tan" else 2 * np.pi) / step, 0.3, 2.0, 1.0))
    before = model(x).detach()
    assert slow_down(model, x) == (turns != 0)
    assert_within(model(x).detach(), before, 1e-8)
    assert model[0].symbolic.affine[0, 0, 0].item() == pytest.approx(slow)


def test_waves_over_nodes_of_lattices_and_other_functions_and_rows():
    x = torch.arange(20).double().unsqueeze(1)
    model = KAN([1, 2, 1], base=None).double()
    model.fix_symbolic(0, 0, 0, "x", (1.0, 0.0, 0.5, 3.0))  # a lattice again, of step 0.5
    model.fix_symbolic(0, 0, 1, "exp", (100.0, 0.0, 1e-9, 0.0))
    model.fix_symbolic(1, 0, 0, "sin", (0.1 + 4 * math.pi, 0.0, 1.0, 0.0))
    before = model(x).detach()
    assert slow_down(model, x) == 1
    assert model[1].symbolic.affine[0, 0, 0].item() == pytest.approx(0.1)
    assert_within(model(x).detach(), before, 1e-8)
    model.fix_symbolic(1, 0, 0, "sin", (50.0, 0.0, 1.0, 0.0))
    assert slow_down(model, 20 * torch.rand(50, 1).double()) == 0
    assert slow_down(KAN([1, 1]).double(), x) == 0
