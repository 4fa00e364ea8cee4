import pytest
import torch
from torch import nn

from edgewise import EdgewiseError, use_backend
from edgewise.analysis import count_flops, kanify_plan, saved_bytes
from edgewise.bases import Chebyshev
from edgewise.models import ToKAN, ToSaKAN, kanify


def network() -> nn.Sequential:
    body = [nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Flatten()]
    return nn.Sequential(*body, nn.Linear(4 * 8 * 8, 10))


@pytest.mark.parametrize("made", [ToKAN(), ToKAN(Chebyshev(3)), ToSaKAN()], ids=["bspline", "chebyshev", "shared"])
def test_what_is_planned_is_what_is_then_measured(made):
    model, x = network(), torch.randn(5, 3, 8, 8)
    plan, kan = kanify_plan(model, x, linear=made, conv=made), kanify(model, made, made)
    with use_backend("lean"):
        for cost, real in ((plan.before, model), (plan.after, kan)):
            assert cost.parameters == sum(p.numel() for p in real.parameters())
            assert cost.saved_bytes == saved_bytes(real.train(), x)
            with torch.no_grad():
                assert cost.flops == count_flops(real.eval(), x)["total"]


def test_a_network_that_would_not_fit_into_memory_is_planned():
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(200_000, 200_000))
    plan = kanify_plan(model, torch.empty(1, 200_000, device="meta"))
    assert plan.after.parameters == 200_000**2 * 9 + 200_000
    assert plan.before.saved_bytes == plan.after.saved_bytes == 4 * 200_000


def test_the_table_names_layers_that_are_replaced_and_no_others():
    lines = str(kanify_plan(network(), torch.zeros(1, 3, 8, 8), conv=None)).splitlines()
    assert lines[1].split() == ["5", "Linear", "KANLinear", "2,570", "23,050"]
    assert [line.split()[0] for line in lines] == ["layer", "5", "parameters", "operations", "bytes"]
    assert len({len(line) for line in lines}) == 1


def test_without_an_example_only_parameters_are_known():
    plan = kanify_plan(network())
    assert plan.after.flops is None
    assert str(plan).splitlines()[-1].startswith("parameters")


def test_the_network_is_left_alone():
    model = network()
    kanify_plan(model, torch.zeros(2, 3, 8, 8))
    assert {p.device.type for p in model.parameters()} == {"cpu"}
    assert model.training
    assert model[1].num_batches_tracked == 0


def test_what_kanify_refuses_is_refused():
    with pytest.raises(EdgewiseError, match="none of the 2 layers"):
        kanify_plan(network(), where="nowhere")
