import contextvars
import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
import torch

from edgewise import EdgewiseError, backend_in_use, use_backend
from edgewise.ops import BACKENDS, backend, backends_for, native, ops
from tests.ops.cases import LAYERS, made
from tests.ops.conftest import count_operators

USABLE = [name for name in backends_for("cpu") if name != "native" or native.available()]
DEFAULT = "native" if native.available() else "lean"


def test_auto_is_native_where_it_can_be_built():
    with use_backend("auto"):
        assert backend_in_use() == DEFAULT
        assert ops(torch.zeros(1)) is BACKENDS["native"]  # which hands on to lean what it has no kernels for


def on(device: str) -> torch.Tensor:
    """What the choice sees of a tensor on a device that need not be here."""
    return SimpleNamespace(device=torch.device(device))


@pytest.mark.parametrize(("device", "name"), [("cpu", "native"), ("cuda:1", "triton"), ("mps", "lean"), ("meta", "lean")])
def test_auto_goes_by_the_device_of_the_tensor(device, name):
    with use_backend("auto"):
        assert ops(on(device)) is BACKENDS[name]
    with use_backend("lean"):
        assert ops(on(device)) is BACKENDS["lean"]


def test_each_device_has_its_own_kernels():
    assert set(BACKENDS) - set(backends_for("cpu")) == {"triton"}
    assert set(BACKENDS) - set(backends_for("cuda")) == {"native"}
    assert set(BACKENDS) - set(backends_for("mps")) == {"native", "triton"}


@pytest.mark.parametrize("name", USABLE)
def test_in_a_block(name):
    with use_backend(name):
        assert backend_in_use() == name
        assert ops(torch.zeros(1)) is BACKENDS[name]
    assert backend_in_use() == DEFAULT


def test_blocks_nest_and_end_with_errors():
    with use_backend("reference"):
        with pytest.raises(KeyError), use_backend("plain"):
            raise KeyError
        assert backend_in_use() == "reference"


@pytest.fixture
def outside(monkeypatch):
    """Runs a function where no block is open, as a program starts; what it states is taken back at the end."""
    monkeypatch.setattr(backend, "_statements", [])
    return contextvars.Context().run


def in_a_thread(function):
    seen = []
    thread = threading.Thread(target=lambda: seen.append(function()))
    thread.start()
    thread.join()
    return seen[0]


def test_a_statement_holds_from_here_on_in_all_threads(outside):
    outside(use_backend, "plain")
    assert outside(backend_in_use) == "plain"
    assert in_a_thread(backend_in_use) == "plain"
    outside(use_backend, "lean")
    assert in_a_thread(backend_in_use) == "lean"
    assert backend_in_use() == DEFAULT  # in the block that each test runs in


def test_a_statement_in_another_thread_holds_here(outside):
    in_a_thread(lambda: use_backend("plain"))
    assert outside(backend_in_use) == "plain"


def test_a_statement_reaches_threads_that_run_already(outside):
    stated, seen = threading.Event(), []
    worker = threading.Thread(target=lambda: (stated.wait(10), seen.append(backend_in_use())))
    worker.start()
    outside(use_backend, "plain")
    stated.set()
    worker.join()
    assert seen == ["plain"]


def test_a_block_is_no_statement_and_counts_more(outside):
    def blocks():
        use_backend("plain")
        with use_backend("reference"):
            assert in_a_thread(backend_in_use) == "plain"
            in_a_thread(lambda: use_backend("lean"))
            assert backend_in_use() == "reference"
        return backend_in_use()

    assert outside(blocks) == "lean"


def test_blocks_of_two_threads_that_overlap_leave_nothing_behind(outside):
    entered, left = threading.Event(), threading.Event()

    def other():
        with use_backend("plain"):
            entered.set()
            left.wait(10)

    def here():
        with use_backend("reference"):
            thread.start()
            entered.wait(10)
        left.set()
        thread.join()
        return backend_in_use()

    thread = threading.Thread(target=other)
    assert outside(here) == DEFAULT


def test_a_statement_in_a_block_ends_with_it():
    with use_backend("reference"):
        use_backend("plain")
        assert backend_in_use() == "plain"
        assert in_a_thread(backend_in_use) == DEFAULT
    assert backend_in_use() == DEFAULT


@pytest.mark.parametrize("name", LAYERS)
def test_the_backward_pass_is_carried_out_by_the_backend_of_the_forward_pass(name, kernels, monkeypatch):
    """In the thread that it runs in, too."""
    called = count_operators(monkeypatch)
    layer, x = made(name)
    with use_backend("lean"):
        y = layer(x.requires_grad_())
    in_a_thread(lambda: y.sum().backward())
    assert not called
    assert x.grad.isfinite().all()


def test_a_block_does_not_reach_other_threads():
    with use_backend("reference"):
        assert in_a_thread(backend_in_use) == DEFAULT


def test_the_kernels_are_tested_in_continuous_integration(kernels):
    assert backend_in_use() == "native"


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(EdgewiseError, match="unknown backend 'referense'; did you mean 'reference'"):
        use_backend("referense")
    assert backend_in_use() == DEFAULT


@pytest.mark.parametrize("backend", BACKENDS.values(), ids=BACKENDS)
def test_each_backend_has_all_ops(backend):
    for op in ("linear", "conv", "shared_linear", "shared_conv", "execute"):
        assert callable(getattr(backend, op))


def started_with(value: str, code: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "EDGEWISE_BACKEND": value}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def test_the_environment_chooses_the_backend_to_start_with():
    run = started_with("plain", "import edgewise; print(edgewise.backend_in_use())")
    assert run.stdout == "plain\n"


def test_triton_is_imported_when_a_kernel_is_needed_and_not_before():
    run = started_with("", "import sys, edgewise.nn, edgewise.ops.backend; assert 'triton' not in sys.modules")
    assert not run.returncode, run.stderr


def test_an_unknown_backend_in_the_environment_is_refused():
    run = started_with("naitve", "import edgewise.ops")
    assert "unknown backend 'naitve'; did you mean 'native'" in run.stderr
    assert run.returncode != 0
