import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.analysis import weight_groups, weight_histograms
from edgewise.models import create_model


def training(epochs=3):
    generator = np.random.default_rng(0)
    return {
        e: {
            "a": torch.from_numpy(generator.normal(0.5, 0.1 * (e + 1), (40, 25))),
            "b": torch.from_numpy(generator.standard_t(3, 500).astype(np.float32)),
            "c": torch.from_numpy(generator.uniform(-0.02, 0.02, 200)),
        }
        for e in range(epochs)
    }


GROUPS = {"a": "dense", "b": "dense", "c": "offset"}


def test_counts_and_moments_are_those_of_numpy_and_scipy():
    checkpoints = training()
    found = weight_histograms(checkpoints, GROUPS, bins=31)
    assert [one.group for one in found.groups] == ["dense", "offset", "all weights"]
    members = {"dense": "ab", "offset": "c", "all weights": "abc"}
    for one in found.groups:
        assert one.edges.shape == (32,)
        np.testing.assert_allclose(one.edges, -one.edges[::-1])
        for epoch, counts, moments in zip(one.epochs, one.counts, one.moments, strict=True):
            values = np.concatenate([checkpoints[epoch][name].double().numpy().ravel() for name in members[one.group]])
            np.testing.assert_array_equal(counts, np.histogram(values, one.edges)[0])
            assert moments["mean"] == pytest.approx(values.mean(), abs=1e-12)
            assert moments["deviation"] == pytest.approx(values.std(), rel=1e-12)
            assert moments["kurtosis"] == pytest.approx(stats.kurtosis(values), rel=1e-9)
            assert moments["small"] == np.mean(np.abs(values) < 0.01)
            assert moments["outside"] == pytest.approx(np.mean(np.abs(values) > one.edges[-1]), abs=1e-12)
            assert moments["outside"] <= 0.001


def test_rows_hold_every_bin_once():
    found = weight_histograms(training(), GROUPS, bins=10)
    rows = found.rows()
    assert len(rows) == 3 * 3 * 10
    of_first = [row["count"] for row in rows if row["group"] == "dense" and row["epoch"] == 0]
    assert of_first == found.groups[0].counts[0].tolist()
    assert found.summary()["offset"]["epoch 2"] == found.groups[1].moments[2]


def test_weights_that_are_all_zero_have_a_histogram():
    found = weight_histograms({0: {"w": torch.zeros(5)}}, {"w": "dense"}, bins=3)
    assert found.groups[0].counts.tolist() == [[0, 5, 0]]
    assert found.groups[0].moments[0] == {"mean": 0, "deviation": 0, "kurtosis": 0, "small": 1, "outside": 0}
    found.plot().canvas.draw()


def test_the_figure_has_a_panel_for_each_group():
    figure = weight_histograms(training(7), GROUPS, bins=10).plot()
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["dense", "offset", "all weights"]
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == [f"epoch {e}" for e in (0, 2, 3, 4, 6)]


@pytest.mark.parametrize(
    ("name", "options", "sizes"),
    [
        (
            "vit_micro_karat",
            {"rank": 4, "num_classes": 5},
            {"attention functions": 6 * 2 * 65 * 4 * (2 * 3 + 2), "attention projectors": 6 * 2 * 65 * 4},
        ),
        (
            "vit_micro_karat",
            {"rank": 4, "sharing": "universal", "order": "functions_twice"},
            {"attention functions": 2 * 2 * 65 * 4 * (2 * 3 + 2)},
        ),
        ("kat_micro", {}, {"rational functions": 6 * 2 * (6 + 8 * 4)}),
        ("kan", {"width": [3, 4, 2]}, {"functions on edges": 20 * 8, "dense weights": 20}),
    ],
    ids=["karat", "universal", "kat", "kan"],
)
def test_groups_of_a_network(name, options, sizes):
    if name != "kan":
        pytest.importorskip("timm")
    model = create_model(name, **options)
    groups, found = weight_groups(model), {}
    parameters = dict(model.named_parameters())
    assert set(groups) == set(parameters)
    for parameter, group in groups.items():
        found[group] = found.get(group, 0) + parameters[parameter].numel()
    for group, size in sizes.items():
        assert found[group] == size
    assert sum(found.values()) == sum(p.numel() for p in parameters.values())


def test_tied_parameters_are_in_one_group():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    assert weight_groups(model) == {"0.weight": "dense weights", "0.bias": "biases and norms", "1.bias": "biases and norms"}


def test_what_does_not_fit():
    with pytest.raises(ConfigError, match="needs checkpoints and bins, got 0 and 10"):
        weight_histograms({}, GROUPS, bins=10)
    with pytest.raises(ConfigError, match="needs checkpoints and bins, got 3 and 0"):
        weight_histograms(training(), GROUPS, bins=0)
    with pytest.raises(ConfigError, match="a checkpoint lacks 'd'"):
        weight_histograms(training(), GROUPS | {"d": "dense"})
