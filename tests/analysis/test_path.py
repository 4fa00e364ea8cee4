import numpy as np
import pytest
import torch

from edgewise._ground.errors import ConfigError
from edgewise.analysis import optimizer_path

RATES = np.array([0.5, 0.2, 0.05])  # curvature times step, along three axes of a bowl
START = np.array([1.0, 2.0, 3.0])


def descent(epochs=12):
    """Gradient descent in a bowl: each coordinate shrinks by its own factor."""
    return {e: {"w": torch.from_numpy(START * (1 - RATES) ** e)} for e in range(epochs)}


def test_the_path_of_descent_in_a_bowl_by_its_closed_form():
    places = np.stack([START * (1 - RATES) ** e for e in range(12)])
    centred = places - places.mean(0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    found = optimizer_path(descent(), components=(1, 3))
    np.testing.assert_allclose(found.explained, values[::-1] / values.sum(), rtol=1e-9)
    for column, component in enumerate((1, 3)):
        along = (places - places[-1]) @ vectors[:, 3 - component]
        np.testing.assert_allclose(found.coordinates[:, column], along * np.sign(along[0]), atol=1e-7)
    np.testing.assert_allclose(found.distances, np.linalg.norm(places - places[-1], axis=1), rtol=1e-12)
    assert found.coordinates[-1].tolist() == [0, 0]


def test_rows_and_summary_hold_the_same_numbers():
    found = optimizer_path(descent())
    assert list(found.rows()[0]) == ["epoch", "PC1", "PC2", "distance"]
    assert [row["PC2"] for row in found.rows()] == found.coordinates[:, 1].tolist()
    summary = found.summary()
    assert summary["explained by both"] == pytest.approx(found.explained[:2].sum())
    assert summary["explained by each direction"] == found.explained.tolist()
    assert sum(found.explained) == pytest.approx(1)


def test_the_figure_shows_the_path():
    figure = optimizer_path(descent()).plot()
    line = figure.axes[0].lines[0]
    np.testing.assert_array_equal(np.stack(line.get_data(), 1), optimizer_path(descent()).coordinates)
    assert "PC1 (9" in figure.axes[0].get_xlabel()


def test_a_path_needs_two_different_directions():
    with pytest.raises(ConfigError, match="two different directions, got component 2 twice"):
        optimizer_path(descent(), components=(2, 2))
    with pytest.raises(ConfigError, match="component 4 is asked for and 12 checkpoints move in 3 directions"):
        optimizer_path(descent(), components=(1, 4))
