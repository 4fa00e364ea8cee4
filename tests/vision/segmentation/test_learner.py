from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from edgewise._ground.errors import NonFiniteError
from edgewise.io import load_model
from edgewise.nn import KANLinear
from edgewise.vision import Adam, RunFolder, train
from edgewise.vision.segmentation.images import MaskedImages
from edgewise.vision.segmentation.learner import Segmenter, parameter_groups
from edgewise.vision.training.guard import blame


class Fault(nn.Module):
    """Passes its input on, until its forward or its backward goes wrong after some training steps."""

    def __init__(self, steps, where):
        super().__init__()
        self.where = where
        self.scale = nn.Parameter(torch.ones(1))
        self.register_buffer("left", torch.tensor(steps))

    def forward(self, x):
        if self.training and torch.is_grad_enabled():
            self.left -= 1
        if self.left >= 0:
            return x * self.scale
        if self.where == "forward":
            return x * self.scale / 0
        return x * self.scale + (self.scale * 0).sqrt()  # finite, with an infinite slope


class Faulty(nn.Module):
    """A network with a fault in the middle."""

    def __init__(self, where="forward", in_channels=1, num_classes=1):
        super().__init__()
        self.config = {"name": "tiny", "options": {"in_channels": in_channels, "num_classes": num_classes}}
        self.body = nn.Conv2d(in_channels, 4, 3, padding=1)
        self.fault = Fault(4, where)
        self.head = nn.Conv2d(4, num_classes, 1)

    def forward(self, x):
        return self.head(self.fault(self.body(x)))


def test_groups_follow_what_parameters_are_and_not_their_names():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer_fc = nn.Linear(3, 4)
            self.plain = KANLinear(4, 2, bias=True)
            self.norm = nn.LayerNorm(2)

    model = Model()
    coefficients, others = parameter_groups(model, Adam(learning_rate=0.1, coefficient_learning_rate=0.2))
    assert coefficients["lr"] == 0.2
    assert [id(p) for p in coefficients["params"]] == [id(model.plain.coef)]
    assert others["lr"] == 0.1
    ids = {id(p) for p in model.parameters()}
    assert {id(p) for group in (coefficients, others) for p in group["params"]} == ids


def test_a_network_without_edge_functions_has_one_group():
    (group,) = parameter_groups(nn.Linear(2, 2), Adam(learning_rate=0.3))
    assert group["lr"] == 0.3


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("forward", "the loss is not finite in epoch 2, step 4: first made by 'fault' (Fault)"),
        ("backward", "the gradient is not finite in epoch 2, step 4: first made by the gradient of 'fault' (Fault)"),
    ],
)
def test_training_stops_before_the_step_and_names_the_module(recipe, networks, tmp_path, where, message):
    made = []
    networks["tiny"] = lambda **options: made.append(Faulty(where, **options)) or made[-1]
    with pytest.raises(NonFiniteError) as caught:
        train(recipe, tmp_path / "run", progress=False)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    folder = RunFolder(tmp_path / "run")
    assert [line["epoch"] for line in folder.read_metrics()] == [0, 1]
    kept = load_file(folder.last)
    assert all(tensor.isfinite().all() for tensor in kept.values())
    for name, parameter in made[0].named_parameters():
        assert parameter.isfinite().all(), name
    networks["tiny"] = Faulty
    load_model(folder.model)


def test_the_step_was_not_taken(recipe, networks, tmp_path):
    seen = []

    class Spy(Faulty):
        def forward(self, x):
            if self.training and torch.is_grad_enabled():
                seen.append([p.detach().clone() for p in self.parameters()])
            return super().forward(x)

    made = []
    networks["tiny"] = lambda **options: made.append(Spy("backward", **options)) or made[-1]
    with pytest.raises(NonFiniteError):
        train(recipe, tmp_path / "run", progress=False)
    for before, after in zip(seen[-1], made[0].parameters(), strict=True):
        assert torch.equal(before, after)


def test_blame_looks_at_images_and_parameters_first():
    network = nn.Conv2d(1, 1, 3)
    images = torch.zeros(2, 1, 4, 4)
    images[1, 0, 2, 2] = float("nan")
    assert blame(network, images, ["a", "b"]) == "the input image 'b' holds it"
    network.weight.data[0] = float("inf")
    assert blame(network, images[:1], ["a"]) == "the parameter 'weight' holds it"


def test_blame_names_the_first_module_and_leaves_no_hook():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Hardtanh(0, 1e38), nn.Sequential(nn.Conv2d(2, 1, 1)), nn.Sigmoid())
    network[0].bias.data.fill_(3e38)
    network[2][0].weight.data.fill_(1e38)
    assert blame(network, torch.zeros(1, 1, 4, 4), ["a"]) == "first made by '2.0' (Conv2d)"
    assert not any(module._forward_hooks for module in network.modules())


def test_blame_says_so_when_only_the_loss_is_not_finite():
    assert "first made by the loss" in blame(nn.Conv2d(1, 1, 1), torch.zeros(1, 1, 4, 4), ["a"])


def test_windows_of_a_picture_are_scored_as_one_picture(recipe):
    """Of a network that sees each pixel alone, windows or not: as numpy scores whole pictures."""
    recipe = replace(recipe, data=replace(recipe.data, fit="tiles", size=(6, 6)))
    images = MaskedImages(recipe)
    learner = Segmenter(nn.Identity(), recipe, {})
    parts = [learner.tally(batch)[1] for batch in images.validation_batches(0, 1)]
    found = learner.scores({name: sum(part[name] for part in parts) for name in parts[0]})
    pairs = [sample.read() for sample in images.validation.data]
    masks = [(image[0] > 0.5, truth == 1) for image, truth in pairs]
    each = [(mask & truth).sum() / (mask | truth).sum() for mask, truth in masks]
    assert found["image_iou"] == pytest.approx(np.mean(each))
    assert found["iou"] == pytest.approx(
        sum((mask & truth).sum() for mask, truth in masks) / sum((mask | truth).sum() for mask, truth in masks)
    )
    assert len(images.validation) == 9 * len(pairs)
