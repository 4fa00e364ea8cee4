import copy
import json
import math
from functools import partial

import pytest
import safetensors.torch
import torch

from edgewise import EdgewiseError
from edgewise.analysis import count_parameters, saved_bytes
from edgewise.bases import Fourier, create_basis, list_bases
from edgewise.models import create_model, kanify_attention, kanify_mlp, list_models, load_softmax_weights
from edgewise.models.kat import GroupRationalMlp
from edgewise.models.self_attention import KANSelfAttention
from edgewise.nn import FullRankAttention, HybridAttention, LowRankAttention

timm = pytest.importorskip("timm")

SMALL = {"num_classes": 5, "image_size": 32, "patch_size": 8}  # 17 tokens
RANK_4 = partial(LowRankAttention, rank=4)
NETWORKS = [name for name in list_models() if name.startswith(("vit", "kat", "convit", "swin"))]


def transformer(depth=2, **options):
    torch.manual_seed(0)
    sizes = {"img_size": 32, "patch_size": 8, "embed_dim": 48, "depth": depth, "num_heads": 3, "num_classes": 5}
    return timm.models.VisionTransformer(**(sizes | options))


def images(count=2, size=32, channels=3):
    return torch.randn(count, channels, size, size, generator=torch.Generator().manual_seed(1))


def on_meta(name, **options):
    with torch.device("meta"):
        return create_model(name, **options)


@pytest.mark.parametrize(
    ("name", "options", "millions"),
    [
        ("vit_base", {}, "85.81"),
        ("vit_base_karat", {"sharing": "blockwise"}, "87.51"),
        ("vit_base_karat", {"sharing": "universal"}, "85.95"),
        ("vit_small", {}, "22.05"),
        ("vit_small_karat", {"sharing": "blockwise"}, "23.58"),
        ("vit_small_karat", {"sharing": "universal"}, "22.18"),
        ("vit_tiny", {}, "5.53"),
        ("vit_tiny_karat", {"sharing": "blockwise"}, "6.29"),
        ("vit_tiny_karat", {"sharing": "universal"}, "5.59"),
        ("kat_tiny", {}, "5.7"),
        ("kat_small", {}, "22.1"),
        ("kat_base", {}, "86.6"),
    ],
)
def test_parameter_totals_of_the_papers(name, options, millions):
    digits = len(millions.split(".")[1])
    assert f"{count_parameters(on_meta(name, **options)) / 1e6:.{digits}f}" == millions


def test_parameters_of_activations_by_the_formula():
    base = {n: count_parameters(on_meta(n)) for n in ("vit_tiny", "vit_base")}
    for name, g, rank, operators in (("vit_tiny", 3, 12, 36), ("vit_tiny", 11, 4, 36), ("vit_base", 1, 12, 144)):
        for sharing, count in (("blockwise", operators), ("universal", operators // 12)):
            model = on_meta(f"{name}_karat", sharing=sharing, basis=Fourier(g), rank=rank)
            assert count_parameters(model) - base[name] == 197 * rank * (2 * g + 3) * count
    kat = count_parameters(on_meta("kat_tiny")) - count_parameters(on_meta("vit_tiny", num_classes=1000))
    assert kat == 12 * 2 * (6 + 8 * 4)


def test_universal_functions_are_registered_once():
    model = kanify_attention(transformer(), RANK_4, sharing="universal")
    names = [name for name in model.state_dict() if name.endswith("functions.coef")]
    assert names == ["shared_attention.functions.coef"]
    first, second = (block.attn.operator for block in model.blocks)
    assert first is second is model.shared_attention
    twin = copy.deepcopy(model)
    assert twin.blocks[0].attn.operator is twin.shared_attention is not model.shared_attention
    model(images()).square().sum().backward()
    assert model.shared_attention.functions.coef.grad.count_nonzero() > 0
    blockwise = kanify_attention(transformer(), RANK_4)
    assert blockwise.blocks[0].attn.operator is not blockwise.blocks[1].attn.operator


def written_out(model, x):
    """The network with scores, activated rows and their product with the values all formed."""
    x = model._pos_embed(model.patch_embed(x))
    for block in model.blocks:
        attention, z = block.attn, block.norm1(x)
        v = attention.qkv(z).unflatten(-1, (3, attention.num_heads, -1))[:, :, 2].transpose(1, 2)
        x = x + attention.proj((attention.matrix(z) @ v).transpose(1, 2).flatten(2))
        x = x + block.mlp(block.norm2(x))
    return model.forward_head(model.norm(x))


@pytest.mark.parametrize(
    "options",
    [
        {"operator": RANK_4},
        {"operator": partial(RANK_4, bias=True), "sharing": "universal"},
        {"operator": RANK_4, "softmax_heads": 2},
        {"operator": partial(RANK_4, simplex="rank")},
        {"operator": partial(FullRankAttention, basis="bspline", base="silu")},
    ],
    ids=str,
)
def test_equals_the_network_written_out(options):
    model = kanify_attention(transformer(), **options).double()
    x = images().double()
    y, expected = model(x), written_out(model, x)
    torch.testing.assert_close(y, expected, rtol=1e-9, atol=1e-9)
    parameters = [p for name, p in model.named_parameters() if not name.endswith("base_weight")]
    found, oracle = (torch.autograd.grad(out.square().sum(), parameters) for out in (y, expected))
    for a, b in zip(found, oracle, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-9)


def test_blocks_may_be_chosen():
    model = kanify_attention(transformer(depth=4), RANK_4, blocks=(-1, 1))
    assert [isinstance(block.attn, KANSelfAttention) for block in model.blocks] == [False, True, False, True]
    assert model(images()).isfinite().all()


def test_convit_learns_in_its_last_two_blocks():
    model = create_model("convit_tiny_karat", **SMALL, rank=4)
    assert [isinstance(block.attn, KANSelfAttention) for block in model.blocks] == [False] * 10 + [True] * 2
    assert model.blocks[-1].attn.operator.tokens == 17
    assert model(images()).shape == (2, 5)


def swin():
    torch.manual_seed(0)
    return timm.models.SwinTransformer(
        img_size=32, patch_size=2, window_size=4, embed_dim=12, depths=(2, 2), num_heads=(2, 4), num_classes=5
    )


def test_swin_learns_in_its_windows():
    model = kanify_attention(swin(), RANK_4, sharing="blockwise").eval()
    operators = [m.operator for m in model.modules() if isinstance(m, KANSelfAttention)]
    assert [(o.tokens, o.heads) for o in operators] == [(16, 2), (16, 2), (16, 4), (16, 4)]
    x = images()
    y = model(x)
    assert y.shape == (2, 5)
    torch.testing.assert_close(torch.cat([model(image) for image in x.split(1)]), y, rtol=1e-4, atol=1e-5)
    y.sum().backward()
    assert model.layers[0].blocks[0].attn.relative_position_bias_table.grad.count_nonzero() > 0


def test_shifted_windows_do_not_look_across_the_border():
    """After the shift one corner's window holds four corners of the image: what changes in one must not reach another."""
    block = kanify_attention(swin(), RANK_4).eval().layers[0].blocks[1]
    x = torch.randn(1, 16, 16, 12, generator=torch.Generator().manual_seed(2))
    other = x.clone()
    other[:, :2, :2] += 1  # a corner
    changed = (block(other) - block(x)).abs().amax(-1)[0] > 1e-6
    assert changed[:2, :2].all()
    assert not changed[-2:].any()
    assert not changed[:, -2:].any()


@pytest.mark.parametrize("basis", list_bases())
def test_thirty_blocks_keep_the_signal_at_the_start(basis):
    torch.manual_seed(0)
    model = kanify_attention(transformer(depth=30, embed_dim=24), partial(RANK_4, basis=create_basis(basis)))
    x = images()
    sizes = []
    for block in model.blocks:
        block.register_forward_hook(lambda _, __, y: sizes.append(y.std().item()))
    y = model(x)
    y.square().sum().backward()
    assert len(sizes) == 30
    assert all(math.isfinite(size) for size in sizes)
    assert sizes[-1] < 10 * sizes[0]
    assert sizes[-1] > 0.1 * sizes[0]
    for block in model.blocks:
        gradient = block.attn.operator.functions.coef.grad
        assert gradient.isfinite().all()
        assert gradient.count_nonzero() > 0
    first, last = (model.blocks[i].mlp.fc1.weight.grad.norm() for i in (0, -1))
    assert 1e-2 < first / last < 1e2


@pytest.mark.parametrize("reading", ["sum", "terms"])
def test_rational_layers_keep_the_variance(reading):
    torch.manual_seed(0)
    mlp = kanify_mlp(transformer(embed_dim=192), reading=reading).blocks[0].mlp
    assert isinstance(mlp, GroupRationalMlp)
    x = torch.randn(500, 192)
    hidden = mlp.fc1(mlp.act1(x))
    assert hidden.std().item() == pytest.approx(1, rel=0.05)
    assert mlp(x).std().item() == pytest.approx(1, rel=0.1)
    assert mlp.fc2.weight.std().item() == pytest.approx(math.sqrt(2.8178 / 768), rel=0.02)


def test_pretrained_weights_of_perceptrons_may_be_kept():
    source = transformer()
    model = kanify_mlp(copy.deepcopy(source), keep_weights=True)
    assert torch.equal(model.blocks[1].mlp.fc2.weight, source.blocks[1].mlp.fc2.weight)
    x = torch.randn(9, 48)
    y = torch.nn.functional.silu(source.blocks[0].mlp.fc1(x))
    expected = source.blocks[0].mlp.fc2(y)
    torch.testing.assert_close(model.blocks[0].mlp(x), expected, rtol=1e-2, atol=1e-3)


def test_softmax_weights_load_into_unchanged_parts():
    source = transformer()
    with torch.no_grad():
        for p in source.parameters():
            p.normal_()
    model = kanify_mlp(kanify_attention(transformer(num_classes=7), RANK_4))
    kept = load_softmax_weights(model, source.state_dict())
    own = [name for name in model.state_dict() if ".operator_." in name or ".act" in name]
    assert sorted(kept) == sorted([*own, "head.weight", "head.bias"])
    for name, tensor in source.state_dict().items():
        if not name.startswith("head"):
            assert torch.equal(model.state_dict()[name], tensor), name


def test_weights_that_do_not_fit_are_refused():
    model = kanify_attention(transformer(), RANK_4)
    with pytest.raises(EdgewiseError, match=r"'pos_embed' has shape \(1, 65, 48\).*number of tokens is fixed"):
        load_softmax_weights(model, transformer(patch_size=4).state_dict())
    with pytest.raises(EdgewiseError, match=r"'pos_embed' has shape \(1, 17, 96\)|'cls_token' has shape"):
        load_softmax_weights(model, transformer(embed_dim=96).state_dict())
    with pytest.raises(EdgewiseError, match=r"the weights lack 'blocks.1"):
        load_softmax_weights(model, transformer(depth=1).state_dict())


def test_a_gate_multiplies_what_learned_attention_gives():
    source = pytest.importorskip("timm.layers.attention").Attention(16, num_heads=2, gated=True).eval()
    gate, proj, operator, x = source.gate, source.proj, LowRankAttention(5, heads=2, rank=2), torch.randn(3, 5, 16)
    attention = KANSelfAttention(source, operator, shared=False)
    q, k, v = source.qkv(x).unflatten(-1, (3, 2, -1)).permute(2, 0, 3, 1, 4)
    expected = proj(operator(q, k, v).transpose(1, 2).flatten(2) * gate(x).sigmoid())
    torch.testing.assert_close(attention(x), expected)


def test_masks_that_are_boolean_are_honoured():
    model = kanify_attention(transformer(), RANK_4)
    attention, x = model.blocks[0].attn, torch.randn(2, 17, 48)
    causal = torch.ones(17, 17, dtype=torch.bool).tril()
    y = attention(x, is_causal=True)
    torch.testing.assert_close(attention(x, attn_mask=causal), y)
    other = x.clone()
    other[:, 9:] += 1
    torch.testing.assert_close(attention(other, is_causal=True)[:, :9], y[:, :9])
    with pytest.raises(EdgewiseError, match=r"honour boolean masks.*got torch.float32"):
        attention(x, attn_mask=torch.zeros(17, 17))


@pytest.mark.parametrize("name", [n for n in NETWORKS if "tiny" in n and "swin" not in n])
def test_registered_networks_train_and_are_rebuilt(name):
    torch.manual_seed(0)
    model = create_model(name, **SMALL, in_channels=1)
    x = images(channels=1)
    y = model(x)
    y.square().sum().backward()
    assert y.shape == (2, 5)
    assert all(p.grad is not None for p in model.parameters())
    assert json.loads(json.dumps(model.config)) == model.config
    rebuilt = create_model(model.config["name"], **model.config["options"])
    rebuilt.load_state_dict(safetensors.torch.load(safetensors.torch.save(model.state_dict())))
    assert torch.equal(rebuilt.eval()(x), model.eval()(x))


def test_learnable_and_rational_together():
    model = karat(mlp="rational", sharing="universal", rank=4)
    assert isinstance(model.blocks[3].mlp, GroupRationalMlp)
    assert isinstance(model.blocks[3].attn, KANSelfAttention)
    assert model(images()).shape == (2, 5)


def test_saves_less_than_softmax_written_out():
    soft, learned = transformer(), kanify_attention(transformer(), RANK_4)
    for block in soft.blocks:
        block.attn.fused_attn = False
    x = images(8)
    assert saved_bytes(learned, x) < saved_bytes(soft, x)


def test_hybrid_heads():
    model = kanify_attention(transformer(), RANK_4, softmax_heads=1)
    operator = model.blocks[0].attn.operator
    assert isinstance(operator, HybridAttention)
    assert (operator.heads, operator.operator.heads) == (3, 2)


@pytest.mark.parametrize("training", [True, False])
def test_building_leaves_the_mode(training):
    model = kanify_mlp(kanify_attention(transformer().train(training), RANK_4))
    assert all(module.training == training for module in model.modules())


def karat(**options):
    return create_model("vit_tiny_karat", **SMALL | options)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: karat()(images(size=64)),
            r"expected images \(N, 3, 32, 32\), got shape \(2, 3, 6",
        ),
        (lambda: karat()(images(channels=1)), r"got shape \(2, 1, 32, 32\)"),
        (lambda: create_model("vit_tiny", image_size=30, patch_size=8), "image_size must be a multiple of patch_size"),
        (lambda: create_model("vit_tiny", drop_path=1.0), "drop_path must be at least 0"),
        (lambda: karat(rank=20), "number of tokens, 17, got 20"),
        (
            lambda: karat(sharing="universel"),
            "sharing must be 'blockwise' or 'universal'",
        ),
        (lambda: karat(init="variants"), "did you mean 'variance'"),
        (lambda: karat(order="function_first"), "did you mean 'functions_first'"),
        (lambda: karat(mlp="kan"), "mlp must be 'gelu' or 'rational'"),
        (lambda: karat(order="full", bias=True), "no projector behind its functions"),
        (lambda: karat(softmax_heads=3), "softmax_heads must be from 0 to 2"),
        (lambda: karat(blocks=[12]), "blocks must be numbers from 0 to 11"),
        (lambda: create_model("kat_tiny", **SMALL, groups=7), "192 channels in 7 groups"),
        (lambda: kanify_attention(torch.nn.Linear(3, 3)), "there is no attention to replace"),
        (lambda: kanify_mlp(torch.nn.Linear(3, 3)), "there is no perceptron to replace"),
        (
            lambda: kanify_attention(swin(), RANK_4, sharing="universal"),
            "cannot share .*use sharing='blockwise'",
        ),
        (lambda: kanify_attention(transformer(attn_drop_rate=0.1), RANK_4), "attention dropout must be 0"),
        (
            lambda: kanify_attention(transformer(dynamic_img_size=True), RANK_4)(images(size=40)),
            "belong to 17 tokens, got 26",
        ),
        (
            lambda: kanify_attention(transformer(), RANK_4).blocks[0].attn(torch.zeros(1, 9, 48)),
            "17 tokens, got 9",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(EdgewiseError, match=words):
        call()
