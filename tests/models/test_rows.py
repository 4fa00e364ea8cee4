import pytest
import torch

from edgewise._errors import ConfigError
from edgewise.io import load_model, save_model
from edgewise.models import create_model


def test_pictures_become_rows_in_the_order_of_their_pixels():
    model = create_model("rows", model="kan", options={"width": [12, 3]})
    x = torch.randn(2, 3, 2, 2)
    assert torch.equal(model(x), model.network(x.reshape(2, 12)))


def test_it_is_saved_and_rebuilt_as_it_stands_with_the_settings_of_its_network(tmp_path):
    basis = {"name": "bspline", "grid_size": 4}
    model = create_model("rows", model="kan", options={"width": [4, 3, 2], "basis": basis})
    assert model.config["options"]["options"]["basis"][0]["grid_size"] == 4
    x = torch.randn(5, 1, 2, 2)
    save_model(model, tmp_path / "model.safetensors")
    again = load_model(tmp_path / "model.safetensors")
    assert torch.equal(again(x), model.eval()(x))
    assert again.config == model.config


def test_what_makes_no_rows_is_refused():
    with pytest.raises(ConfigError, match="rows of rows"):
        create_model("rows", model="rows")
    with pytest.raises(ConfigError, match="did you mean 'kan'"):
        create_model("rows", model="kann")
