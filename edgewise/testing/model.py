"""The contract of a model."""

import inspect
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from edgewise._ground.errors import EdgewiseError
from edgewise.io import load_model, save_model
from edgewise.models.registry import MODELS, config_of, create_model, takes_of
from edgewise.models.takes import Grids, Pictures, Rows, Volumes
from edgewise.testing.compare import assert_runs_there, assert_within


class ModelContract:
    """What every registered model promises, of pictures or of rows; inherit, and set ``name``.

    ``options`` make the model small enough to test. ``sizes`` are image sizes that it takes, the first the smallest;
    ``refused`` maps a size that it does not take to what the error must say. What the outputs look like follows from what
    the model was registered with, ``takes=``.

    Example:
        >>> class TestUKAN(ModelContract):
        ...     name, options = "ukan", {"widths": (8, 8, 8)}
        ...     sizes, refused = ((32, 32), (64, 32)), {(33, 70): "32 x 64"}
    """

    name: str
    options: dict = {}  # noqa: RUF012 (replaced, never changed)
    sizes: Sequence[tuple[int, ...]] = ()
    refused: dict[tuple[int, ...], str] = {}  # noqa: RUF012

    def test_the_example_is_an_input_and_the_same_each_time(self):
        model = self._model().eval()
        x = model.example_input(3)
        assert len(x) == 3
        assert torch.equal(model.example_input(3), x)
        assert model(x).shape == self._shape(model, x)

    @pytest.mark.parametrize("other", [False, True], ids=["usual", "other"])
    def test_gradients_reach_all_parameters(self, other):
        others = self._others if other else {}
        if others is None:
            pytest.skip("has no channels and classes to choose")
        model = self._model(**others)
        x = model.example_input(4)
        y = model(x)
        y.square().mean().backward()
        assert y.shape == self._shape(model, x)
        for name, p in _trained(model):
            assert p.grad is not None, name
            assert p.grad.isfinite().all(), name
            assert p.grad.count_nonzero() > 0 or p.dim() == 1, name  # a bias before a norm has no effect

    def test_any_valid_size(self):
        model = self._model().eval()
        for size in self.sizes:
            x = self._pictures(model, size)
            y = model(x)
            assert y.shape == self._shape(model, x)
            assert y.isfinite().all()

    def test_another_size_is_refused_in_clear_words(self):
        model = self._model().eval()
        for size, words in self.refused.items():
            with pytest.raises(EdgewiseError, match=words):
                model(self._pictures(model, size))

    def test_samples_do_not_meet_in_evaluation(self):
        model = self._model().eval()
        x = model.example_input()
        assert_within(model(x), torch.cat([model(sample) for sample in x.split(1)]), 1e-4)

    def test_nan_stays_in_its_sample(self):
        model = self._model().eval()
        x = model.example_input()
        expected = model(x)
        x[1].view(-1)[0] = torch.nan
        found = model(x)
        assert found[1].isnan().any()
        assert_within(found[0], expected[0], 1e-5)

    def test_same_seed_same_model_and_same_training(self):
        first, again, other = (self._train(self._model(seed), steps=2) for seed in (1, 1, 2))
        assert first == again
        assert first != other

    def test_twenty_steps_lower_the_loss(self):
        losses = self._train(self._model(), steps=20)
        assert all(torch.tensor(losses).isfinite())
        assert losses[-1] < losses[0]

    def test_saved_and_loaded_it_gives_the_same(self, tmp_path: Path):
        model = self._model(seed=1)
        x = model.example_input()
        model(x)  # moves the statistics of norms
        save_model(model, tmp_path / "model.safetensors")
        loaded = self._ready(load_model(tmp_path / "model.safetensors"))
        assert config_of(loaded) == config_of(model) == json.loads(json.dumps(config_of(model)))
        assert torch.equal(loaded(x), model.eval()(x))

    def test_unknown_option_is_refused_with_the_nearest(self):
        option = next(iter(inspect.signature(MODELS[self.name]).parameters))
        with pytest.raises(EdgewiseError, match=f"did you mean '{option}'"):
            self._model(**{option[:-1]: 3})

    def test_autocast(self):
        model = self._model().eval()
        x = model.example_input()
        expected = model(x)
        with torch.autocast("cpu", torch.bfloat16):
            y = model(x)
        y.float().square().mean().backward()
        assert_within(y.float(), expected, 0.1)
        for name, p in _trained(model):
            assert p.grad is not None, name
            assert p.grad.dtype == torch.float32, name
            assert p.grad.isfinite().all(), name

    def test_another_device(self):
        model = self._model()
        assert_runs_there(model, model.example_input())

    @pytest.mark.slow
    def test_compiled_equals_eager(self):
        model, twin = self._model(), self._model()
        found = _gradients(torch.compile(model, fullgraph=True, backend="aot_eager"), model, model.example_input())
        torch.compiler.reset()
        for part, expected in zip(found, _gradients(twin, twin, twin.example_input()), strict=True):
            assert_within(part, expected, 1e-4)

    @pytest.mark.slow
    def test_exported_equals_eager_for_any_batch(self):
        model = self._model().eval()
        batch = torch.export.Dim("batch")
        program = torch.export.export(model, (model.example_input(),), dynamic_shapes=({0: batch},))
        x = model.example_input(3)
        assert_within(program.module()(x), model(x), 1e-5)

    def _model(self, seed: int = 0, **options) -> Any:
        """A module with ``config`` and ``example_input``, which the type of modules knows nothing of."""
        torch.manual_seed(seed)
        return self._ready(create_model(self.name, **(self.options | options)))

    def _ready(self, model: Any) -> Any:
        """The model as a function of one tensor."""
        return model

    @property
    def _others(self) -> dict[str, int] | None:
        """Options for other channels and classes than the usual ones; None: there are none to choose."""
        takes = self._takes
        return takes.options_for(channels=1, classes=4) if isinstance(takes, Grids) else None

    @property
    def _takes(self) -> Any:
        takes = takes_of(self.name)
        assert isinstance(takes, Grids | Rows), "say what the model takes where it is registered"
        return takes

    @property
    def _dense(self) -> bool:
        return isinstance(self._takes, Volumes) or (isinstance(self._takes, Pictures) and self._takes.dense)

    def _shape(self, model: nn.Module, x: Tensor) -> tuple[int, ...]:
        options, takes = config_of(model)["options"], self._takes
        outputs = options[takes.classes] if isinstance(takes, Grids) else options[takes.width][-1]
        return (len(x), outputs, *(x.shape[2:] if self._dense else ()))

    def _pictures(self, model: Any, size: tuple[int, ...]) -> Tensor:
        return torch.randn(2, model.example_input().shape[1], *size, generator=torch.Generator().manual_seed(5))

    def _train(self, model: Any, steps: int) -> list[float]:
        """The losses of steps at a usual learning rate, towards targets of half ones and half zeros."""
        x = model.example_input(4)
        target = (x.mean(1, keepdim=True) > 0 if self._dense else torch.arange(4).view(-1, 1) % 2 > 0).float()
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)
        losses = []
        for _ in range(steps):
            y = model(x)
            loss = nn.functional.binary_cross_entropy_with_logits(y, target.expand_as(y))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses


def _trained(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return [(name, p) for name, p in model.named_parameters() if p.requires_grad]


def _gradients(run: Callable[[Tensor], Tensor], model: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """The output, and all gradients in one vector: some are no more than the rounding errors of others."""
    y = run(x)
    gradients = torch.autograd.grad(y.square().mean(), [p for _, p in _trained(model)])
    return y.detach(), torch.cat([gradient.flatten() for gradient in gradients])
