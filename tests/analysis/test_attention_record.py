import pytest
import torch
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.analysis import read_attention
from edgewise.analysis.attention_record import token_grid, watching_attention
from edgewise.models.written_out import attention_blocks
from tests.analysis.attention_networks import NETWORKS, images, swin, vit


@pytest.mark.parametrize("name", NETWORKS)
def test_the_matrices_give_what_the_attention_gave(name):
    """Rows times values, projected, is the output of the module itself, fused or tiled, behind masks or not."""
    model = NETWORKS[name]().double().eval()
    seen, outputs = {}, {}
    places = list(attention_blocks(model).values())
    hooks = [
        place.register_forward_hook(lambda module, inputs, y, n=n: outputs.update({n: (module, inputs[0], y)}))
        for n, place in enumerate(places)
    ]
    with watching_attention(model, lambda number, matrices: seen.update({number: matrices})):
        model(images())
    for hook in hooks:
        hook.remove()
    assert sorted(seen) == list(range(len(places)))
    for number, (module, x, y) in outputs.items():
        with torch.no_grad():
            v = module.qkv(x).unflatten(-1, (3, module.num_heads, -1))[:, :, 2].transpose(1, 2)
            expected = module.proj((seen[number].rows @ v).transpose(1, 2).flatten(2))
        torch.testing.assert_close(expected, y, rtol=1e-9, atol=1e-11)


def test_scores_are_scaled_products_of_queries_and_keys():
    model = vit().double()
    inputs = []
    hook = model.blocks[-1].attn.register_forward_pre_hook(lambda _, x: inputs.append(x[0]))
    found = read_attention(model, images())
    hook.remove()
    attention = model.blocks[-1].attn
    q, k, _ = attention.qkv(inputs[0]).reshape(2, 17, 3, 3, 16).permute(2, 0, 3, 1, 4)
    torch.testing.assert_close(found.scores, torch.einsum("bhnd,bhmd->bhnm", q, k) / 4)
    torch.testing.assert_close(found.rows, found.scores.softmax(-1))


def test_windows_that_are_shifted_do_not_see_across_the_border():
    found = {}
    with watching_attention(swin().double(), lambda number, matrices: found.update({number: matrices}), [0, 1]):
        pass
    assert not found
    model = swin().double()
    with watching_attention(model, lambda number, matrices: found.update({number: matrices}), [0, 1]):
        model(images())
    assert (found[0].rows > 0).all()
    hidden = model.layers[0].blocks[1].attn_mask != 0
    assert (found[1].rows[:, 0] == 0).equal(hidden.repeat(2, 1, 1))


def test_the_model_is_left_as_it_was_even_when_interrupted():
    model = vit().double().train()
    model.blocks[0].eval()
    modes = [module.training for module in model.modules()]

    def stop(number, matrices):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), watching_attention(model, stop):
        model(images())
    assert [module.training for module in model.modules()] == modes
    assert torch.is_grad_enabled()
    assert not any(module._forward_pre_hooks for module in model.blocks.modules())


def test_how_tokens_lie():
    assert token_grid(vit(), 17) == (1, 4, 4)
    assert token_grid(vit(img_size=(16, 32)), 9) == (1, 2, 4)
    assert token_grid(vit(reg_tokens=2), 19) == (3, 4, 4)
    assert token_grid(swin(), 16) == (0, 4, 4)
    with pytest.raises(ConfigError, match="15 tokens are neither the 16 x 16 patches nor a square window"):
        token_grid(swin(), 15)


def test_what_cannot_be_looked_at():
    with pytest.raises(ConfigError, match="Sequential has no attention: a vision"):
        read_attention(nn.Sequential(nn.Linear(2, 2)), images())
    for block in (2, -3):
        with pytest.raises(ConfigError, match=f"block must be from 0 to 1, or from -1 backwards, got {block}"):
            read_attention(vit(), images(), block)
    model = vit().double()
    with pytest.raises(ConfigError, match="under a mask"), watching_attention(model, lambda *_: None):
        model(images(), attn_mask=torch.ones(17, 17, dtype=torch.bool))
