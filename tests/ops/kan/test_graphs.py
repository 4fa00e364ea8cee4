"""The operator in graphs: its shapes without numbers, compiled and exported."""

import pytest
import torch

from edgewise.bases import BSpline
from edgewise.nn import KANLinear
from tests.ops.kan.operands import NONE, operands

pytestmark = pytest.mark.usefixtures("kernels")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # of tensors that torch itself looks at
@pytest.mark.parametrize("knots", ["uniform", "per-feature"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_opcheck(knots, dtype):
    tensors, state, own = operands(BSpline(4, 2, knots=knots), dtype=dtype)
    torch.library.opcheck(torch.ops.edgewise.edge_sum.default, (*tensors, state, *NONE, *own))
    grad = torch.randn(6, 5, dtype=dtype)
    torch.library.opcheck(torch.ops.edgewise.edge_sum_backward.default, (grad, *tensors, state, *NONE, *own, True))


def test_compiled_and_exported_with_the_operator_in_the_graph():
    layer, x = KANLinear(4, 3), torch.randn(6, 4)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(x), layer(x))
    program = torch.export.export(layer, (x,))
    assert any("edge_sum" in str(node.target) for node in program.graph.nodes)
    assert torch.equal(program.module()(x), layer(x))
    torch.compiler.reset()
