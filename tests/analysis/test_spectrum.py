import numpy as np
import pytest
import torch
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.analysis import attention_spectrum, read_attention
from edgewise.analysis.spectrum import effective_rank, numerical_rank
from tests.analysis.attention_networks import NETWORKS, RANK, images, swin, vit


@pytest.mark.parametrize("rank", [1, 5, 20])
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_a_matrix_of_known_rank(rank, dtype):
    rng = np.random.default_rng(0)
    matrix = (rng.normal(size=(20, rank)) @ rng.normal(size=(rank, 20))).astype(dtype)
    values = np.linalg.svd(matrix.astype(float), compute_uv=False)
    tolerance = 20 * np.finfo(dtype).eps
    assert numerical_rank(values, tolerance) == rank == np.linalg.matrix_rank(matrix)


def test_effective_rank_of_equal_singular_values_is_their_number():
    assert effective_rank(np.array([[3.0, 3, 3, 3], [1, 0, 0, 0]])).tolist() == pytest.approx([4, 1])
    assert effective_rank(np.zeros(3)) == 1


@pytest.mark.parametrize(("name", "rank"), [("low rank", RANK), ("low rank with bias", RANK + 1), ("shared", RANK)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_learnable_attention_has_the_rank_that_it_was_made_with(name, rank, dtype):
    model = NETWORKS[name]()
    for biased in (m for m in model.modules() if getattr(m, "bias", None) is not None and hasattr(m, "projector")):
        nn.init.normal_(biased.bias)  # which starts as zero
    found = attention_spectrum(model.to(dtype), images(3).split(2))
    assert (found.ranks("after") == rank).all()
    assert found.summary()["rank after"] == rank
    assert found.summary()["rank after by head"] == [rank] * 3
    assert found.before.shape == found.after.shape == (3, 3, 17)


def test_scores_have_the_rank_of_the_width_of_a_head():
    found = attention_spectrum(vit(embed_dim=24), [images()])  # 8 wide
    assert (found.ranks("before") == 8).all()
    assert (found.ranks("after") > 8).all()


@pytest.mark.parametrize("name", ["softmax", "hybrid", "windows", "learned windows"])
def test_values_are_those_of_the_matrices(name):
    model = NETWORKS[name]().double()
    found, matrices = attention_spectrum(model, [images()], block=0), read_attention(model, images(), block=0)
    for side, matrix in (("before", matrices.scores), ("after", matrices.rows)):
        np.testing.assert_allclose(getattr(found, side), np.linalg.svd(matrix.numpy(), compute_uv=False), atol=1e-10)
        np.testing.assert_array_equal(found.ranks(side), np.linalg.matrix_rank(matrix.numpy()))
    assert found.block == 0


def test_rows_give_the_spread_over_pictures_and_heads():
    found = attention_spectrum(vit(), [images(3)])
    rows = found.rows()
    assert [row["index"] for row in rows] == list(range(17))
    ninth = found.after[..., 8]
    assert rows[8]["after least"] == ninth.min()
    assert rows[8]["after mean"] == pytest.approx(ninth.mean())
    assert rows[8]["after largest"] == ninth.max()
    assert found.summary()["matrices"] == 9
    assert found.summary()["block"] == 1
    figure = found.plot()
    assert figure.axes[0].get_yscale() == "log"
    figure.canvas.draw()


def test_a_tolerance_may_be_given():
    found = attention_spectrum(vit(), [images()], tolerance=0.999)
    assert (found.ranks("after") == 1).all()


def test_what_does_not_fit():
    with pytest.raises(ConfigError, match="has no attention"):
        attention_spectrum(nn.Linear(2, 2), [images()])
    with pytest.raises(ConfigError, match="needs pictures"):
        attention_spectrum(swin(), [])
