import pytest
import torch

from edgewise import EdgewiseError
from edgewise.bases import BSpline, Fourier
from edgewise.models import KAN, create_model
from edgewise.testing import assert_within


def test_is_its_layers_one_after_the_other():
    model, x = KAN([4, 3, 2], Fourier(2), base="tanh"), torch.randn(6, 4)
    assert torch.equal(model(x), model[1](model[0](x)))
    assert [(layer.in_features, layer.out_features, layer.edge.base) for layer in model] == [(4, 3, "tanh"), (3, 2, "tanh")]


def test_number_of_parameters():
    assert sum(p.numel() for p in KAN([2, 5, 1], BSpline(5, 3)).parameters()) == 15 * 9


@pytest.mark.parametrize(
    "basis",
    [BSpline(3, 2, (-1, 2), "linear"), {"name": "bspline", "grid_size": 3, "degree": 2, "domain": [-1, 2]}],
    ids=str,
)
def test_rebuilt_from_its_config(basis):
    model = create_model("kan", width=[3, 4, 2], basis=basis, base=None)
    rebuilt = create_model(model.config["name"], **model.config["options"])
    rebuilt.load_state_dict(model.state_dict())
    x = torch.randn(5, 3)
    assert rebuilt.config == model.config
    assert rebuilt[0].edge == model[0].edge
    assert torch.equal(rebuilt(x), model(x))


def test_learns_a_product():
    torch.manual_seed(0)
    model = KAN([2, 5, 1]).double()
    x = 2 * torch.rand(200, 2, dtype=torch.float64) - 1
    target = x.prod(1, keepdim=True)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=60, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        value = (model(x) - target).square().mean()
        value.backward()
        return value

    optimizer.step(loss)
    assert_within(model(x).detach(), target, 0.03)


@pytest.mark.parametrize(
    ("width", "message"),
    [([3], r"at least the inputs and the outputs, such as \[2, 5, 1\], got \[3\]"), ([3, 0], "at least 1 node, got 0")],
)
def test_impossible_widths_are_refused(width, message):
    with pytest.raises(EdgewiseError, match=message):
        KAN(width)
