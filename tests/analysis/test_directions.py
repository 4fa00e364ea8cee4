import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.analysis import principal_directions, random_directions
from edgewise.nn import KANLinear


def flat(weights):
    return torch.cat([weights[name].double().flatten() for name in weights]).numpy()


def wandering(count=8, dtype=torch.float64):
    """Checkpoints of two tensors that moved here and there."""
    generator = torch.Generator().manual_seed(1)
    steps = torch.randn(count, 30, generator=generator, dtype=dtype) * torch.logspace(0, -2, 30, dtype=dtype)
    places = 5 + steps.cumsum(0)
    return {2 * i: {"a": row[:12].reshape(3, 4), "b": row[12:]} for i, row in enumerate(places)}


def test_they_are_the_principal_components_of_scikit_learn():
    checkpoints = wandering()
    moved = np.stack([flat(w) for w in checkpoints.values()]) - flat(checkpoints[14])
    oracle = PCA(svd_solver="full").fit(moved)
    found = principal_directions(checkpoints)
    assert found.epochs == (0, 2, 4, 6, 8, 10, 12, 14)
    assert len(found.explained) == 7
    np.testing.assert_allclose(found.explained, oracle.explained_variance_ratio_[:7], rtol=1e-10)
    np.testing.assert_allclose(found.distances, np.linalg.norm(moved, axis=1), rtol=1e-12, atol=1e-12)
    for component in (1, 2, 5):
        vector = flat(found.vector(checkpoints, component))
        expected = oracle.components_[component - 1] * np.sign(moved[0] @ oracle.components_[component - 1])
        np.testing.assert_allclose(vector, expected, atol=1e-9)
        np.testing.assert_allclose(found.coordinates[:, component - 1], moved @ expected, atol=1e-9)
        assert found.coordinates[0, component - 1] > 0


def test_variances_that_were_planted_are_found():
    """Along three orthogonal directions of two tensors, with sums of squares 9, 4 and 1."""
    basis = torch.linalg.qr(torch.randn(20, 3, dtype=torch.float64))[0]
    drawn = torch.randn(6, 3, dtype=torch.float64)
    places = torch.linalg.qr(drawn - drawn.mean(0))[0] * torch.tensor([3.0, 2, 1], dtype=torch.float64)
    weights = places @ basis.T
    found = principal_directions({i: {"x": row[:5], "y": row[5:].reshape(3, 5)} for i, row in enumerate(weights)})
    np.testing.assert_allclose(found.explained, np.array([9, 4, 1]) / 14, rtol=1e-12)


def test_a_random_walk_looks_like_a_path_too():
    """Antognini and Sohl-Dickstein (2018): parts 6 / pi^2 / k^2 of the variance, and so no proof of structure."""
    walk = torch.randn(150, 4000, generator=torch.Generator().manual_seed(0)).cumsum(0)
    found = principal_directions({i: {"w": row} for i, row in enumerate(walk)})
    np.testing.assert_allclose(found.explained[:3], 6 / np.pi**2 / np.array([1, 4, 9]), atol=0.02)


def test_small_moves_of_large_weights_are_seen_in_float32():
    start = 1000 + torch.randn(300_000)  # more than one piece of float64
    step = torch.zeros(300_000).index_fill_(0, torch.tensor([299_999]), 0.25)
    found = principal_directions({e: {"w": start - e * step} for e in range(3)})
    assert found.explained.tolist() == [1.0]
    np.testing.assert_allclose(found.distances, [0.5, 0.25, 0], rtol=1e-3)  # 0.25 is rounded beside 1000


@pytest.mark.parametrize(
    ("checkpoints", "message"),
    [
        ({}, "need two checkpoints at least, got 0"),
        ({3: {"w": torch.ones(2)}}, "need two checkpoints at least, got 1"),
        ({e: {"w": torch.ones(2)} for e in range(3)}, "all 3 checkpoints hold the same weights"),
    ],
    ids=["none", "one", "still"],
)
def test_what_has_no_directions(checkpoints, message):
    with pytest.raises(ConfigError, match=message):
        principal_directions(checkpoints)


@pytest.mark.parametrize("component", [0, 2])
def test_a_component_that_there_is_not(component):
    found = principal_directions({e: {"w": e * torch.ones(2)} for e in range(3)})
    with pytest.raises(
        ConfigError, match=f"component {component} is asked for and 3 checkpoints move in 1 directions.*keep"
    ):
        found.column(component)


def test_random_directions_have_the_norms_of_the_filters():
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), KANLinear(12, 2))
    with torch.no_grad():
        model[0].weight[1] *= 10
    state = torch.get_rng_state()
    first, second = random_directions(model, seed=4)
    assert torch.equal(state, torch.get_rng_state())
    for direction in (first, second):
        assert set(direction) == {name for name, _ in model.named_parameters()}
        for name, weight in model.named_parameters():
            if weight.dim() == 1:
                assert not direction[name].any()
            else:
                torch.testing.assert_close(
                    direction[name].flatten(1).norm(dim=1), weight.detach().double().flatten(1).norm(dim=1)
                )
    again, _ = random_directions(model, seed=4)
    assert all(torch.equal(first[name], again[name]) for name in first)
    cosine = torch.nn.functional.cosine_similarity(*(d["3.coef"].flatten() for d in (first, second)), dim=0)
    assert abs(cosine) < 0.5
