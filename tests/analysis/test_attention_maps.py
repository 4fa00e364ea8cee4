from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.analysis import AttentionMaps, attention_maps, read_attention
from tests.analysis.attention_networks import NETWORKS, images, swin, timm


class Pointing(nn.Module):
    """Six patches, 2 x 3, and a class token whose score of patch j is j + 1 in one head, and minus that in the other."""

    def __init__(self):
        super().__init__()
        self.patch_embed = SimpleNamespace(grid_size=(2, 3))
        self.cls_token = nn.Parameter(torch.zeros(1))
        self.attn = timm.layers.attention.Attention(dim=4, num_heads=2)
        with torch.no_grad():
            self.attn.qkv.weight.zero_()
            for head, sign in enumerate((1, -1)):
                self.attn.qkv.weight[2 * head, 0] = sign * 2**0.5  # queries from channel 0, times the root of the width
                self.attn.qkv.weight[4 + 2 * head, 1] = 1  # keys from channel 1

    def forward(self, x):
        tokens = torch.zeros(len(x), 7, 4)
        tokens[:, 0, 0] = 1
        tokens[:, 1:, 1] = torch.arange(1.0, 7)
        return self.attn(tokens)


def test_patches_lie_where_they_are_in_the_picture():
    found = attention_maps(Pointing(), torch.zeros(1, 3, 4, 6))
    expected = np.arange(1.0, 7).reshape(2, 3)
    np.testing.assert_allclose(found.before[0, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(found.before[0, 1], -expected, rtol=1e-6)
    softmax = np.exp(expected) / (1 + np.exp(expected).sum())  # the class token's own score is 0
    np.testing.assert_allclose(found.after[0, 0], softmax, rtol=1e-6)
    rows = found.rows()
    assert len(rows) == 12
    assert rows[4] == pytest.approx({"image": 0, "head": 0, "row": 1, "column": 1, "before": 5, "after": softmax[1, 1]})
    assert found.summary() == {"block": 0, "pictures": 1, "heads": 2, "patches": [2, 3], "dominant head": [0]}


@pytest.mark.parametrize("name", [name for name in NETWORKS if "windows" not in name])
def test_they_are_the_row_of_the_class_token(name):
    model = NETWORKS[name]().double()
    found, matrices = attention_maps(model, images()), read_attention(model, images())
    np.testing.assert_array_equal(found.before.reshape(2, -1, 16), matrices.scores[:, :, 0, 1:])
    np.testing.assert_array_equal(found.after.reshape(2, -1, 16), matrices.rows[:, :, 0, 1:])
    assert found.block == 1  # of two
    np.testing.assert_array_equal(found.images, images())


def test_the_dominant_head_is_the_most_concentrated():
    scores = np.full((2, 3, 2, 2), 1.0)
    scores[0, 1] = [[3, -9], [-9, -9]]
    scores[0, 2] = -1  # nothing positive: nothing is shown
    scores[1, 2] = [[5, 5], [5, 0.1]]
    found = AttentionMaps(0, np.zeros((2, 3, 8, 8)), scores, scores)
    assert found.dominant().tolist() == [1, 2]


@pytest.mark.parametrize("name", ["softmax", "low rank"])
def test_the_figure_has_a_map_of_each_head_before_and_after(name):
    model = NETWORKS[name]().double()
    found = attention_maps(model, images())
    figure = found.plot()
    assert len(figure.axes) == 4 * 4
    shown = figure.axes[1].images[0].get_array()
    np.testing.assert_array_equal(shown, found.before[0, 0].clip(0))
    np.testing.assert_array_equal(figure.axes[5].images[0].get_array(), found.after[0, 0])
    figure.canvas.draw()


def test_a_network_without_class_token_has_no_maps():
    with pytest.raises(ConfigError, match="SwinTransformer has no class token in block -1"):
        attention_maps(swin(), images())
    with pytest.raises(ConfigError, match="has no attention"):
        attention_maps(nn.Linear(2, 2), images())
