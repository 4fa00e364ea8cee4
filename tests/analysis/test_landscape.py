import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from edgewise._ground.errors import ConfigError, NonFiniteError
from edgewise.analysis import Plane, loss_landscape, principal_plane, random_plane
from edgewise.models import create_model
from edgewise.vision.segmentation.losses import SegmentationLoss

X, Y = np.linspace(-1.5, 1, 5), np.linspace(-1, 2, 4)


def plane(model, x=X, y=Y):
    generator = torch.Generator().manual_seed(2)
    first, second = (
        {n: torch.randn(p.shape, generator=generator, dtype=torch.float64) for n, p in model.named_parameters()}
        for _ in range(2)
    )
    return Plane((first, second), x, y)


def data(*shape, count=7, size=3):
    inputs = torch.randn(count, *shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return inputs.split(size)


def bowl():
    """A linear layer and squared errors: the loss is a quadratic form of the weights, with known H, g and c."""
    model = nn.Linear(4, 1, bias=False, dtype=torch.float64)
    inputs = data(4)
    targets = [x.sum(1, keepdim=True).sin() for x in inputs]
    x, t = torch.cat(inputs), torch.cat(targets)
    return model, list(zip(inputs, targets, strict=True)), (x.T @ x / len(x), -2 * x.T @ t / len(x), t.square().mean())


def test_a_bowl_is_exactly_quadratic():
    model, batches, (h, g, c) = bowl()
    grid = plane(model)
    found = loss_landscape(model, grid, batches, F.mse_loss)
    for row, y in enumerate(Y):
        for column, x in enumerate(X):
            w = (model.weight + x * grid.directions[0]["weight"] + y * grid.directions[1]["weight"]).detach().T
            assert found.loss[row, column] == pytest.approx((w.T @ h @ w + g.T @ w + c).item(), rel=1e-12)
    assert found.roughness < 1e-24
    assert found.summary()["points not finite"] == 0


def test_descent_in_a_bowl_lies_in_its_plane():
    """In two dimensions the plane is everything: the loss at a checkpoint's place is the checkpoint's loss."""
    model = nn.Linear(2, 1, bias=False, dtype=torch.float64)
    batches = [(torch.tensor([[2.0, 0.5], [0.0, 1.0]], dtype=torch.float64), torch.zeros(2, 1, dtype=torch.float64))]
    optimiser, checkpoints, losses = torch.optim.SGD(model.parameters(), lr=0.1), {}, []
    for epoch in range(6):
        checkpoints[epoch] = {"weight": model.weight.detach().clone()}
        loss = F.mse_loss(model(batches[0][0]), batches[0][1])
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        model.weight.copy_(checkpoints[5]["weight"])
    made = principal_plane(checkpoints, margin=0.5, points=9)
    assert made.path.explained.sum() == pytest.approx(1)
    assert len(made.path.explained) == 2
    span = np.ptp(made.path.coordinates, axis=0)
    assert np.ptp(made.x) == pytest.approx(2 * span[0])
    assert made.x[0] == pytest.approx(made.path.coordinates[:, 0].min() - 0.5 * span[0])
    for epoch, (x, y) in enumerate(made.path.coordinates):
        there = Plane(made.directions, np.array([x]), np.array([y]))
        assert loss_landscape(model, there, batches, F.mse_loss).loss.item() == pytest.approx(losses[epoch], rel=1e-9)


def test_roughness_is_what_a_quadratic_leaves():
    model = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    nn.init.zeros_(model.weight)
    batches, line = [(torch.ones(1, 1), torch.zeros(1, 1))], np.linspace(-2, 2, 21)
    grid = Plane(({"weight": torch.ones(1, 1)}, {}), line, np.array([0.0, 1.0]))
    found = loss_landscape(model, grid, batches, lambda output, _: torch.cos(3 * output).sum())
    loss = np.cos(3 * line)
    rest = loss - np.polyval(np.polyfit(line, loss, 2), line)
    assert found.roughness == pytest.approx(rest.var() / loss.var(), rel=1e-9)
    assert found.roughness > 0.5
    flat = loss_landscape(model, grid, batches, lambda output, target: target.sum())
    assert flat.roughness == 0


class Norms(nn.Module):
    """Batch norms, of which one is frozen, and a buffer that each pass changes."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Dropout(0.5), nn.BatchNorm1d(5), nn.Linear(5, 3))
        self.register_buffer("passes", torch.zeros(()))
        self.train()
        self.body[3].eval()

    def forward(self, x):
        self.passes += 1
        return self.body(x)


def state(model):
    return copy.deepcopy(model.state_dict()), [m.training for m in model.modules()], [id(p) for p in model.parameters()]


@pytest.mark.parametrize("stop", [None, 4])
def test_the_model_is_left_as_it_was_even_when_interrupted(stop):
    model = Norms()
    batches = [(x, torch.arange(len(x)) % 3) for x in data(4)]
    weights, modes, identities = state(model)
    calls = []

    def criterion(logits, target):
        calls.append(1)
        if len(calls) == stop:
            raise KeyboardInterrupt
        return F.cross_entropy(logits, target)

    if stop is None:
        loss_landscape(model, plane(model), batches, criterion)
        assert len(calls) == len(X) * len(Y) * len(batches)
    else:
        with pytest.raises(KeyboardInterrupt):
            loss_landscape(model, plane(model), batches, criterion)
    after, modes_after, identities_after = state(model)
    assert modes == modes_after
    assert identities == identities_after
    assert torch.is_grad_enabled()
    assert all(torch.equal(weights[name], after[name]) for name in weights)
    assert all(p.requires_grad and p.grad is None for p in model.parameters())


def moved(model, grid, x, y):
    """A copy of the model, moved."""
    twin = copy.deepcopy(model).eval()
    with torch.no_grad():
        for name, p in twin.named_parameters():
            p.add_(x * grid.directions[0][name] + y * grid.directions[1][name])
    return twin


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("vit_micro_karat", {"image_size": 8, "rank": 2, "sharing": "universal"}),
        ("vit_micro_karat", {"image_size": 8, "rank": 2, "basis": {"name": "rational"}}),
        ("kat_micro", {"image_size": 8}),
        ("conv_kan", {}),
    ],
)
def test_classifiers_move_as_a_copy_does(name, options):
    """Functions that all blocks share, too, which are registered in one place and used in others."""
    if not name.startswith("conv"):
        pytest.importorskip("timm")
    model = create_model(name, **options).double()
    batches = [(x, torch.arange(len(x))) for x in model.example_input(3).split(2)]
    grid = random_plane(model, seed=1, radius=0.3, points=2)
    found = loss_landscape(model, grid, batches, F.cross_entropy)
    images, labels = (torch.cat(part) for part in zip(*batches, strict=True))
    for row, y in enumerate(grid.y):
        for column, x in enumerate(grid.x):
            with torch.no_grad():
                expected = F.cross_entropy(moved(model, grid, x, y)(images), labels).item()
            assert found.loss[row, column] == pytest.approx(expected, rel=1e-9)
    assert np.ptp(found.loss) > 0


def test_a_segmenter_moves_as_a_copy_does():
    model = create_model("ukan", widths=[8, 8, 8])
    batches = [(x.float(), (x[:, :1] > 0).float()) for x in data(3, 32, 32, count=3, size=2)]
    grid = random_plane(model, seed=1, radius=0.2, points=2)
    found = loss_landscape(model, grid, batches, SegmentationLoss())
    twin = moved(model, grid, grid.x[1], grid.y[0])
    with torch.no_grad():
        losses = [SegmentationLoss()(twin(x), t).item() for x, t in batches]
    assert found.loss[0, 1] == pytest.approx((2 * losses[0] + losses[1]) / 3, rel=1e-5)


def test_rows_name_each_point():
    model, batches, _ = bowl()
    found = loss_landscape(model, plane(model), batches, F.mse_loss)
    rows = found.rows()
    assert len(rows) == 20
    assert rows[7] == {"x": X[2], "y": Y[1], "loss": found.loss[1, 2]}
    lowest = min(rows, key=lambda row: row["loss"])
    assert found.summary()["lowest at"] == [lowest["x"], lowest["y"]]
    assert found.summary()["highest loss"] == max(row["loss"] for row in rows)


def test_the_figure_has_contours_and_a_surface():
    model, batches, _ = bowl()
    figure = loss_landscape(model, plane(model), batches, F.mse_loss).plot()
    assert {axes.name for axes in figure.axes} == {"rectilinear", "3d"}
    figure.canvas.draw()


def test_points_that_overflow_are_told_and_left_out():
    model = nn.Linear(1, 1, bias=False)
    nn.init.ones_(model.weight)
    batches = [(torch.full((1, 1), 1e19), torch.zeros(1, 1))]
    grid = Plane(({"weight": torch.ones(1, 1)}, {}), np.array([-1.0, -0.5, 9.0]), np.array([0.0, 1.0]))
    found = loss_landscape(model, grid, batches, F.mse_loss)
    assert found.summary()["points not finite"] == 2
    assert found.summary()["lowest loss"] == 0
    found.plot().canvas.draw()
    far = Plane(grid.directions, np.array([8.0, 9.0]), grid.y)
    with pytest.raises(NonFiniteError, match="not finite at any point"):
        loss_landscape(model, far, batches, F.mse_loss)


def test_what_does_not_fit():
    model, batches, _ = bowl()
    with pytest.raises(ConfigError, match="the directions move 'other'"):
        loss_landscape(model, Plane(({"other": torch.ones(1)}, {}), X, Y), batches, F.mse_loss)
    with pytest.raises(ConfigError, match="needs data"):
        loss_landscape(model, plane(model), [], F.mse_loss)
    with pytest.raises(ConfigError, match="needs 2 points at least"):
        random_plane(model, points=1)
    with pytest.raises(ConfigError, match="some width"):
        random_plane(model, radius=0)
