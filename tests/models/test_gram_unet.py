import pytest
import torch
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.bases import Gram
from edgewise.models import create_model
from edgewise.nn import KANConvTranspose2d, edge_layers
from edgewise.testing import assert_within


def test_every_layer_sums_gram_polynomials_that_learn():
    model = create_model("gram_unet", widths=(4, 6, 8), degree=2)
    layers = dict(edge_layers(model))
    assert len(layers) == 3 * 2 + 2 * 3 + 1
    assert sum(isinstance(layer, KANConvTranspose2d) for layer in layers.values()) == 2
    for layer in layers.values():
        assert layer.edge.basis.basis == Gram(2)
        assert layer.state.recurrence.requires_grad
    assert not [m for m in model.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear))]


def test_two_levels_written_out():
    model = create_model("gram_unet", widths=(4, 6), norm="none").double()
    x = torch.randn(2, 3, 8, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    (fine, coarse), (up,), (merge,) = model.down, model.up, model.merge
    skip = fine(x)
    expected = model.head(merge(torch.cat([skip, up(coarse(torch.max_pool2d(skip, 2)))], 1)))
    assert_within(model(x), expected, 1e-12)


def test_the_last_row_and_column_of_an_odd_side_are_repeated():
    model = create_model("gram_unet", widths=(4, 6), norm="none").double()
    x = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    skip = model.down[0](x)
    below = model.up[0](model.down[1](torch.max_pool2d(skip, 2)))
    assert below.shape[2:] == (4, 6)
    below = torch.cat([below, below[:, :, -1:]], 2)
    below = torch.cat([below, below[..., -1:]], 3)
    assert_within(model(x), model.head(model.merge[0](torch.cat([skip, below], 1))), 1e-12)


def test_the_plain_u_net_is_monais_with_its_weights():
    nets = pytest.importorskip("monai.networks.nets")
    widths = (4, 4, 8, 8, 16, 4)
    model, theirs = create_model("unet", widths=widths).eval(), nets.BasicUNet(2, 3, 1, widths, norm=("batch", {})).eval()
    theirs.load_state_dict(model.state_dict())
    for size in ((32, 32), (45, 38)):
        x = torch.randn(2, 3, *size)
        assert torch.equal(model(x), theirs(x))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: create_model("gram_unet", widths=()), r"widths must be at least 1, got \(\)"),
        (lambda: create_model("gram_unet", num_classes=0), "num_classes must be at least 1, got 0"),
        (lambda: create_model("gram_unet", widths=(2, 2))(torch.zeros(1, 1, 8, 8)), r"expected images \(N, 3, H, W\)"),
    ],
    ids=["widths", "classes", "channels"],
)
def test_impossible_settings_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
