import math

import numpy as np
import pytest
import torch
from scipy import stats

from edgewise._ground.errors import ConfigError
from edgewise.analysis import attention_statistics
from edgewise.analysis.attention_statistics import TITLES, row_statistics
from tests.analysis.attention_networks import NETWORKS, images, swin, vit


def measure(rows, before=1, height=2, width=3):
    found = row_statistics(rows[None, None], before, height, width)
    assert found.dtype == torch.float64
    return dict(zip(TITLES, found[0, 0].tolist(), strict=True))


def mean_distance(height, width):
    places = [(i, j) for i in range(height) for j in range(width)]
    return np.mean([math.dist(one, other) for one in places for other in places])


def test_uniform_attention():
    found = measure(torch.full((7, 7), 1 / 7))
    expected = {"entropy": math.log(7), "evenness": 1, "own": 1 / 7, "first": 1 / 7, "similarity": 1, "negative": 0}
    assert found == pytest.approx(expected | {"total": 1, "distance": mean_distance(2, 3)}, abs=1e-6)


def test_attention_to_oneself():
    found = measure(torch.eye(7))
    expected = {"entropy": 0, "evenness": 0, "own": 1, "first": 1 / 7, "similarity": 0, "negative": 0, "total": 1}
    assert found == pytest.approx(expected | {"distance": 0})


def test_attention_to_the_class_token():
    rows = torch.zeros(7, 7)
    rows[:, 0] = 1
    expected = {"entropy": 0, "evenness": 0, "own": 1 / 7, "first": 1, "similarity": 1, "negative": 0, "total": 1}
    assert measure(rows) == pytest.approx(expected | {"distance": 0})


def test_attention_to_the_right_neighbour():
    rows = torch.eye(6).roll(1, 1)
    rows[2], rows[5] = torch.eye(6)[1], torch.eye(6)[4]  # at the border, to the left
    found = measure(rows, before=0)
    assert found["distance"] == pytest.approx(1)
    assert found["own"] == 0


def test_signed_rows_are_measured_by_their_sizes():
    rows = torch.tensor([[2.0, -1, 0, 1], [0, 0, -5, 0], [1, 1, 1, 1], [0, 0, 0, 0]])
    found = measure(rows, before=0, height=2, width=2)
    assert found["negative"] == pytest.approx((0.25 + 1 + 0 + 0) / 4)
    assert found["total"] == pytest.approx((2 - 5 + 4 + 0) / 4)
    entropies = [stats.entropy([2, 1, 0, 1]), 0, math.log(4), 0]
    assert found["entropy"] == pytest.approx(np.mean(entropies))
    assert found == pytest.approx(measure(3 * rows, before=0, height=2, width=2) | {"total": found["total"]})


def test_similarity_is_the_mean_cosine_of_different_rows():
    rows = torch.randn(7, 7, dtype=torch.float64)
    unit = rows.numpy() / np.linalg.norm(rows.numpy(), axis=1, keepdims=True)
    cosines = (unit @ unit.T)[~np.eye(7, dtype=bool)]
    assert measure(rows)["similarity"] == pytest.approx(cosines.mean())


@pytest.mark.parametrize("name", ["softmax", "windows", "behind gated", "on the simplex"])
def test_rows_that_are_probabilities(name):
    model = NETWORKS[name]().double()
    found = attention_statistics(model, images(3).split(2))
    for head in found.heads:
        assert head.total == pytest.approx(1)
        assert head.negative == 0
        assert 0 <= head.evenness <= 1
    assert len(found.heads) == {"windows": 12, "behind gated": 8}.get(name, 6)


def test_a_network_whose_queries_are_zero_looks_at_all_tokens_alike():
    model = vit()
    with torch.no_grad():
        for block in model.blocks:
            block.attn.qkv.weight[:48] = 0
            block.attn.qkv.bias.zero_()
    for row in attention_statistics(model, [images()]).rows():
        assert row["entropy"] == pytest.approx(math.log(17), rel=1e-6)
        assert row["distance"] == pytest.approx(mean_distance(4, 4), rel=1e-5)


def test_batches_do_not_matter():
    model = NETWORKS["hybrid"]().double()
    whole, parts = (attention_statistics(model, images(3).split(size)).rows() for size in (3, 2))
    for one, other in zip(whole, parts, strict=True):
        assert one == pytest.approx(other)
    assert [row["negative"] > 0 for row in whole] == [False, True, True] * 2


def test_the_summary_is_the_mean_of_the_heads():
    found = attention_statistics(vit(), [images()])
    assert found.summary()["block 1"]["own"] == pytest.approx(
        np.mean([head.own for head in found.heads if head.block == 1])
    )
    assert found.summary()["all"]["own"] == pytest.approx(np.mean([head.own for head in found.heads]))
    figure = found.plot()
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(TITLES.values())


def test_there_must_be_pictures():
    with pytest.raises(ConfigError, match="need pictures"):
        attention_statistics(swin(), [])
