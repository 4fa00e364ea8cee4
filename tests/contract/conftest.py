import pytest
import torch


@pytest.fixture(autouse=True)
def _poisoned_memory():
    """Fresh memory holds NaN (integers: the largest), so that a number nobody wrote is seen; and all is deterministic."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)
