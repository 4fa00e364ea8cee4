"""The kernels in tests: where none can be built those tests are skipped, but not in continuous integration."""

import os

import pytest
import torch

from edgewise.ops import native
from edgewise.ops.native.build import BuildError

OPERATORS = ("edge_sum", "global_sum", "sakan_mixed", "sakan_depthwise", "rational", "rank_attention")


@pytest.fixture
def kernels():
    """Built and loaded."""
    try:
        native.load()
    except BuildError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"the kernels have to be tested here: {error}")
        pytest.skip(str(error))


@pytest.fixture
def kernels_run(kernels, monkeypatch):
    """The names of the operators that the test calls; it has to call one."""
    called = count_operators(monkeypatch)
    yield called
    assert called, "no kernel was run: this test saw another backend"


def count_operators(monkeypatch) -> set[str]:
    """The names of the operators that Python calls from here on."""
    called = set()
    for name in (*OPERATORS, *(f"{name}_backward" for name in OPERATORS)):
        monkeypatch.setattr(torch.ops.edgewise, name, _counted(getattr(torch.ops.edgewise, name), name, called))
    return called


def _counted(operator, name, called):
    def run(*args):
        called.add(name)
        return operator(*args)

    return run
