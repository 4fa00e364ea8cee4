"""The contract of a model that finds the noise in pictures."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from edgewise.models.registry import config_of, takes_of
from edgewise.models.takes import NoisyPictures
from edgewise.testing.compare import assert_within
from edgewise.testing.model import ModelContract

STEP = 7


class NoisePredictorContract(ModelContract):
    """What every registered noise predictor promises: all that a model does, at one step, and that it hears the step.

    Example:
        >>> class TestDiffusionUKAN(NoisePredictorContract):
        ...     name, options = "ukan_diffusion", {"widths": (8, 8, 8)}
        ...     sizes, refused = ((32, 32), (64, 32)), {(33, 70): "32 x 64"}
    """

    def test_each_sample_hears_its_own_step(self):
        model = self._model().eval()
        x = model.example_input(3)
        same, later = torch.full((3,), STEP), torch.tensor([STEP, STEP, 700])
        with torch.no_grad():
            first, second = model(x, same), model(x, later)
        assert_within(first[:2], second[:2], 1e-5)
        assert (first[2] - second[2]).abs().max() > 1e-4 * first[2].abs().max()

    @pytest.mark.slow
    def test_exported_equals_eager_for_any_batch(self):
        model = self._model().eval()
        batch, x, other = torch.export.Dim("batch"), model.example_input(), model.example_input(3)
        shapes = ({0: batch}, {0: batch})
        program = torch.export.export(model, (x, torch.arange(len(x)) * STEP), dynamic_shapes=shapes)
        steps = torch.arange(len(other)) * STEP
        assert_within(program.module()(other, steps), model(other, steps), 1e-5)

    def _ready(self, model: Any) -> Any:
        """The model at one step; its config and the names of its weights stay what they are."""
        pictures = model.example_input

        def example(batch_size: int = 2) -> Tensor:
            return pictures(batch_size)[0]

        model.example_input = example
        model.register_forward_pre_hook(_at_one_step)
        return model

    @property
    def _takes(self) -> NoisyPictures:
        takes = takes_of(self.name)
        assert isinstance(takes, NoisyPictures), "say what the model takes where it is registered"
        return takes

    @property
    def _dense(self) -> bool:
        return True

    @property
    def _others(self) -> dict[str, int]:
        return self._takes.options_for(channels=1)

    def _shape(self, model: nn.Module, x: Tensor) -> tuple[int, ...]:
        return (len(x), config_of(model)["options"][self._takes.channels], *x.shape[2:])


def _at_one_step(model: nn.Module, inputs: Sequence[Tensor]) -> tuple[Tensor, Tensor] | None:
    """The step, where none is given."""
    if len(inputs) > 1:
        return None
    return inputs[0], torch.full((inputs[0].shape[0],), STEP, device=inputs[0].device)
