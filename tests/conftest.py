import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch

from edgewise.ops import use_backend
from tests.pykan_networks import pykan  # noqa: F401 (a fixture for all)

torch.set_num_threads(1)


def pytest_collection_modifyitems(config, items):
    """Leave Inductor's tests out where they are not asked for."""
    if "inductor" not in config.option.markexpr:
        left_out = [item for item in items if item.get_closest_marker("inductor")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(autouse=True)
def _same_start():
    """Each test starts from the same seed and the default backend, whatever ran before it."""
    torch.manual_seed(0)
    with use_backend("auto"):
        yield
