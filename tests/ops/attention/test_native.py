"""Attention of low rank on the compiled operator, where its vectors end."""

import pytest
import torch

from edgewise.bases import Chebyshev, Fourier
from edgewise.nn import LowRankAttention
from edgewise.testing import assert_same_everywhere
from tests.ops.cases import SelfAttention

pytestmark = pytest.mark.usefixtures("kernels_run")


@pytest.mark.parametrize("basis", [Fourier(3), Fourier(2, (-1, 2), "linear"), Chebyshev(4, outside="clamp")], ids=str)
@pytest.mark.parametrize("base", ["zero", "silu"])
@pytest.mark.parametrize(("tokens", "rank", "width"), [(1, 1, 1), (17, 3, 5), (33, 12, 16)])
def test_equals_the_definition(tokens, rank, width, basis, base, kernels_run):
    operator = LowRankAttention(tokens, 2, basis, rank, base=base, bias=base == "silu", dtype=torch.float64)
    with torch.no_grad():
        for p in operator.parameters():
            p.add_(0.1 * torch.randn_like(p))
    assert_same_everywhere(SelfAttention(operator), torch.randn(3, 2, tokens, width, dtype=torch.float64), 1e-9)
    assert {"rank_attention", "rank_attention_backward"} <= kernels_run


def test_wrong_operands_are_refused():
    q, coef, projector = torch.zeros(2, 2, 5, 4), torch.zeros(2, 5, 6, 3), torch.zeros(2, 5, 3)
    settings = (0.5, 1, -1.0, 1.0, 0, 0)
    with pytest.raises(ValueError, match="do not belong together"):
        torch.ops.edgewise.rank_attention(q, q[:, :, :4], q, coef, None, None, projector, *settings)
    with pytest.raises(ValueError, match="as many sines as cosines, got 5"):
        torch.ops.edgewise.rank_attention(q, q, q, coef[:, :, :5], None, None, projector, *settings)
    with pytest.raises(TypeError, match="queries must be float32 or float64"):
        torch.ops.edgewise.rank_attention(
            *(t.bfloat16() for t in (q, q, q, coef)), None, None, projector.bfloat16(), *settings
        )
