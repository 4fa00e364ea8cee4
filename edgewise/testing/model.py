"""The contract of a model."""

from collections.abc import Sequence

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from edgewise import EdgewiseError, create_model
from edgewise.testing.compare import assert_within


class ModelContract:
    """What every registered segmentation model promises; inherit, and set ``name``.

    ``options`` make the model small enough to test; ``sizes`` are image sizes that it takes, the first the smallest;
    ``refused`` maps a size that it does not take to what the error must say.

    Example:
        >>> class TestUKAN(ModelContract):
        ...     name, options = "ukan", {"widths": (8, 8, 8)}
        ...     sizes, refused = ((32, 32), (64, 32)), {(33, 70): "32 x 64"}
    """

    name: str
    options: dict = {}  # noqa: RUF012 (replaced, never changed)
    sizes: Sequence[tuple[int, int]] = ((32, 32), (64, 32))
    refused: dict[tuple[int, int], str] = {}  # noqa: RUF012

    @pytest.mark.parametrize(("in_channels", "num_classes"), [(3, 1), (1, 4)])
    def test_any_number_of_channels_and_classes(self, in_channels, num_classes):
        model = self._model(in_channels=in_channels, num_classes=num_classes)
        y = model(self._images(in_channels))
        y.square().mean().backward()
        assert y.shape == (2, num_classes, *self.sizes[0])
        for name, p in model.named_parameters():
            assert p.grad is not None, name
            assert p.grad.isfinite().all(), name
            assert p.grad.count_nonzero() > 0 or p.dim() == 1, name  # a bias before a norm has no effect

    def test_any_valid_size(self):
        model = self._model().eval()
        for size in self.sizes:
            y = model(self._images(size=size))
            assert y.shape == (2, 1, *size)
            assert y.isfinite().all()

    def test_another_size_is_refused_with_the_nearest(self):
        model = self._model().eval()
        for size, nearest in self.refused.items():
            with pytest.raises(EdgewiseError, match=nearest):
                model(self._images(size=size))

    def test_images_do_not_meet_in_evaluation(self):
        model, x = self._model().eval(), self._images()
        assert_within(model(x), torch.cat([model(image) for image in x.split(1)]), 1e-4)

    def test_nan_stays_in_its_image(self):
        model, x = self._model().eval(), self._images()
        expected, x[1, 0, 0, 0] = model(x), torch.nan
        found = model(x)
        assert found[1].isnan().any()
        assert_within(found[0], expected[0], 1e-5)

    def test_same_seed_same_model_and_output(self):
        x = self._images()
        assert torch.equal(self._model(seed=1)(x), self._model(seed=1)(x))
        assert not torch.equal(self._model(seed=1)(x), self._model(seed=2)(x))

    def test_rebuilt_from_its_config_and_its_weights(self):
        model, x = self._model(seed=1), self._images()
        model(x)  # moves the statistics of the norms
        rebuilt = create_model(model.config["name"], **model.config["options"])
        rebuilt.load_state_dict(safetensors.torch.load(safetensors.torch.save(model.state_dict())))
        assert rebuilt.config == model.config
        assert torch.equal(rebuilt.eval()(x), model.eval()(x))

    def test_unknown_option_is_refused_with_the_nearest(self):
        with pytest.raises(EdgewiseError, match="in_channels"):
            create_model(self.name, in_chanels=3)

    def test_a_step_lowers_the_loss(self):
        model, x = self._model(), self._images()
        target = (x.mean(1, keepdim=True) > 0).float()
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)
        losses = []
        for _ in range(5):
            loss = nn.functional.binary_cross_entropy_with_logits(model(x), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < losses[0]

    def _model(self, seed: int = 0, **options) -> nn.Module:
        torch.manual_seed(seed)
        return create_model(self.name, **self.options, **options)

    def _images(self, channels: int = 3, size: tuple[int, int] | None = None) -> Tensor:
        return torch.randn(2, channels, *(size or self.sizes[0]), generator=torch.Generator().manual_seed(5))
