"""What a module built on the meta device holds once it is moved and reset: nothing that lay in the memory before."""

import pytest
import torch

from edgewise.bases import create_basis
from edgewise.kan import KAN, KANLayer
from edgewise.kan.symbolic import SymbolicEdges
from edgewise.nn import GroupRational, LowRankAttention
from tests.contract.test_layers import BASES, KINDS, LAYERS, contract

PARTS = {f"{name} on {kind}": contract(LAYERS[name], BASES[kind])().make for name in LAYERS for kind in sorted(KINDS)} | {
    "KANLayer": lambda: KANLayer(3, 1, [2, 3], symbolic=True, scale=True, affine=True),
    "KAN": lambda: KAN([2, [1, 2], 1], scale=True, affine=True, symbolic=True),
    "SymbolicEdges": lambda: SymbolicEdges(3, 2),
    "GroupRational": lambda: GroupRational(6, 2),
    "LowRankAttention": lambda: LowRankAttention(4, 2, create_basis("wavelet"), 2),
}


@pytest.mark.parametrize("name", PARTS)
def test_all_is_written_and_buffers_are_those_of_a_module_built_at_once(name, either_bool):
    with torch.device("meta"):
        module = PARTS[name]()
    assert all(tensor.is_meta for tensor in (*module.parameters(), *module.buffers()))
    module.to_empty(device="cpu")
    for part in module.modules():
        if hasattr(part, "reset_parameters"):
            part.reset_parameters()
    assert all(parameter.isfinite().all() for parameter in module.parameters())
    expected, found = dict(PARTS[name]().named_buffers()), dict(module.named_buffers())
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in found)
