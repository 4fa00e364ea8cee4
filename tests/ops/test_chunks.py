"""The size of chunks, by the cache of the device."""

from types import SimpleNamespace

import pytest
import torch

from edgewise import ConfigError
from edgewise.ops import chunks
from edgewise.ops.chunks import chunk_bytes

MIB = 2**20


@pytest.fixture(autouse=True)
def _nothing_known():
    chunks._by_cache.cache_clear()
    yield
    chunks._by_cache.cache_clear()


@pytest.mark.parametrize(("cache", "room"), [(50, 25), (40, 20), (126, 63), (4, 16)])  # MiB: H100, A100, B200, T4
def test_half_of_the_second_cache_of_a_gpu_and_not_less_than_its_launches_are_worth(cache, room, monkeypatch):
    sizes = [SimpleNamespace(L2_cache_size=MIB), SimpleNamespace(L2_cache_size=cache * MIB)]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: sizes[index])
    assert chunk_bytes(torch.device("cuda", 1)) == room * MIB
    assert chunk_bytes(torch.device("cpu")) == 4 * MIB


@pytest.mark.parametrize("device", ["mps", "xpu", "meta", "cuda"])
def test_devices_that_do_not_say(device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert chunk_bytes(torch.device(device)) == 32 * MIB


def test_another_size_can_be_stated(monkeypatch):
    monkeypatch.setenv("EDGEWISE_CHUNK_MIB", "48")
    assert [chunk_bytes(torch.device(device)) // MIB for device in ("cuda", "mps", "cpu")] == [48, 48, 4]


@pytest.mark.parametrize("stated", ["0", "-3", "1.5", "much", ""])
def test_a_size_that_is_none_is_refused(stated, monkeypatch):
    monkeypatch.setenv("EDGEWISE_CHUNK_MIB", stated)
    with pytest.raises(ConfigError, match=f"EDGEWISE_CHUNK_MIB is '{stated}' and must be a whole number"):
        chunk_bytes(torch.device("mps"))
