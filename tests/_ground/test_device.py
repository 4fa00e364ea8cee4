"""Devices by name, and modules that go to one and come back."""

import pytest
import torch
from torch import nn

from edgewise import ConfigError
from edgewise._ground.device import computing_on, device_of
from edgewise.testing import AWAY, OtherDevice


@pytest.mark.parametrize("name", ["cuda:7", "gpu", "meta", "cpu:x"])
def test_a_device_that_is_not_there_is_refused(name):
    with pytest.raises(ConfigError, match=f"device '{name}' (is not there: this machine and|holds no numbers)"):
        device_of(name)


def test_a_module_goes_there_and_comes_back():
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    with OtherDevice():
        with computing_on(AWAY, first, second):
            assert {p.device for part in (first, second) for p in part.parameters()} == {AWAY}
        assert {p.device.type for part in (first, second) for p in part.parameters()} == {"cpu"}
        with pytest.raises(ValueError, match="of the caller"), computing_on(AWAY, first):
            raise ValueError("of the caller")
        assert first.weight.device.type == "cpu"
        with computing_on(None, first):
            assert first.weight.device.type == "cpu"


def test_float64_is_refused_where_there_is_none(monkeypatch):
    monkeypatch.setattr("edgewise._ground.device.device_of", torch.device)
    with pytest.raises(ConfigError, match="'mps' has no float64"), computing_on("mps", nn.Linear(1, 1)):
        pass
