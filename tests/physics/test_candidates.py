import pytest
import torch

from edgewise import EdgewiseError
from edgewise.physics.candidates import Candidates
from edgewise.testing import assert_within


def test_what_is_written_is_what_is_computed():
    candidates = Candidates(("x", "v2"), degree=3, functions=("sin", "exp", "x^4"))
    x = torch.rand(6, 2).double()
    names = {"x": x[:, 0], "v2": x[:, 1], "sin": torch.sin, "exp": torch.exp}
    values = candidates.values(x)
    assert len(set(candidates.labels)) == values.shape[1] == 16
    for label, column in zip(candidates.labels, values.unbind(1), strict=True):
        assert_within(column, eval(label, {}, names) * torch.ones(6).double(), 1e-12)


def test_what_is_not_there_is_refused():
    with pytest.raises(EdgewiseError, match="degree must be 0 or more, got -1"):
        Candidates(("x",), degree=-1)
    with pytest.raises(EdgewiseError, match="sinn"):
        Candidates(("x",), functions=("sinn",))
