import math

import pytest
import torch
from torch import nn

from edgewise.models import create_model
from edgewise.vision import AdamW
from edgewise.vision.classification.learner import parameter_groups, rate_factor


def test_offsets_and_what_the_network_exempts_do_not_decay_and_coefficients_have_their_rate():
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.kan = create_model("kan", width=[3, 2])
            self.head = nn.Linear(2, 2)
            self.place = nn.Parameter(torch.zeros(1, 4, 2))

        def no_weight_decay(self):
            return {"place"}

    network = Network()
    settings = AdamW(learning_rate=0.1, coefficient_factor=3.0, weight_decay=0.2)
    groups = {group["name"]: group for group in parameter_groups(network, settings)}
    names = {id(p): name for name, p in network.named_parameters()}
    found = {kind: {names[id(p)] for p in group["params"]} for kind, group in groups.items()}
    assert found == {
        "coefficient": {"kan.0.coef"},
        "weight": {"kan.0.base_weight", "head.weight"},
        "offset": {"head.bias", "place"},
    }
    assert {kind: (round(group["lr"], 9), group["weight_decay"]) for kind, group in groups.items()} == {
        "coefficient": (0.3, 0.2), "weight": (0.1, 0.2), "offset": (0.1, 0.0)
    }  # fmt: skip


def test_the_published_schedule_is_that_of_timm():
    scheduler = pytest.importorskip("timm.scheduler")
    settings = AdamW(
        learning_rate=3.125e-5, schedule="cosine", warmup_epochs=5, warmup_learning_rate=1e-6, final_learning_rate=1e-5
    )
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=3.125e-5)
    cosine = scheduler.CosineLRScheduler(optimiser, t_initial=100, lr_min=1e-5, warmup_t=5, warmup_lr_init=1e-6)
    for epoch in range(100):
        cosine.step(epoch)
        expected = optimiser.param_groups[0]["lr"]
        assert settings.learning_rate * rate_factor(settings, epoch, 100) == pytest.approx(expected, rel=1e-12), epoch


def test_exponential_and_constant_schedules():
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, 0.8)
    for epoch in range(10):
        assert rate_factor(AdamW(schedule="exponential", decay=0.8), epoch, 10) == pytest.approx(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()
    assert rate_factor(AdamW(schedule="constant"), 7, 10) == 1
    assert math.isclose(rate_factor(AdamW(learning_rate=1e-3, final_learning_rate=0.0), 5, 10), 0.5)
