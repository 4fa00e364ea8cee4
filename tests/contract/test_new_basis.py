"""A basis of somebody's own: one file, and everything takes it."""

import importlib.util
import sys

import numpy as np
import pytest
import torch

from edgewise.bases import create_basis, list_bases
from edgewise.bases.basis import BASES
from edgewise.models import create_model
from edgewise.nn import KANConv2d, KANLinear, SaKANLinear, parameter_kinds
from edgewise.testing import BasisContract, LayerContract, assert_same_everywhere

FILE = '''
"""Waves of learnable frequency."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from edgewise.bases import Basis, register_basis


@register_basis("waves")
@dataclass(frozen=True)
class Waves(Basis):
    """The functions ``sin(w_ij x)``, the frequencies w learned for each input."""

    count: int = 3
    domain: tuple[float, float] = (-2.0, 2.0)
    outside: str = "clamp"
    natural: ClassVar[str] = "repeat"

    @property
    def num_functions(self):
        return self.count

    def init_state(self, features, *, device=None, dtype=None):
        frequencies = torch.linspace(1, self.count, self.count, device=device, dtype=dtype).repeat(features, 1)
        return {"frequency": torch.nn.Parameter(frequencies + torch.rand_like(frequencies))}

    def values(self, x, state):
        return (x.unsqueeze(-1) * state["frequency"].to(x.dtype)).sin()
'''


@pytest.fixture(scope="module", autouse=True)
def waves(tmp_path_factory):
    path = tmp_path_factory.mktemp("bases") / "waves.py"
    path.write_text(FILE)
    spec = importlib.util.spec_from_file_location("waves", path)
    module = sys.modules["waves"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module.Waves
    BASES.unregister("waves")
    del sys.modules["waves"]


class TestWaves(BasisContract):
    @property
    def basis(self):
        return create_basis("waves")

    def oracle(self, x, frequency):
        return np.sin(x[..., None] * frequency)


class WaveLayer(LayerContract):
    test_compiled_equals_eager = None  # the contract of the basis compiles it

    def make(self, **factory):
        return self.layer(*self.sizes, basis=create_basis("waves"), **factory)


class TestKANLinearOfWaves(WaveLayer):
    layer, sizes, shapes = KANLinear, (5, 3), ((4, 5), (0, 5))


class TestSaKANLinearOfWaves(WaveLayer):
    layer, sizes, shapes = SaKANLinear, (5, 3), ((4, 5), (0, 5))


class TestKANConv2dOfWaves(WaveLayer):
    layer, sizes, shapes = KANConv2d, (2, 3, 3), ((3, 2, 5, 5), (0, 2, 5, 5))


def test_registered_by_its_file_alone(waves):
    assert "waves" in list_bases()
    assert create_basis("waves", count=2) == waves(count=2)


def test_its_learnable_numbers_are_coefficients():
    kinds = parameter_kinds(KANLinear(5, 3, basis=create_basis("waves")))
    assert kinds == {"coef": "coefficient", "base_weight": "weight", "state.frequency": "coefficient"}


def test_gradients_of_its_learnable_numbers_in_chunks(monkeypatch):
    monkeypatch.setattr("edgewise.ops.chunks.ON_CPU", 1000)
    layer = KANLinear(5, 3, basis=create_basis("waves"), dtype=torch.float64)
    assert_same_everywhere(layer, torch.randn(40, 5, dtype=torch.float64))


def test_a_model_is_rebuilt_with_it():
    model = create_model("kan", width=[2, 3, 1], basis={"name": "waves", "count": 2})
    assert [basis["name"] for basis in model.config["options"]["basis"]] == ["waves", "waves"]
    assert create_model("kan", **model.config["options"])[0].edge.basis == create_basis("waves", count=2)
