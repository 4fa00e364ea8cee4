"""What serves the layers of a model, as it is said and as it is."""

import pytest
import torch
from torch import nn

from edgewise import use_backend
from edgewise.analysis import backends_of
from edgewise.analysis.backends import kernel_obstacle
from edgewise.bases import BSpline, Chebyshev, create_basis
from edgewise.nn import GroupRational, KANConv2d, KANLinear, SaKANLinear
from edgewise.ops.native import library
from edgewise.ops.native.build import BuildError
from edgewise.testing import AWAY, OtherDevice
from tests.ops.cases import LAYERS, made

MODEL = nn.Sequential(
    KANConv2d(2, 3, 2), nn.Flatten(), KANLinear(12, 4, Chebyshev(2)), SaKANLinear(4, 4, Chebyshev(2)),
    GroupRational(4, 2), KANLinear(4, 2, create_basis("wavelet")), KANLinear(2, 2, BSpline(), base=torch.sin),
)  # fmt: skip
X = torch.randn(3, 2, 3, 3)


def test_what_serves_each_layer_on_the_cpu():
    if (problem := kernel_obstacle(torch.device("cpu"))) is not None:
        pytest.skip(problem)
    found = backends_of(MODEL, X)
    assert [part.name for part in found] == ["0", "2", "3", "4", "5", "6"]
    assert [part.backend for part in found] == ["native", "native", "lean", "native", "lean", "lean"]
    assert [part.reason is None for part in found] == [True, True, False, True, False, False]
    assert "no kernel takes SaKANLinear on Chebyshev(degree=2" in found[2].reason
    assert "KANLinear on Wavelet" in found[4].reason
    assert "with a base function of one's own in float32" in found[5].reason


@pytest.mark.parametrize("name", LAYERS)
def test_every_kind_of_layer_is_found(name):
    layer, x = made(name)
    assert len(backends_of(layer, x)) == 1


def test_a_backend_that_was_chosen_is_the_reason():
    with use_backend("plain"):
        found = backends_of(MODEL, X)
    assert {(part.backend, part.reason) for part in found} == {("plain", "the backend 'plain' was chosen")}


def test_without_a_compiler_the_reason_says_so(monkeypatch):
    monkeypatch.setattr(library, "_loaded", False)
    monkeypatch.setattr(library, "_problem", BuildError("there is no compiler: install g++"))
    found = backends_of(MODEL, X)
    assert {(part.backend, part.reason) for part in found} == {("lean", "there is no compiler: install g++")}


def test_a_device_without_kernels():
    with OtherDevice():
        found = backends_of(KANLinear(2, 3).to(AWAY), torch.zeros(4, 2, device=AWAY))
    assert [(part.backend, part.reason) for part in found] == [("lean", "there are no kernels for lazy")]
