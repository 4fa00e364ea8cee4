"""Weights of one kind of function are not taken for those of another, though their shapes are the same."""

import copy
import io
import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from edgewise.bases import BSpline, Chebyshev, Fourier
from edgewise.kan import KAN
from edgewise.nn import (
    GroupRational,
    KANConv2d,
    KANLinear,
    LowRankAttention,
    SaKANLinear,
    SprecherLinear,
    refine_grid,
    update_grid,
)
from edgewise.nn.settings import settings_text


def splines(lo, hi, **options):
    return BSpline(grid_size=5, domain=(lo, hi), **options)


DIFFERENT = {
    "family": (KANLinear(2, 3, splines(-1, 1)), KANLinear(2, 3, Chebyshev(7))),
    "domain": (KANLinear(2, 3, splines(-1, 1)), KANLinear(2, 3, splines(0, 1))),
    "outside": (KANLinear(2, 3, splines(-1, 1)), KANLinear(2, 3, splines(-1, 1, outside="linear"))),
    "base": (KANLinear(2, 3), KANLinear(2, 3, base="relu")),
    "base of one's own": (KANLinear(2, 3, base=F.mish), KANLinear(2, 3, base=F.softplus)),
    "convolution": (KANConv2d(2, 3, 1, basis=splines(-1, 1)), KANConv2d(2, 3, 1, basis=Chebyshev(7))),
    "shared": (SaKANLinear(2, 3, splines(-1, 1)), SaKANLinear(2, 3, splines(0, 1))),
    "reading": (GroupRational(4, 2, reading="sum"), GroupRational(4, 2, reading="terms")),
    "alpha": (SprecherLinear(2, 3, alpha=1.0), SprecherLinear(2, 3, alpha=2.0)),
    "simplex": (LowRankAttention(4, 2, rank=2), LowRankAttention(4, 2, rank=2, simplex="rank")),
    "functions of heads": (
        LowRankAttention(4, 2, rank=2),
        LowRankAttention(4, 2, rank=2, basis=Fourier(3, domain=(-2.0, 2.0))),
    ),
    "nodes that multiply": (KAN([2, [0, [2, 3]], 1]), KAN([2, [0, [3, 2]], 1])),
    "columns": (KAN([2, 1], inputs=[0, 1]), KAN([2, 1], inputs=[0, 2])),
    "grid": (KANLinear(2, 3, BSpline(5)), KANLinear(2, 3, BSpline(8))),
    "degree": (KANLinear(2, 3, BSpline(5, 3)), KANLinear(2, 3, BSpline(6, 2))),
}


@pytest.mark.parametrize("pair", DIFFERENT.values(), ids=DIFFERENT)
@pytest.mark.parametrize("inside", [False, True])
def test_weights_of_other_functions_are_refused_in_one_sentence_and_the_module_keeps_its_own(pair, inside):
    saved, own = (nn.Sequential(nn.Linear(1, 1), module) if inside else module for module in copy.deepcopy(pair))
    before = {name: t.clone() for name, t in own.state_dict().items()}
    with pytest.raises(RuntimeError, match=r"belong to .*, and this one has .*: make it with") as error:
        own.load_state_dict(saved.state_dict())
    assert str(error.value).count("\n") == 1, "one sentence beside PyTorch's title"
    named = re.search("the weights of '(.*?)' belong", str(error.value))[1]
    prefix = "" if named == type(own).__name__ else f"{named}."
    kept = [name for name in before if name.startswith(prefix)]
    assert kept
    assert before.keys() == own.state_dict().keys()
    assert all(torch.equal(own.state_dict()[name], before[name]) for name in kept)


@pytest.mark.parametrize("pair", DIFFERENT.values(), ids=DIFFERENT)
def test_equal_settings_load_through_a_file(pair):
    for module in pair:
        file = io.BytesIO()
        torch.save(module.state_dict(), file)
        file.seek(0)
        other = copy.deepcopy(module)
        for parameter in other.parameters():
            nn.init.zeros_(parameter)
        other.load_state_dict(torch.load(file, weights_only=True))
        for name, tensor in module.state_dict().items():
            assert torch.equal(tensor, other.state_dict()[name])


@pytest.mark.parametrize(
    "move", [lambda layer: update_grid(layer, torch.randn(50, 2)), lambda layer: refine_grid(layer, 10)]
)
def test_a_moved_grid_says_what_would_take_it(move):
    moved, fresh = KANLinear(2, 3), KANLinear(2, 3)
    move(moved)
    with pytest.raises(RuntimeError, match="update_grid and refine_grid change") as error:
        fresh.load_state_dict(moved.state_dict())
    assert repr(moved.edge.basis) in str(error.value)
    KANLinear(2, 3, moved.edge.basis).load_state_dict(moved.state_dict())


def test_bare_numbers_are_not_compared():
    saved, own = KANLinear(2, 3, splines(-1, 1)), KANLinear(2, 3, splines(0, 1))
    own.load_state_dict(dict(saved.state_dict()))
    assert torch.equal(own.coef, saved.coef)


def test_a_function_is_known_by_its_name():
    assert settings_text(base=F.silu, other=None) == "base=silu, other=None"
