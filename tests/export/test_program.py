import pytest
import torch
from torch import nn

from edgewise.bases import Fourier
from edgewise.export import to_program
from edgewise.kan import KAN
from edgewise.nn import KANConv1d, KANLinear, SaKANLinear


@pytest.mark.parametrize(
    ("model", "x"),
    [
        (KAN([2, [1, 1], 1]), torch.randn(9, 2)),
        (nn.Sequential(SaKANLinear(3, 4), KANLinear(4, 2, Fourier(2))), torch.randn(9, 3)),
        (KANConv1d(2, 3, 3, padding=1), torch.randn(9, 2, 7)),
    ],
    ids=["kan", "layers", "conv"],
)
def test_a_program_computes_the_same_for_any_batch_and_has_no_op_of_its_own(model, x):
    program = to_program(model, x[:1])
    for batch in (x[:1], x[:2], x):
        assert (program.module()(batch) - model(batch)).abs().max() < 1e-5
    names = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    assert names
    assert all(name.startswith(("aten.", "<built-in")) for name in names), names
