import copy
import itertools
import math

import pytest
import torch
from torch.nn.functional import gelu, scaled_dot_product_attention, silu

from edgewise import EdgewiseError
from edgewise.analysis import live_bytes, saved_bytes
from edgewise.bases import Fourier, create_basis, list_bases
from edgewise.nn import (
    ATTENTION_OPERATORS,
    FullRankAttention,
    HybridAttention,
    KeepVariance,
    LowRankAttention,
    ProjectedAttention,
    Published,
    edge_layers,
    parameter_kinds,
)
from edgewise.ops import chunks, use_backend
from edgewise.ops.attention import project_to_simplex

BASES = {name: create_basis(name) for name in list_bases()}
N, HEADS, RANK, WIDTH = 11, 2, 3, 5
BASE_VALUES = {"zero": torch.zeros_like, "identity": lambda x: x, "silu": silu, "gelu": gelu}


def make(order="functions_first", basis=None, seed=0, **options):
    torch.manual_seed(seed)
    rank = {} if order == "full" else {"rank": RANK}
    operator = ATTENTION_OPERATORS[order](N, HEADS, basis or Fourier(3), **rank, **options).double()
    with torch.no_grad():
        for p in operator.parameters():  # scalars that are all 1 and biases that are all 0 would hide what they do
            p.add_(0.1 * torch.randn_like(p))
    return operator


def queries(batch=3, tokens=N, heads=HEADS, seed=1, dtype=torch.float64, width=WIDTH):
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, heads, tokens, width)
    return [torch.randn(shape, generator=generator, dtype=dtype).requires_grad_() for _ in range(3)]


def summed(functions, x):
    """The plain sum over edges, one (b, h, n, outputs, inputs) tensor of function values: the definition."""
    state = functions.state.tensors()
    rows = x.transpose(1, 2).flatten(2)
    values = functions.edge.basis.evaluate(rows, state).unflatten(2, (x.shape[1], -1))  # (b, n, h, q, j)
    edges = torch.einsum("bnhqj,hqjp->bhnpq", values, functions.coef)
    if functions.scale is not None:
        edges = edges * functions.scale.unsqueeze(1)
    if functions.base_weight is not None:
        base = BASE_VALUES[functions.edge.base or "zero"](x)
        edges = edges + functions.base_weight.unsqueeze(1) * base.unsqueeze(-2)
    return edges.sum(-1)


def defined(operator, q, k, v):
    """Attention as the formulas say, from scores, rows and values all written out."""
    scores = torch.einsum("bhnd,bhqd->bhnq", q, k) / math.sqrt(q.shape[-1])
    order = next(name for name, kind in ATTENTION_OPERATORS.items() if type(operator) is kind)
    if order == "projector_first":
        rows = summed(operator.functions, torch.einsum("bhnq,hrq->bhnr", scores, operator.projector))
    else:
        rows = summed(operator.functions, scores)
    if order == "functions_twice":
        rows = summed(operator.outer, rows)
    if order == "functions_first":
        rows = simplex_by_bisection(rows) if operator.form.simplex == "rank" else rows
        rows = torch.einsum("bhnr,hpr->bhnp", rows, operator.projector)
        rows = rows if operator.bias is None else rows + operator.bias.unsqueeze(1)
    rows = simplex_by_bisection(rows) if operator.form.simplex == "rows" else rows
    return torch.einsum("bhnp,bhpd->bhnd", rows, v)


def simplex_by_bisection(y):
    """The threshold found by halving, then written as a function of the entries above it, for the gradient."""
    lo, hi = y.detach().amin(-1, keepdim=True) - 2, y.detach().amax(-1, keepdim=True)
    for _ in range(200):
        middle = (lo + hi) / 2
        above = (y.detach() - middle).clamp_min(0).sum(-1, keepdim=True) > 1
        lo, hi = torch.where(above, middle, lo), torch.where(above, hi, middle)
    active = (y.detach() > hi).to(y)
    return ((y - ((y * active).sum(-1, keepdim=True) - 1) / active.sum(-1, keepdim=True)) * active).clamp_min(0)


def assert_equals_definition(operator, q, k, v):
    y, expected = operator(q, k, v), defined(operator, q, k, v)
    torch.testing.assert_close(y, expected, rtol=1e-10, atol=1e-10)
    wanted = [q, k, v, *operator.parameters()]
    gradient = torch.randn(y.shape, generator=torch.Generator().manual_seed(9), dtype=y.dtype)
    found = torch.autograd.grad(y, wanted, gradient)
    oracle = torch.autograd.grad(expected, wanted, gradient, materialize_grads=True, allow_unused=True)
    for a, b in zip(found, oracle, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


@pytest.fixture(params=[200, 1500, 4 << 20], ids=["tiles_of_rows", "tiles_of_images", "one_tile"])
def _tiles(request, monkeypatch):
    monkeypatch.setattr(chunks, "ON_CPU", request.param)


@pytest.mark.usefixtures("_tiles")
@pytest.mark.parametrize("order", ATTENTION_OPERATORS)
def test_equals_the_plain_sum_in_values_and_gradients(order):
    assert_equals_definition(make(order), *queries())


@pytest.mark.parametrize("basis", BASES.values(), ids=BASES)
def test_any_basis_equals_the_plain_sum(basis):
    assert_equals_definition(make(basis=basis, base="silu"), *queries())


OPTIONS = [
    *({"base": base, "scalars": scalars} for base, scalars in itertools.product(BASE_VALUES, (True, False))),
    *({"simplex": simplex, "bias": bias} for simplex, bias in itertools.product((None, "rows", "rank"), (True, False))),
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options_equal_the_plain_sum(options):
    assert_equals_definition(make(**options), *queries())


@pytest.mark.parametrize("backend", ["reference", "plain", "lean", "native"])
@pytest.mark.parametrize("basis", [Fourier(2, outside="linear"), create_basis("chebyshev")], ids=["fourier", "chebyshev"])
def test_backends_agree(backend, basis):
    operator, (q, k, v) = make(basis=basis, base="gelu", bias=True), queries()
    with use_backend(backend):
        assert_equals_definition(operator, q, k, v)


def test_second_derivatives_by_finite_differences():
    operator, (q, k, v) = make(), queries(batch=1)

    def attend(q, projector, coef):
        return torch.func.functional_call(operator, {"projector": projector, "functions.coef": coef}, (q, k, v))

    inputs = (q, operator.projector, operator.functions.coef)
    assert torch.autograd.gradcheck(attend, inputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(attend, inputs, fast_mode=True)


def test_only_what_wants_a_gradient_gets_one():
    operator, (q, k, v) = make(), queries()
    operator.functions.requires_grad_(False)
    k = k.detach()
    expected = torch.autograd.grad(defined(operator, q, k, v).sum(), [q, v, operator.projector])
    torch.testing.assert_close(torch.autograd.grad(operator(q, k, v).sum(), [q, v, operator.projector]), expected)


@pytest.mark.parametrize(("bias", "least"), [(False, RANK), (True, RANK + 1)])
def test_rank_after_the_activation(bias, least):
    q, k, _ = queries()
    matrix = make(bias=bias).matrix(q @ k.mT)
    singular = torch.linalg.svdvals(matrix)
    assert (singular[..., least:] < 1e-12 * singular[..., :1]).all()
    assert (singular[..., least - 1] > 1e-6 * singular[..., 0]).all()


def test_full_rank_is_full():
    q, k, _ = queries()
    assert (torch.linalg.matrix_rank(make("full").matrix(q @ k.mT)) == N).all()


@pytest.mark.parametrize("order", ATTENTION_OPERATORS)
def test_matrix_is_what_stands_before_the_values(order):
    operator, (q, k, v) = make(order), queries()
    torch.testing.assert_close(operator.matrix(q @ k.mT / math.sqrt(WIDTH)) @ v, operator(q, k, v))


class _Block(torch.nn.Module):
    """An operator that makes q, k and v of one input, as what is saved is counted for modules of one input."""

    def __init__(self, operator):
        super().__init__()
        self.operator = operator

    def forward(self, x):
        q, k, v = x.unflatten(-1, (3, 2, 16)).permute(2, 0, 3, 1, 4)
        return self.operator(q, k, v)


@pytest.mark.parametrize(("backend", "numbers_a_row"), [("lean", 0), ("native", 6)])
def test_saves_and_keeps_no_more_than_softmax_does(backend, numbers_a_row):
    x = torch.randn(4, 50, 96, requires_grad=True)
    block, kept = _Block(LowRankAttention(50, heads=2, rank=6)), 4 * 2 * 50 * numbers_a_row * x.itemsize
    with use_backend(backend):
        assert saved_bytes(block, x) == x.nbytes + kept
        assert live_bytes(block, x) == x.nbytes // 3 + kept  # the output, as long as what makes q, k and v
    assert saved_bytes(block, x) < saved_bytes(_Block(scaled_dot_product_attention), x)


def test_queries_may_be_fewer_than_keys():
    operator, (q, k, v) = make(), queries()
    torch.testing.assert_close(operator(q[:, :, 2:4], k, v), operator(q, k, v)[:, :, 2:4])


def test_no_images_give_none():
    operator, (q, k, v) = make(), queries(batch=0)
    y = operator(q, k, v)
    y.sum().backward()
    assert y.shape == (0, HEADS, N, WIDTH)
    assert operator.functions.coef.grad.eq(0).all()


def test_a_zero_base_weighs_nothing_and_gets_a_gradient_of_zero():
    operator, (q, k, v) = make(), queries()
    operator(q, k, v).sum().backward()
    assert operator.functions.base_weight.grad.eq(0).all()
    assert all(p.grad.count_nonzero() for name, p in operator.named_parameters() if name != "functions.base_weight")


def test_a_mask_hides_scores_and_values():
    operator, (q, k, v) = make(base="silu"), queries()
    mask = torch.rand(3, N, N, generator=torch.Generator().manual_seed(3)) > 0.4
    mask[:, 0] = False
    y = operator(q, k, v, mask=mask)
    scores = (q @ k.mT / math.sqrt(WIDTH)) * mask.unsqueeze(1)
    rows = summed(operator.functions, scores) @ operator.projector.mT
    torch.testing.assert_close(y, (rows * mask.unsqueeze(1)) @ v, rtol=1e-10, atol=1e-10)
    hidden = ~mask[:, 4].unsqueeze(1).unsqueeze(-1)
    other = operator(q, k + 7 * hidden, v - 3 * hidden, mask=mask)
    assert torch.equal(other[:, :, 4], y[:, :, 4])
    assert y[:, :, 0].eq(0).all()


@pytest.mark.usefixtures("_tiles")
def test_an_offset_is_added_to_the_scores():
    operator, (q, k, v) = make(), queries()
    offset = torch.randn(HEADS, N, N, dtype=torch.float64, requires_grad=True)
    wider_q = torch.cat([q * math.sqrt((WIDTH + N) / WIDTH), offset.expand(3, -1, -1, -1) * math.sqrt(WIDTH + N)], -1)
    wider_k = torch.cat([k, torch.eye(N, dtype=k.dtype).expand(3, HEADS, N, N)], -1)
    y, expected = operator(q, k, v, offset=offset), defined(operator, wider_q, wider_k, v)
    torch.testing.assert_close(y, expected, rtol=1e-10, atol=1e-10)
    found, oracle = (torch.autograd.grad(out.square().sum(), offset)[0] for out in (y, expected))
    torch.testing.assert_close(found, oracle, rtol=1e-9, atol=1e-9)


def test_hybrid_heads_are_softmax_and_the_operator():
    operator, (q, k, v) = make(), queries(heads=HEADS + 1)
    hybrid = HybridAttention(operator, softmax_heads=1)
    y = hybrid(q, k, v)
    torch.testing.assert_close(y[:, :1], scaled_dot_product_attention(q, k, v)[:, :1])
    torch.testing.assert_close(y[:, 1:], operator(q[:, 1:], k[:, 1:], v[:, 1:]))
    torch.testing.assert_close(hybrid.matrix(q @ k.mT / math.sqrt(WIDTH)) @ v, y)
    assert (hybrid.heads, hybrid.tokens) == (HEADS + 1, N)


def test_projection_onto_the_simplex():
    y = torch.randn(50, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(2)) * 3
    x = project_to_simplex(y)
    torch.testing.assert_close(x.sum(-1), torch.ones(50, dtype=torch.float64))
    assert (x >= 0).all()
    gap = y - x  # the optimum: one number where x > 0, no more than it elsewhere
    threshold = gap.where(x > 0, -math.inf).amax(-1, keepdim=True)
    torch.testing.assert_close(gap.where(x > 0, threshold), threshold.expand(50, 7))
    assert (gap <= threshold + 1e-12).all()
    assert torch.autograd.gradcheck(project_to_simplex, (y.requires_grad_(),))
    torch.testing.assert_close(project_to_simplex(torch.full((4,), 2.0)), torch.full((4,), 0.25))
    assert project_to_simplex(torch.tensor([[1.0, math.nan], [1.0, 0.0]])).isnan().any(-1).tolist() == [True, False]


@pytest.mark.parametrize("basis", BASES.values(), ids=BASES)
@pytest.mark.parametrize("base", ["zero", "silu"])
def test_variance_is_kept_at_the_start(basis, base):
    torch.manual_seed(0)
    operator = LowRankAttention(64, heads=8, rank=8, basis=basis, base=base)
    q, k, v = queries(4, 64, 8, dtype=torch.float32, width=64)
    assert 0.6 < operator(q, k, v).std() < 1.6


def test_the_published_start_is_far_from_it():
    torch.manual_seed(0)
    published = LowRankAttention(197, heads=3, init=Published())
    assert 0.97 < published.functions.coef.std() < 1.03
    assert published.projector.abs().max() <= 12**-0.5
    q, k, v = queries(2, 197, 3, dtype=torch.float32, width=64)
    assert published(q, k, v).std() > 100


def test_small_scores_keep_the_variance_when_told():
    torch.manual_seed(0)
    q, k, v = queries(4, 64, 8, dtype=torch.float32, width=64)
    basis = create_basis("jacobi")
    near, told = (LowRankAttention(64, 8, basis, 8, init=KeepVariance(s))(q * 0.1, k, v).std() for s in (1.0, 0.1))
    assert near < 0.5
    assert 0.6 < told < 1.6


def test_parameters_of_the_paper_a_block():
    count = sum(p.numel() for p in LowRankAttention(197, heads=3).parameters())
    assert count == 3 * 197 * 12 * (2 * 3 + 3)
    lean = LowRankAttention(197, heads=3, scalars=False)
    assert count - sum(p.numel() for p in lean.parameters()) == 2 * 3 * 197 * 12


def test_functions_are_coefficients_and_projectors_weights():
    operator = LowRankAttention(N, HEADS, create_basis("wavelet"), RANK, bias=True)
    kinds = parameter_kinds(operator)
    assert kinds["functions.coef"] == kinds["functions.scale"] == kinds["functions.state.translation"] == "coefficient"
    assert kinds["projector"] == "weight"
    ((_, layer),) = edge_layers(operator)
    scores = torch.full((2, HEADS, 4, N), 5.0)
    scores[..., 0] = 0
    assert layer.fraction_outside(scores) == pytest.approx((N - 1) / N)


def test_autocast_computes_in_full_precision():
    torch.manual_seed(0)
    operator = LowRankAttention(N, HEADS, Fourier(11), RANK)
    q, k, v = (t.bfloat16() for t in queries(dtype=torch.float32))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = operator(q, k, v)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), operator(q.float(), k.float(), v.float()), rtol=1e-2, atol=1e-2)
    y.float().square().sum().backward()
    assert operator.functions.coef.grad.isfinite().all()


def test_transforms_and_compilation_see_the_same_function():
    operator, (q, k, v) = make(), queries()
    each = torch.vmap(lambda q, k, v: operator(q[None], k[None], v[None])[0])(q, k, v)
    torch.testing.assert_close(each, operator(q, k, v))


def test_copies_and_state_dicts_rebuild_it():
    operator, (q, k, v) = make(basis=create_basis("wavelet")), queries()
    other = make(basis=create_basis("wavelet"), seed=5)
    other.load_state_dict(operator.state_dict())
    assert torch.equal(other(q, k, v), operator(q, k, v))
    assert torch.equal(copy.deepcopy(operator)(q, k, v), operator(q, k, v))


def test_from_the_meta_device():
    with torch.device("meta"):
        operator = LowRankAttention(N, HEADS, create_basis("wavelet"), RANK)
    operator = operator.to_empty(device="cpu")
    operator.reset_parameters()
    assert all(p.isfinite().all() for p in operator.parameters())
    assert operator(*queries(dtype=torch.float32)).isfinite().all()


def test_a_nan_stays_in_its_image():
    operator, (q, k, v) = make(), queries()
    expected, q = operator(q, k, v), q.detach().clone()
    q[1, 0, 2, 0] = math.nan
    y = operator(q, k, v)
    assert y[1, 0, 2].isnan().all()
    y[1, 0, 2] = expected[1, 0, 2]
    assert torch.equal(y, expected)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: LowRankAttention(0, 3), "tokens and heads must be at least 1, got 0 and 3"),
        (lambda: LowRankAttention(10, 3, rank=12), "rank must be from 1 to the number of tokens, 10, got 12"),
        (lambda: ProjectedAttention(10, 3, rank=0), "rank must be from 1 to the number of tokens"),
        (lambda: LowRankAttention(10, 3, rank=2, base="sillu"), "did you mean 'silu'"),
        (lambda: LowRankAttention(10, 3, rank=2, simplex="row"), "simplex must be 'rows', 'rank' or None"),
        (lambda: FullRankAttention(10, 3, simplex="rank"), "simplex must be 'rows' or None for a FullRank"),
        (lambda: make()(*queries(tokens=12)), "belong to 11 tokens, got 12"),
        (lambda: make()(*queries(heads=3)), r"expected \(batch, 2 heads, tokens, width\)"),
        (lambda: make()(*queries(), mask=torch.zeros(3, N, N)), "a mask must be boolean"),
        (lambda: make()(*queries(), mask=torch.ones(N, N, dtype=torch.bool)), r"of shape \(3, 11, 11\)"),
        (lambda: make(simplex="rows")(*queries(), mask=torch.ones(3, N, N, dtype=torch.bool)), "cannot honour a mask"),
        (lambda: HybridAttention(make(), 0), "softmax_heads must be at least 1"),
        (lambda: HybridAttention(make(), 1)(*queries()), r"expected \(batch, 3 heads"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(EdgewiseError, match=words):
        call()
