"""A contract that lets an error through is worth nothing: small errors, each of which has to be found."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from edgewise.bases import BSpline, Chebyshev
from edgewise.nn import KANLinear
from edgewise.ops.contraction import Linear
from edgewise.testing import BasisContract, assert_same_everywhere, assert_same_there
from tests.contract.oracles import chebyshev


@dataclass(frozen=True)
class Spoilt(Chebyshev):
    fault: str = ""

    def values(self, x, state):
        if self.fault == "value":
            return super().values(x, state) * (1 + 1e-9)
        if self.fault == "slope":
            values = super().values(x, state)
            return values.detach() + (values - values.detach()) * (1 + 1e-4)
        if self.fault == "nan":
            return super().values(x.nan_to_num(), state)
        if self.fault == "neighbours":
            return super().values(x + 0 * x.sum(), state)
        return super().values(x, state)


class Faulty(BasisContract):
    def __init__(self, fault):
        self.basis = Spoilt(3, fault=fault)

    def oracle(self, x):
        return chebyshev(self.basis, x)


FAULTS = {
    "value": lambda contract: contract.test_equals_the_oracle(torch.float64),
    "slope": lambda contract: contract.test_slope_is_that_of_the_oracle(),
    "nan": lambda contract: contract.test_nan_stays_in_its_row("natural"),
    "neighbours": lambda contract: contract.test_nan_stays_in_its_row("natural"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_basis_is_found(fault):
    FAULTS[fault](Faulty(""))
    with pytest.raises(AssertionError):
        FAULTS[fault](Faulty(fault))


def test_a_rule_for_the_outside_that_does_not_hold_is_found(monkeypatch):
    contract = Faulty("")
    contract.test_clamp_is_constant_beyond_the_domain(1)
    monkeypatch.setattr(Chebyshev, "evaluate", lambda self, x, state: self.values(x, state))
    with pytest.raises(AssertionError):
        contract.test_clamp_is_constant_beyond_the_domain(1)


def test_a_wrong_gradient_of_a_backend_is_found(monkeypatch):
    layer, x = KANLinear(4, 3, BSpline(), dtype=torch.float64), torch.randn(5, 4, dtype=torch.float64)
    transpose = Linear.transpose

    def wrong(self, features, packed, gradient, wants_features):
        back, weight = transpose(self, features, packed, gradient, wants_features)
        return back, weight * (1 + 1e-8)

    assert_same_everywhere(layer, x)
    monkeypatch.setattr(Linear, "transpose", wrong)
    with pytest.raises(AssertionError):
        assert_same_everywhere(layer, x)


class OfOneDevice(nn.Module):
    """A layer that works on the CPU, and on a GPU in one way only."""

    def __init__(self, fault: str):
        super().__init__()
        self.fault, self.weight = fault, nn.Parameter(torch.ones(3))

    def forward(self, x):
        match self.fault:
            case "makes a tensor on the CPU":
                return x * self.weight + torch.arange(3)
            case "keeps no buffer":
                return x @ torch.eye(3).to(x) * self.weight
            case "asks for a value":
                return x * self.weight * (2 if x.sum() > 0 else 1)
            case "picks by a mask":
                return (x * self.weight)[x > 0]
            case "copies a number":
                return x * self.weight + x.new_tensor(2.0)
            case _:
                return x * self.weight + torch.arange(3, device=x.device)[torch.tensor([2, 1, 0])] + torch.tensor(2.0)


FAULTS_OF_DEVICES = {
    "makes a tensor on the CPU": (
        RuntimeError,
        r"aten::add.Tensor takes tensors of one device, got \(4, 3\) there and \(3,\)",
    ),
    "keeps no buffer": (AssertionError, "aten::_to_copy moved numbers between the devices"),
    "asks for a value": (AssertionError, "aten::_local_scalar_dense moved"),
    "picks by a mask": (AssertionError, "aten::index.Tensor moved"),
    "copies a number": (AssertionError, "aten::_to_copy moved"),
}


@pytest.mark.parametrize("fault", FAULTS_OF_DEVICES)
def test_a_layer_of_one_device_is_found(fault):
    x = torch.randn(4, 3)
    assert_same_there(OfOneDevice(""), x, 1e-6)
    kind, words = FAULTS_OF_DEVICES[fault]
    with pytest.raises(kind, match=words):
        assert_same_there(OfOneDevice(fault), x, 1e-6)
