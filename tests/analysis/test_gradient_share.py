import json
from copy import deepcopy

import lightning.pytorch as pl
import pytest
import torch
from torch import nn

from edgewise.analysis import gradient_shares
from edgewise.analysis.gradient_log import GradientShareLog
from edgewise.nn import KANConv2d, KANLinear, SaKANConv2d, SaKANLinear


def rms(tensor):
    return tensor.double().square().mean().sqrt().item()


@pytest.mark.parametrize("grad_free", [True, False])
@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda **options: KANLinear(5, 3, scale=True, **options), (7, 5)),
        (lambda **options: SaKANLinear(5, 3, **options), (7, 5)),
        (lambda **options: KANConv2d(2, 3, 3, padding=1, **options), (2, 2, 6, 6)),
        (lambda **options: SaKANConv2d(2, 3, 3, padding=1, **options), (2, 2, 6, 6)),
    ],
)
def test_the_paths_are_those_of_the_layer_with_the_other_one_cut(make, shape, grad_free):
    torch.manual_seed(0)
    layer = make(grad_free=False)
    only_splines, only_base = deepcopy(layer), deepcopy(layer)
    nn.init.zeros_(only_splines.base_weight)
    nn.init.zeros_(only_base.coef)
    x = torch.randn(shape, requires_grad=True)
    upstream = torch.randn_like(layer(x))
    expected = [torch.autograd.grad(part(x), x, upstream)[0] for part in (only_splines, only_base)]

    measured = make(grad_free=grad_free)
    measured.load_state_dict(layer.state_dict())
    with gradient_shares(measured) as shares:
        measured(x).backward(upstream)
    assert shares[""].splines == pytest.approx(rms(expected[0]), rel=1e-4)
    assert shares[""].base == pytest.approx(rms(expected[1]), rel=1e-4)
    assert shares[""].ratio == pytest.approx(rms(expected[0]) / rms(expected[1]), rel=1e-4)


def test_the_pass_inside_is_left_as_it_is():
    model = nn.Sequential(KANLinear(4, 4), SaKANLinear(4, 2, grad_free=True))
    twin = deepcopy(model)
    x = torch.randn(6, 4)
    twin(x).square().sum().backward()
    with gradient_shares(model) as shares:
        model(x).square().sum().backward()
    assert list(shares) == ["0", "1"]
    assert model[1].edge.grad_free
    assert not model[0].edge.grad_free
    assert not model[0]._forward_hooks
    for own, other in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(own.grad, other.grad, rtol=0, atol=0)


def test_a_layer_called_twice_counts_both_calls():
    layer = KANLinear(4, 4)
    x = torch.randn(6, 4)
    with gradient_shares(layer) as once:
        layer(x).sum().backward()
    with gradient_shares(layer) as twice:
        (layer(x).sum() + 2 * layer(x).sum()).backward()
    assert twice[""].base == pytest.approx(once[""].base * (5 / 2) ** 0.5, rel=1e-5)


def test_without_a_base_branch_everything_comes_through_the_splines():
    layer = KANLinear(4, 4, base=None)
    with gradient_shares(layer) as shares:
        layer(torch.randn(6, 4)).sum().backward()
    assert shares[""].base == 0
    assert shares[""].ratio == float("inf")


def test_a_layer_without_a_gradient_is_left_out():
    model = KANLinear(4, 4)
    with gradient_shares(model) as shares, torch.no_grad():
        model(torch.randn(2, 4))
    assert shares == {}


class Fit(pl.LightningModule):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.network = nn.Sequential(KANLinear(2, 4), KANLinear(4, 1))

    def training_step(self, batch, index):
        return self.network(batch).square().mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.mark.filterwarnings("ignore")  # Lightning's advice on data loaders
def test_the_callback_logs_every_few_steps_and_changes_nothing(tmp_path):
    path = tmp_path / "gradient_share.jsonl"
    path.write_text('{"step": 7, "layer": "made again by a resumed run"}\n')
    trained = []
    for callbacks in ([], [GradientShareLog(path, every=2)]):
        module = Fit()
        batches = torch.utils.data.DataLoader(torch.linspace(-1, 1, 40).view(20, 2), batch_size=4)
        options = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
        pl.Trainer(max_epochs=1, accelerator="cpu", callbacks=callbacks, enable_model_summary=False, **options).fit(
            module, batches
        )
        trained.append(module.state_dict())
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["step"], line["layer"]) for line in lines] == [
        (step, f"network.{index}") for step in (0, 2, 4) for index in (0, 1)
    ]
    assert all(line["splines"] > 0 and line["base"] > 0 for line in lines)
    for name, tensor in trained[0].items():
        assert torch.equal(tensor, trained[1][name])
