"""Autocast is asked about on the device of the tensor, whatever is on elsewhere."""

import pytest
import torch

from edgewise._ground.precision import as_written, autocast_dtype
from edgewise.ops import use_backend
from tests.ops.cases import EVERY_LAYER, made

OTHERS = ("cuda", "mps", "xpu")


@pytest.fixture
def autocast_elsewhere():
    """On for all devices but the CPU, as within ``torch.autocast(device)`` where there is such a device."""
    before = {device: (torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)) for device in OTHERS}
    for device in OTHERS:
        torch.set_autocast_enabled(device, True)
        torch.set_autocast_dtype(device, torch.float16)
    yield
    for device, (enabled, dtype) in before.items():
        torch.set_autocast_enabled(device, enabled)
        torch.set_autocast_dtype(device, dtype)


@pytest.mark.usefixtures("autocast_elsewhere")
def test_each_device_by_itself():
    on_cpu, on_meta = torch.zeros(2), torch.zeros(2, device="meta")
    assert autocast_dtype(on_cpu) is autocast_dtype(on_meta) is None
    with torch.autocast("cpu", torch.bfloat16):
        assert autocast_dtype(on_cpu) == torch.bfloat16
        with as_written(on_cpu):
            assert autocast_dtype(on_cpu) is None
        with as_written(on_meta):
            assert autocast_dtype(on_cpu) == torch.bfloat16


@pytest.mark.usefixtures("autocast_elsewhere")
@EVERY_LAYER
def test_layers_on_the_cpu_are_untouched(name):
    layer, x = made(name)
    layer, x = layer.float(), x.float()
    with use_backend("lean"):
        y = layer(x)
        y.sum().backward()
    with use_backend("reference"):
        expected = layer(x)
    assert y.dtype == torch.float32
    torch.testing.assert_close(y, expected, rtol=1e-4, atol=1e-5)


@EVERY_LAYER
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_layers_on_a_device_without_autocast(name, dtype):
    """Where to ask about it is an error of torch."""
    layer, x = made(name)
    y = layer.to("meta", dtype)(x.to("meta", dtype))
    assert (y.device.type, y.dtype) == ("meta", dtype)
