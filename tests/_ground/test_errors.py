"""Errors and warnings of the house."""

import warnings

import pytest
import torch

import edgewise
from edgewise.kan import KAN


def test_a_warning_points_at_the_line_of_the_user_and_can_be_silenced():
    x = torch.linspace(-1, 1, 5).unsqueeze(1)
    with pytest.warns(edgewise.EdgewiseWarning, match="by heart") as caught:
        KAN([1, 1]).fit((x, x), steps=1)
    assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", edgewise.EdgewiseWarning)
        KAN([1, 1]).fit((x, x), steps=1)
