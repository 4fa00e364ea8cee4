"""The contract of a layer."""

import copy
import math
import pickle  # of a module made on the spot; nothing is read from a file
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from edgewise.analysis import live_bytes, saved_bytes
from edgewise.nn import edge_layers
from edgewise.ops import backends_for, use_backend
from edgewise.testing.compare import assert_same_everywhere, assert_same_there, assert_within, backward, gradients
from edgewise.testing.device import AWAY, OtherDevice


class LayerContract:
    """What every layer of edges promises; inherit, set ``make`` and ``shapes``.

    ``make(device=, dtype=)`` builds the layer. ``shapes`` are shapes of inputs it takes, batch first; the first one, of
    three samples or more, is the one most tests use; an empty batch belongs among the others.

    Example:
        >>> from edgewise.nn import KANLinear
        >>> class TestWide(LayerContract):
        ...     shapes = ((4, 3), (0, 3), (2, 5, 3))
        ...     def make(self, **factory):
        ...         return KANLinear(3, 100, bias=True, **factory)
    """

    shapes: Sequence[tuple[int, ...]]

    def make(self, **factory) -> nn.Module:
        """Build the layer; ``factory`` is ``device`` and ``dtype``."""
        raise NotImplementedError

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "shape" in metafunc.fixturenames:
            metafunc.parametrize("shape", self.shapes, ids=str)

    def test_backends_agree(self, shape):
        assert_same_everywhere(self._layer(), self._input(shape))

    @pytest.mark.parametrize("layout", ["strided", "transposed", "expanded"])
    def test_layout_in_memory_does_not_matter(self, layout):
        layer, x = self._layer(), self._input()
        if layout == "strided":
            y = torch.stack([x, x], -1)[..., 0]
        elif layout == "transposed":
            y = x.transpose(0, -1).contiguous().transpose(0, -1)
        else:
            x = x[:1].expand_as(x)
            y, x = x, x.contiguous()
        expected = gradients(layer, x)
        assert not y.is_contiguous() or x.shape[0] == 1
        for name, found in gradients(layer, y).items():
            assert_within(found, expected[name], 1e-10)

    @pytest.mark.parametrize("backend", backends_for("cpu"))
    def test_samples_do_not_meet(self, backend):
        layer, x = self._layer(), self._input()
        with use_backend(backend):
            whole, alone = layer(x), torch.cat([layer(sample) for sample in x.split(1)])
        assert_within(whole, alone, 1e-12)

    @pytest.mark.parametrize("backend", backends_for("cpu"))
    def test_nan_stays_in_its_sample(self, backend):
        layer, x = self._layer(), self._input()
        spoilt = x.clone()
        spoilt[1].view(-1)[0] = math.nan
        with use_backend(backend), torch.no_grad():
            expected, found = layer(x), layer(spoilt)
        assert found[1].isnan().any()
        found[1] = expected[1]
        assert_within(found, expected, 1e-12)

    @pytest.mark.parametrize("backend", backends_for("cpu"))
    def test_infinity_raises_nothing(self, backend):
        x = self._input()
        x[0], x[1] = math.inf, -math.inf
        with use_backend(backend):
            y = self._layer()(x)
        assert y[2:].isfinite().all()

    def test_saves_only_its_input(self):
        layer, x = self._layer(), self._input()
        x = x.repeat(64, *[1] * (x.dim() - 1)).requires_grad_()
        assert saved_bytes(layer, x) <= x.nbytes + 8 * len(x)

    @pytest.mark.slow
    def test_hides_nothing(self):
        layer, x = self._layer(), self._input()
        x = x.repeat(64, *[1] * (x.dim() - 1)).requires_grad_()
        assert live_bytes(layer, x) <= 2 * layer(x).nbytes + 8 * len(x)  # with a bias, the sum before it lives on

    @pytest.mark.slow
    def test_gradients_by_finite_differences(self):
        layer, x = self._layer(), self._input()[:1].requires_grad_()
        if any(inner.edge.grad_free for _, inner in edge_layers(layer)):
            pytest.skip("declared not to have the gradient of its function")
        names, parameters = zip(*layer.named_parameters(), strict=True)

        def evaluate(x, *values):
            return functional_call(layer, dict(zip(names, values, strict=True)), (x,))

        assert torch.autograd.gradcheck(evaluate, (x, *parameters))

    def test_gradients_by_sample(self):
        layer, x = self._layer(), self._input()
        parameters = {name: p.detach() for name, p in layer.named_parameters()}

        def loss(parameters, sample):
            return functional_call(layer, parameters, (sample.unsqueeze(0),)).square().sum()

        mapped = vmap(grad(loss), (None, 0))(parameters, x)
        for i, sample in enumerate(x):
            alone = torch.autograd.grad(layer(sample.unsqueeze(0)).square().sum(), list(layer.parameters()))
            for name, expected in zip(parameters, alone, strict=True):
                assert_within(mapped[name][i], expected, 1e-10)

    @pytest.mark.slow
    def test_compiled_equals_eager(self):
        layer, x = self._layer(), self._input()
        compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
        for found, expected in zip(*(backward(run, layer, x) for run in (compiled, layer)), strict=True):
            assert_within(found, expected, 1e-10)
        torch.compiler.reset()

    def test_state_dict_through_safetensors(self):
        layer, other, x = self._layer(), self._layer(seed=7), self._input()
        file = safetensors.torch.save(layer.state_dict())
        other.load_state_dict(safetensors.torch.load(file))
        for name, tensor in layer.state_dict().items():
            assert torch.equal(other.state_dict()[name], tensor)
        assert torch.equal(other(x), layer(x))

    @pytest.mark.parametrize(
        "how", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))], ids=["deep", "pickle"]
    )
    def test_copy(self, how):
        layer, x = self._layer(), self._input()
        twin = how(layer)
        assert torch.equal(twin(x), layer(x))
        with torch.no_grad():
            next(twin.parameters()).add_(1)
        assert not torch.equal(next(twin.parameters()), next(layer.parameters()))

    @pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
    def test_dtype(self, dtype):
        x, expected = self._input(), self._layer()(self._input())
        for layer in (self._layer().to(dtype), self._layer(dtype)):
            assert {p.dtype for p in layer.parameters()} == {dtype}
            y = layer(x.to(dtype))
            assert y.dtype == dtype
            y.sum().backward()
            assert {getattr(p.grad, "dtype", None) for p in layer.parameters()} == {dtype}
        relative = 100 * torch.finfo(dtype).eps
        assert_within(self._layer().to(dtype)(x.to(dtype)).double(), expected, min(relative, 0.1))

    def test_autocast(self, monkeypatch):
        layer, x = self._layer(torch.float32), self._input().float()
        expected, seen = layer(x), []
        exact = torch.autograd.grad(expected.square().sum(), list(layer.parameters()))
        for _, inner in edge_layers(layer):
            basis = type(inner.edge.basis)
            values = basis.values
            monkeypatch.setattr(basis, "values", lambda self, x, *a, v=values: seen.append(x.dtype) or v(self, x, *a))
        with torch.autocast("cpu", torch.bfloat16):
            y = layer(x)
        y.float().square().sum().backward()
        assert set(seen) == {torch.float32}
        assert_within(y.float(), expected, 0.05)
        for p, gradient in zip(layer.parameters(), exact, strict=True):
            assert p.grad is not None
            assert p.grad.dtype == torch.float32
            assert_within(p.grad, gradient, 0.1)

    def test_draws_as_the_layers_of_torch_do(self):
        """From the global generator, which is not reseeded; nothing else in the process is touched."""
        before = _numpy_state(), torch.get_default_dtype(), torch.get_num_threads()
        first, after_first = self._layer(seed=3), torch.rand(4)
        again, after_again = self._layer(seed=3), torch.rand(4)
        other, after_other = self._layer(seed=4), torch.rand(4)
        assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
        assert any(not torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))
        assert torch.equal(after_first, after_again)
        assert not torch.equal(after_first, after_other)
        assert before == (_numpy_state(), torch.get_default_dtype(), torch.get_num_threads())

    def test_another_default_device(self):
        """Made and run on its own device, whatever the default one is."""
        expected, x = self._layer()(self._input()), self._input()
        with torch.device("meta"):
            torch.manual_seed(0)
            layer = self.make(device="cpu", dtype=torch.float64)
            y = layer(x)
            y.sum().backward()
        assert torch.equal(y, expected)

    def test_another_device(self):
        """Made on it or moved to it, and run there; the numbers are those of the CPU."""
        layer, x = self._layer(), self._input()
        with OtherDevice():
            assert {t.device for t in _tensors(self.make(device=AWAY))} == {AWAY}
        assert_same_there(layer, x, 1e-10)

    def test_meta_device(self):
        """Built without memory, moved, reset: the same numbers as when built at once."""
        layer = self.make(device="meta", dtype=torch.float64)
        assert all(t.is_meta for t in _tensors(layer))
        layer.to_empty(device="cpu")
        torch.manual_seed(0)
        for module in layer.modules():
            if (reset := getattr(module, "reset_parameters", None)) is not None:
                reset()
        x = self._input()
        assert layer(x).isfinite().all()
        if not [p for child in layer.children() for p in child.parameters()]:  # which would be drawn in another order
            assert torch.equal(layer(x), self._layer()(x))

    def _layer(self, dtype: torch.dtype = torch.float64, seed: int = 0) -> nn.Module:
        torch.manual_seed(seed)
        return self.make(dtype=dtype)

    def _input(self, shape: tuple[int, ...] | None = None) -> Tensor:
        return torch.randn(shape or self.shapes[0], generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from module.buffers()


def _numpy_state() -> list[int]:
    return np.random.get_state(legacy=False)["state"]["key"].tolist()  # noqa: NPY002 (it is to stay untouched)
