import copy
import pickle  # of a network made on the spot

import pytest
import torch

from edgewise.io import load_model, save_model
from edgewise.models import create_model
from edgewise.vision.classification.network import of_pictures


@pytest.fixture
def network():
    return of_pictures(create_model("kan", width=[12, 3]).eval())


def test_pictures_become_rows_in_the_order_of_their_pixels(network):
    x = torch.randn(5, 3, 2, 2)
    rows = torch.stack([x[:, c, i, j] for c in range(3) for i in range(2) for j in range(2)], 1)
    for it in (network, copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(it(x), it(rows))
    assert torch.equal(torch.export.export(network, (x,)).module()(x), network(x))
    assert torch.allclose(torch.compile(network, fullgraph=True, backend="aot_eager")(x), network(x))


def test_saved_it_is_the_network_itself(network, tmp_path):
    save_model(network, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert loaded.config == network.config == create_model("kan", width=[12, 3]).config
    x = torch.randn(5, 3, 2, 2)
    assert torch.equal(loaded(x.flatten(1)), network(x))
    assert torch.equal(of_pictures(loaded)(x), network(x))


@pytest.mark.parametrize("other", [create_model("cnn"), torch.nn.Flatten()], ids=["of pictures", "of no name"])
def test_what_does_not_take_rows_stays_as_it_is(other):
    assert of_pictures(other) is other
    assert not other._forward_pre_hooks
