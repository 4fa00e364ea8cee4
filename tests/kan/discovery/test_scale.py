import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from edgewise.io import load_model, save_model
from edgewise.kan import KAN
from edgewise.kan.discovery.scale import Scale, in_units
from edgewise.kan.interpret import prune_inputs


def rows(columns, count=50):
    return torch.randn(count, columns, dtype=torch.double) * 3 + 7


def test_agrees_with_scikit_learn():
    x = rows(4)
    x[:, 2] = 0.1  # whose mean is not 0.1 to the last digit
    x[:, 3] = 1e5 + torch.randn(50).double()
    scale, theirs = Scale.of(x), StandardScaler().fit(x.numpy())
    np.testing.assert_allclose(scale.mean, theirs.mean_, rtol=1e-12)
    np.testing.assert_allclose(scale.deviation, theirs.scale_, rtol=1e-12)
    np.testing.assert_allclose(scale(x), theirs.transform(x.numpy()), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(scale.back(scale(x)), x, rtol=1e-12)


def test_whole_numbers_beside_a_large_one_vary():
    """A clock that counts nanoseconds: a step is 1e-14 of the number, and float64 knows it."""
    x = 1e14 + torch.tensor([[0.0], [1.0], [0.0], [1.0]], dtype=torch.double)
    assert Scale.of(x).deviation.item() == pytest.approx(0.5)


def fitted_shapes():
    plain = KAN([3, 4, 2], grid=4).double()
    products = KAN([3, [2, [3, 2]], 2], grid=3, affine=True, scale=True).double()
    formulas = KAN([3, 2, 2], base=None).double()
    formulas.fix_symbolic(0, 1, 0, "sin", (2.0, 0.1, 1.0, 0.5))
    moved = KAN([3, 4, 2], grid=4).double()
    moved.update_grid(torch.randn(80, 3).double())
    cut = KAN([3, 4, 2], grid=5).double()
    cut[0].set_mask(torch.tensor([[True, False, True]] * 4))
    cut = prune_inputs(cut, torch.randn(50, 3).double()).refine(7)
    return {"plain": plain, "products": products, "formulas": formulas, "moved knots": moved, "pruned": cut}


@pytest.mark.parametrize("name", fitted_shapes())
def test_a_network_in_units_of_the_data_is_the_same_function_and_can_be_saved(name, tmp_path):
    model, x, y = fitted_shapes()[name], rows(3), rows(2)
    inputs, outputs = Scale.of(x), Scale.of(y)
    expected = outputs.back(model(inputs(x))).detach()
    wide = in_units(model, inputs, outputs)
    torch.testing.assert_close(wide(x).detach(), expected, rtol=1e-12, atol=1e-12)
    save_model(wide, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert torch.equal(loaded(x), wide(x))
    assert loaded.width == wide.width
    assert loaded.inputs == model.inputs
