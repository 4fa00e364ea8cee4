"""Vision transformers for classification, built on timm: with softmax, with learnable attention, with rational KAN layers.

The published sizes: "Kolmogorov-Arnold Attention" (Maity et al., arXiv:2503.10632) puts learnable functions into ViT,
ConViT and Swin; "Kolmogorov-Arnold Transformer" (Yang and Wang, arXiv:2409.10594) puts rational functions into the
perceptrons of ViT. Both fit into one network. Default numbers of classes and frequencies are those of the papers' tables.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require
from edgewise._ground.registry import unknown
from edgewise.bases import BasisLike, Fourier
from edgewise.models.kanify_attention import kanify_attention
from edgewise.models.kat import kanify_mlp
from edgewise.models.registry import register_model
from edgewise.models.takes import Pictures
from edgewise.models.timm_parts import Transformer
from edgewise.nn import ATTENTION_OPERATORS, KeepVariance, Published
from edgewise.nn.rational import Reading, Shared

INITS = {"variance": KeepVariance(), "published": Published()}
Sharing = Literal["blockwise", "universal"]
SQUARES = Pictures(side="image_size", free=("drop_path",))


@dataclass(frozen=True)
class Backbone:
    """A network of timm's, and how the papers use it."""

    timm_name: str
    title: str
    image: int = 224
    patch: int = 16
    classes: int = 10
    frequencies: int = 3
    blocks: tuple[int, ...] | None = None  # whose attention learns its functions; None for all
    sizes: tuple[tuple[str, int], ...] = ()  # that differ from timm's


BACKBONES = {
    "vit_micro": Backbone(
        "vit_tiny_patch16_224",
        "ViT-Micro (64 wide, 6 blocks, 2 heads, for images of 32 x 32; ours, for small machines)",
        image=32,
        patch=4,
        sizes=(("embed_dim", 64), ("depth", 6), ("num_heads", 2)),
    ),
    "vit_tiny": Backbone("vit_tiny_patch16_224", "ViT-Tiny (192 wide, 3 heads)"),
    "vit_small": Backbone("vit_small_patch16_224", "ViT-Small (384 wide, 6 heads)", classes=1000),
    "vit_base": Backbone("vit_base_patch16_224", "ViT-Base (768 wide, 12 heads)", frequencies=1),
    "convit_tiny": Backbone("convit_tiny", "ConViT-Tiny (10 blocks of gated attention, 2 of plain)", blocks=(-2, -1)),
    "swin_tiny": Backbone("swin_tiny_patch4_window7_224", "Swin-Tiny (windows of 7 x 7 tokens)", patch=4),
}


SIZES = """    Args:
        num_classes: Size of the logits.
        in_channels: Channels of the images.
        image_size: Side of the images, a multiple of ``patch_size``.
        patch_size: Side of the patches.
        drop_path: Highest rate of stochastic depth."""
REST = """
    Shape:
        ``(N, in_channels, image_size, image_size) -> (N, num_classes)``

    Raises:
        ConfigError: Sizes or settings that do not fit, or images of another size.
        MissingPackageError: timm is not installed.
    """


def softmax_transformer(
    backbone: Backbone, num_classes: int, in_channels: int, image_size: int, patch_size: int, drop_path: float
) -> nn.Module:
    """The network as timm makes it, which refuses images of another size in clear words."""
    if min(num_classes, in_channels, image_size, patch_size) < 1 or image_size % patch_size:
        raise ConfigError(
            f"image_size must be a multiple of patch_size, and num_classes and in_channels at least 1, got image_size="
            f"{image_size}, patch_size={patch_size}, num_classes={num_classes}, in_channels={in_channels}"
        )
    if not 0 <= drop_path < 1:
        raise ConfigError(f"drop_path must be at least 0 and less than 1, got {drop_path}")
    sizes = {"img_size": image_size, "patch_size": patch_size, "in_chans": in_channels, "num_classes": num_classes}
    sizes |= dict(backbone.sizes)
    model = require("timm", extra="vision").create_model(backbone.timm_name, **sizes, drop_path_rate=drop_path)
    model.register_forward_pre_hook(_refuse_other_sizes)
    return model


def _refuse_other_sizes(model: Transformer, inputs: tuple[Tensor, ...]) -> None:
    patches, shape = model.patch_embed, tuple(inputs[0].shape)
    wanted = (patches.proj.weight.shape[1], *patches.img_size)
    if len(shape) != 4 or shape[1:] != wanted:
        raise ConfigError(
            f"expected images (N, {wanted[0]}, {wanted[1]}, {wanted[2]}), got shape {shape}: the number of tokens "
            f"({patches.num_patches} patches) is fixed when the network is made, so resize the images or make it with "
            f"another image_size"
        )


def _softmax(backbone: Backbone) -> Callable[..., nn.Module]:
    def make(
        num_classes: int = backbone.classes,
        in_channels: int = 3,
        image_size: int = backbone.image,
        patch_size: int = backbone.patch,
        drop_path: float = 0.0,
    ) -> nn.Module:
        return softmax_transformer(backbone, num_classes, in_channels, image_size, patch_size, drop_path)

    make.__doc__ = f"""{backbone.title} with softmax attention, as timm makes it.

{SIZES}
{REST}"""
    return make


def _karat(backbone: Backbone) -> Callable[..., nn.Module]:
    def make(
        num_classes: int = backbone.classes,
        in_channels: int = 3,
        image_size: int = backbone.image,
        patch_size: int = backbone.patch,
        drop_path: float = 0.0,
        sharing: Sharing = "blockwise",
        basis: BasisLike = Fourier(backbone.frequencies),  # noqa: B008 (frozen)
        rank: int = 12,
        order: str = "functions_first",
        base: str = "zero",
        scalars: bool = True,
        bias: bool = False,
        simplex: Literal["rows", "rank"] | None = None,
        init: Literal["variance", "published"] = "variance",
        softmax_heads: int = 0,
        blocks: Sequence[int] | None = backbone.blocks,
        mlp: Literal["gelu", "rational"] = "gelu",
    ) -> nn.Module:
        if init not in INITS:
            raise unknown("init of attention", init, INITS)
        if order not in ATTENTION_OPERATORS:
            raise unknown("order of attention", order, ATTENTION_OPERATORS)
        if mlp not in ("gelu", "rational"):
            raise ConfigError(f"mlp must be 'gelu' or 'rational', got {mlp!r}")
        if bias and order != "functions_first":
            raise ConfigError(f"order {order!r} has no projector behind its functions to give a bias to")
        model = softmax_transformer(backbone, num_classes, in_channels, image_size, patch_size, drop_path)
        if mlp == "rational":
            kanify_mlp(model)
        options = {} if order == "full" else {"rank": rank}
        options |= {"bias": bias} if order == "functions_first" else {}
        options |= {"basis": basis, "base": base, "scalars": scalars, "simplex": simplex, "init": INITS[init]}
        operator = partial(ATTENTION_OPERATORS[order], **options)
        return kanify_attention(model, operator, sharing=sharing, softmax_heads=softmax_heads, blocks=blocks)

    make.__doc__ = f"""{backbone.title} whose attention learns its functions (KArAt).

{SIZES}
        sharing: ``"blockwise"``, functions for each block; ``"universal"``, the same for all blocks, counted once.
        basis: The functions that are summed.
        rank: Numbers that a row of scores becomes.
        order: ``"functions_first"``, ``"projector_first"``, ``"functions_twice"``, or ``"full"`` without a rank.
        base: ``"zero"``, ``"identity"``, ``"silu"`` or ``"gelu"``.
        scalars: The paper's two scalars an edge.
        bias: Of the projector.
        simplex: Project ``"rows"`` or the numbers of the ``"rank"`` onto the probability simplex; None for neither.
        init: ``"variance"`` keeps it, ``"published"`` draws coefficients of N(0, 1).
        softmax_heads: How many heads of each block keep softmax.
        blocks: Which blocks' attention learns; None for all.
        mlp: ``"gelu"``, or ``"rational"`` for KAT's layers in place of the perceptrons.
{REST}"""
    return make


def _kat(backbone: Backbone) -> Callable[..., nn.Module]:
    def make(
        num_classes: int = 1000,
        in_channels: int = 3,
        image_size: int = backbone.image,
        patch_size: int = backbone.patch,
        drop_path: float = 0.0,
        groups: int = 8,
        reading: Reading = "sum",
        shared: Shared | None = "numerator",
    ) -> nn.Module:
        model = softmax_transformer(backbone, num_classes, in_channels, image_size, patch_size, drop_path)
        return kanify_mlp(model, groups=groups, reading=reading, shared=shared)

    make.__doc__ = f"""{backbone.title} with group-rational KAN layers for its perceptrons (KAT).

{SIZES}
        groups: Groups of channels, each with a function of its own.
        reading: Of the functions' denominator; ``"sum"`` or ``"terms"``.
        shared: What all groups share; ``"numerator"``, ``"denominator"`` or None.
{REST}"""
    return make


for _name, _backbone in BACKBONES.items():
    register_model(_name, takes=SQUARES)(_softmax(_backbone))
    register_model(f"{_name}_karat", takes=replace(SQUARES, basis="basis", free=("drop_path", "init")))(_karat(_backbone))
    if _name.startswith("vit"):
        register_model(_name.replace("vit", "kat"), takes=SQUARES)(_kat(_backbone))
