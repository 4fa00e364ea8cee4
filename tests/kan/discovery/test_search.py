import pytest
import torch

from edgewise.kan import KAN
from edgewise.kan.discovery.search import Search
from edgewise.kan.fitting.data import Table
from edgewise.testing import AWAY, OtherDevice


def search(x, y, model=None) -> Search:
    return Search(model or KAN([x.shape[1], 1]).double(), Table(x, y), "lm", None, 20, lambda history: None)


@pytest.mark.parametrize(
    ("losses", "nodes"),
    [
        ({3: 1.0, 2: 1.05, 1: 1.2}, 2),  # a tenth more is nearly as good, a fifth is not
        ({3: 1.0, 2: 1.15, 1: 1.2}, None),
        ({3: 1e-9, 2: 6e-5, 1: 3e-4}, 2),  # of unit variance, 1e-4 is nearly nothing
        ({3: 1e-9, 2: 3e-4, 1: 3e-4}, None),
        ({3: 1.0, 2: 1.0, 1: 1.0}, 1),
    ],
    ids=str,
)
def test_the_thinnest_network_that_does_nearly_as_well(losses, nodes, monkeypatch):
    x = torch.rand(50, 2).double()
    found = search(x, x[:, :1], KAN([2, 3, 1]).double())
    monkeypatch.setattr(found, "measure", lambda network: losses[network.width[1]])
    monkeypatch.setattr(found, "criterion", lambda found: 3.0 - found.network.width[1])  # the most nodes are best
    monkeypatch.setattr(found, "fitted", lambda stage, found: found)
    monkeypatch.setattr(found, "refined", lambda found: found)
    thinner = found.thinner()
    assert (None if thinner is None else thinner.network.width[1]) == nodes


def noisy_line():
    x = torch.rand(200, 2).double() * 2 - 1
    return x, 3.14159265 * x[:, :1] - 2.71828183 * x[:, 1:] + 0.5 * torch.randn(200, 1).double()


def test_rounding_a_formula_adds_a_hundredth_to_its_error_at_most():
    x, y = noisy_line()
    found = search(x, y)
    found.find_formulas(["x"], None)
    symbolic = found.outputs.back(found.symbolic(found.inputs(x))).detach()
    rounded = torch.as_tensor(found.formula(x))
    error = (symbolic - y).square().mean().sqrt()
    assert 0.45 < error < 0.55
    assert 0 < (rounded - symbolic).square().mean().sqrt() < 0.01 * error


def test_a_constant_is_given_with_four_digits():
    """No function, no input: the mean of 200 rows is all there is."""
    x, y = noisy_line()
    model = KAN([2, 1], symbolic=True).double()
    model[0].set_mask(torch.zeros_like(model[0].mask))
    found = search(x, y + 12.345678, model)
    found.find_formulas(["x"], None)
    assert str(found.formula) == f"{(y + 12.345678).mean().item():#.4g}"


def test_networks_are_fitted_on_the_device_that_was_named():
    x = torch.rand(30, 1).double()
    model = KAN([1, 1]).double()
    with OtherDevice() as other:
        Search(model, Table(x, x.square()), "lm", None, 1, lambda history: None, AWAY).fit(model)
    assert other.waits
    assert model[0].coef.device.type == "cpu"
