"""Whether Triton's kernels can run, on machines that are not here."""

import sys
from types import SimpleNamespace

import pytest
import torch

from edgewise import ConfigError, EdgewiseWarning, backend_in_use, use_backend
from edgewise.nn import KANLinear
from edgewise.ops.triton import available, check_here, obstacle
from edgewise.testing import assert_within

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)


@pytest.fixture
def without_interpreter(monkeypatch):
    """A machine where kernels are compiled, with a Triton that is new enough; each test changes what it is about."""
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setitem(sys.modules, "triton", SimpleNamespace(__version__="3.8.0"))
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA T4")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    forget()
    yield monkeypatch
    forget()


def forget():
    for function in (obstacle, sys.modules[available.__module__]._warn_once):
        function.cache_clear()


def test_a_gpu_and_a_new_triton_will_do(without_interpreter):
    assert obstacle(GPU) is None
    assert backend_in_use("cuda") == "triton"
    check_here()


def test_an_old_gpu_will_not(without_interpreter):
    without_interpreter.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert obstacle(GPU) == "NVIDIA T4 has compute capability 7.5, and Triton's kernels need 8.0"
    without_interpreter.setattr(torch.version, "hip", "6.4")  # whose capabilities count otherwise
    forget()
    assert obstacle(GPU) is None


@pytest.mark.parametrize(
    ("module", "said"),
    [(None, "Triton cannot be imported"), (SimpleNamespace(__version__="3.1.0"), r"Triton 3.1.0 is too old")],
)
def test_without_a_triton_that_will_do_there_is_one_warning_and_lean(module, said, without_interpreter):
    without_interpreter.setitem(sys.modules, "triton", module)
    with pytest.warns(EdgewiseWarning, match=f"layers run on the slower lean backend, since {said}"):
        assert backend_in_use("cuda") == "lean"
    assert backend_in_use("cuda") == "lean"  # and no second warning, which would be an error here
    with pytest.raises(ConfigError, match=f"the backend 'triton' cannot run here: {said}"):
        use_backend("triton")


def test_without_a_gpu_it_is_refused_by_name(without_interpreter):
    without_interpreter.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"the backend 'triton' cannot run here: Triton's kernels run on GPUs \(CUDA or"):
        use_backend("triton")


def test_the_interpreter_takes_any_device(without_interpreter):
    without_interpreter.setenv("TRITON_INTERPRET", "1")
    assert obstacle(CPU) is None


def test_a_tensor_on_the_cpu_is_summed_by_lean_with_one_warning(without_interpreter):
    layer, x = KANLinear(3, 2), torch.randn(5, 3)
    with use_backend("triton"):
        with pytest.warns(EdgewiseWarning, match=r"run on GPUs \(CUDA or ROCm\), not on cpu: move the layer"):
            found = layer(x)
        layer(x)
    with use_backend("reference"):
        assert_within(found, layer(x), 1e-6)
