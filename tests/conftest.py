import builtins
import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # read when a kernel is first needed; for tests that ask for triton

from edgewise.ops import use_backend
from tests.pykan_networks import pykan  # noqa: F401 (a fixture for all)
from tests.tiers import LIST, Times, mark_slow

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)  # from here on, fixtures of modules included; see below


def pytest_addoption(parser):
    parser.addoption("--note-times", action="store_true", help="write the names of tests that take long to tests/slow.txt")


def pytest_configure(config):
    """Note how long tests take, in the process that hears of all of them."""
    if config.option.note_times and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Times())


def pytest_collection_modifyitems(config, items):
    """Mark what took long, and leave out what minutes would be spent on unless it is asked for."""
    if not config.option.note_times:
        mark_slow(items, LIST.read_text().splitlines())
    for mark in {"inductor", "triton"} - set(config.option.markexpr.split()):
        left_out = [item for item in items if item.get_closest_marker(mark)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_runtest_teardown():
    """Forget the last value that a doctest showed: tyro takes a builtin of this name for the translations of gettext."""
    vars(builtins).pop("_", None)


@pytest.fixture(autouse=True)
def _same_start():
    """Each test starts from the same seed, the default backend, no open figure and poisoned memory, whatever ran before it.

    Where all is deterministic, fresh memory holds NaN (integers: the largest, bool: True), so that a number nobody wrote
    is seen.
    """
    torch.manual_seed(0)
    torch.use_deterministic_algorithms(True)
    if "matplotlib.pyplot" in sys.modules:  # scikit-learn and the code of pages leave figures open
        sys.modules["matplotlib.pyplot"].close("all")
    with use_backend("auto"):
        yield


@pytest.fixture(params=[True, False], ids=["fresh bits are 1", "fresh bits are 0"])
def either_bool(request, monkeypatch):
    """Fresh memory of type bool holds this; no value of it is wrong, so a test must see both."""

    make = torch.empty_like  # what `to_empty` calls

    def poisoned(*arguments, **options):
        tensor = make(*arguments, **options)
        return tensor.fill_(request.param) if tensor.dtype is torch.bool else tensor

    monkeypatch.setattr(torch, "empty_like", poisoned)
    return request.param
