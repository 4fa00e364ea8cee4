"""Learnable functions into the attention of networks that timm made."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.models.self_attention import KANSelfAttention, Operator
from edgewise.models.timm_parts import ATTENTIONS, Attention, Transformer, is_attention
from edgewise.nn import AttentionOperator, GroupRational, HybridAttention, LowRankAttention

SHARINGS = ("blockwise", "universal")


def kanify_attention(
    model: nn.Module,
    operator: Callable[..., AttentionOperator] = LowRankAttention,
    *,
    sharing: str = "blockwise",
    softmax_heads: int = 0,
    blocks: Sequence[int] | None = None,
) -> nn.Module:
    """Replace softmax by learnable functions in a network of timm's, in place; all other weights stay what they are.

    How many tokens each block has is found by one pass of a blank image. From then on the resolution is fixed.

    Args:
        model: ViT, DeiT, ConViT, Swin or another made of the same attention.
        operator: Makes the operators, called with tokens, heads, device and dtype; a class, or one with settings such as
            ``partial(LowRankAttention, rank=24)``.
        sharing: ``"blockwise"``: an operator for each block; ``"universal"``: one for all, registered and counted once
            (``model.shared_attention``).
        softmax_heads: How many heads of each block keep softmax.
        blocks: Which blocks, counted from 0 and from -1 backwards; None for all.

    Returns:
        The same network.

    Raises:
        ConfigError: No attention that is known, block numbers there are not, or blocks that cannot share one operator.
    """
    if sharing not in SHARINGS:
        raise ConfigError(f"sharing must be 'blockwise' or 'universal', got {sharing!r}")
    known = {name: module for name, module in model.named_modules() if is_attention(module)}
    places = {name: known[name] for name in _chosen(list(known), blocks)}
    counts = _token_counts(model, places)
    sizes = [(counts[name], source.num_heads) for name, source in places.items()]
    if sharing == "universal" and len(set(sizes)) > 1:
        found = ", ".join(f"{n} tokens with {h} heads" for n, h in sorted(set(sizes)))
        raise ConfigError(f"blocks of different sizes cannot share their functions ({found}): use sharing='blockwise'")
    made: list[Operator] = []
    for (name, source), (tokens, heads) in zip(places.items(), sizes, strict=True):
        if sharing == "blockwise" or not made:
            made.append(_operator(source, operator, tokens, heads, softmax_heads))
        attention = KANSelfAttention(source, made[-1], shared=sharing == "universal")
        parent, _, own = name.rpartition(".")
        setattr(model.get_submodule(parent), own, attention.train(model.training))
    if sharing == "universal":
        model.shared_attention = made[0].train(model.training)
    return model


def load_softmax_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> list[str]:
    """Load the weights of timm's network into the parts that learnable functions left as they were.

    A head for another number of classes is left out, too.

    Args:
        model: What :func:`kanify_attention` or one of our vision transformers returned.
        weights: The state dict of the network with softmax, such as ``timm.create_model(..., pretrained=True)`` has.

    Returns:
        The names of the tensors that keep the values they had.

    Raises:
        ConfigError: A tensor is missing or has another shape, such as positions for another number of tokens.
    """
    learned = {f"{name}." for name, module in model.named_modules() if isinstance(module, (Operator, GroupRational))}
    own, kept, load = model.state_dict(), [], {}
    for name, tensor in own.items():
        given = weights.get(name)
        other_classes = name.startswith("head.") and given is not None and given.shape != tensor.shape
        if name.startswith(tuple(learned)) or other_classes:
            kept.append(name)
        elif given is None:
            raise ConfigError(f"the weights lack {name!r}: they are not those of this architecture")
        elif given.shape != tensor.shape:
            tokens = ": the number of tokens is fixed, so make the network for the image size of the weights"
            raise ConfigError(
                f"{name!r} has shape {tuple(given.shape)} in the weights and {tuple(tensor.shape)} in the network"
                + (tokens if name == "pos_embed" else "")
            )
        else:
            load[name] = given
    model.load_state_dict(load, strict=False)
    return kept


def _chosen(places: Sequence[str], blocks: Sequence[int] | None) -> list[str]:
    if not places:
        raise ConfigError(f"there is no attention to replace: known are {', '.join(ATTENTIONS)}")
    if blocks is None:
        return list(places)
    if not blocks or not all(-len(places) <= block < len(places) for block in blocks):
        raise ConfigError(f"blocks must be numbers from 0 to {len(places) - 1} (or from -1 backwards), got {list(blocks)}")
    return [places[i] for i in sorted({block % len(places) for block in blocks})]


def _operator(source: Attention, make: Callable, tokens: int, heads: int, softmax_heads: int) -> Operator:
    if not 0 <= softmax_heads < heads:
        raise ConfigError(f"softmax_heads must be from 0 to {heads - 1}, of {heads} heads, got {softmax_heads}")
    weight = source.qkv.weight
    made = make(tokens, heads - softmax_heads, device=weight.device, dtype=weight.dtype)
    return HybridAttention(made, softmax_heads) if softmax_heads else made


def _token_counts(model: nn.Module, places: Mapping[str, Attention]) -> dict[str, int]:
    """How many tokens each attention sees in an image of the size that the network is made for."""
    patches, found = cast("Transformer", model).patch_embed, {}
    weight = patches.proj.weight

    def note(name: str, source: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        found[name] = inputs[0].shape[1]

    hooks = [source.register_forward_pre_hook(partial(note, name)) for name, source in places.items()]
    training = model.training
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, weight.shape[1], *patches.img_size, device=weight.device, dtype=weight.dtype))
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return found
