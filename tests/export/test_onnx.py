import pytest
import torch
import torch.nn.functional as F
from torch import nn

import edgewise
from edgewise import EdgewiseError, create_model, list_models
from edgewise.bases import list_bases
from edgewise.export import to_onnx
from edgewise.kan import KAN
from edgewise.models.ukan import UFrame
from tests.contract.test_models import LONG, SETTINGS, TWINS, make_parts_smaller

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

QUICK = {"kan", "mlp", "cnn"}  # other models take from five seconds to a minute
MODELS = [
    name if name in QUICK else pytest.param(name, marks=pytest.mark.inductor if name in LONG else pytest.mark.slow)
    for name in list_models()
    if name not in TWINS
]


def session_of(path) -> "onnxruntime.InferenceSession":
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def run(path, *inputs: torch.Tensor) -> torch.Tensor:
    session = session_of(path)
    given = {place.name: x.numpy() for place, x in zip(session.get_inputs(), inputs, strict=True)}
    return torch.from_numpy(session.run(None, given)[0])


def small_model(name: str, monkeypatch) -> nn.Module:
    """A model as the contract has it; of parts that are there more than once in a U-shape, one is left."""
    make_parts_smaller(name, monkeypatch)
    model = create_model(name, **SETTINGS[name]["options"])
    if isinstance(model, UFrame):
        model.tokens1.block = model.tokens1.block[:1]
        for stage in (model.tokens2, model.tokens3, model.tokens4):
            stage.block = nn.Sequential()
        for pair in (model.encoder1, model.encoder2, model.encoder3, model.decoder1, model.decoder2, model.decoder5):
            del pair[3:]  # one convolution, of the width that two have
    return model


@pytest.mark.parametrize("name", MODELS)
def test_every_model_gives_the_same_outputs_in_onnx_runtime(name, tmp_path, monkeypatch):
    model = small_model(name, monkeypatch)
    given = model.example_input(batch_size=3)
    inputs = given if isinstance(given, tuple) else (given,)
    to_onnx(model, None, tmp_path / "model.onnx", free=())
    with torch.no_grad():
        expected = model.eval()(*inputs)
    assert (run(tmp_path / "model.onnx", *inputs) - expected).abs().max() < 1e-4 * max(1, expected.abs().max())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ukan", "unet"])
def test_pictures_of_other_sizes_give_the_same_outputs(name, tmp_path, monkeypatch):
    model = small_model(name, monkeypatch).eval()
    to_onnx(model, None, tmp_path / "model.onnx")
    x = torch.randn(3, 3, 64, 96)
    with torch.no_grad():
        expected = model(x)
    assert (run(tmp_path / "model.onnx", x) - expected).abs().max() < 1e-4 * max(1, expected.abs().max())


class Side(nn.Module):
    """One layer of each basis, side by side."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(edgewise.nn.KANLinear(3, 2, name, bias=True) for name in list_bases())

    def forward(self, x):
        return torch.stack([layer(x) for layer in self.layers])


@pytest.mark.slow
def test_every_basis_gives_the_same_outputs_in_onnx_runtime(tmp_path):
    model, x = Side(), 2 * torch.randn(50, 3)
    to_onnx(model, torch.randn(2, 3), tmp_path / "layers.onnx")
    worst = (run(tmp_path / "layers.onnx", x) - model(x)).abs().amax((1, 2))
    assert {name: error for name, error in zip(list_bases(), worst.tolist(), strict=True) if not error < 1e-4} == {}


@pytest.mark.parametrize("kind", ["KANConv2d", pytest.param("SaKANConv2d", marks=pytest.mark.slow)])
def test_convolutions_stay_convolutions(kind, tmp_path):
    model = getattr(edgewise.nn, kind)(4, 6, 3, stride=2, padding=1, groups=2 if kind == "KANConv2d" else 1)
    to_onnx(model, torch.randn(1, 4, 8, 8), tmp_path / "layer.onnx")
    x = torch.randn(5, 4, 8, 8)
    assert (run(tmp_path / "layer.onnx", x) - model(x)).abs().max() < 1e-5
    ops = [node.op_type for node in onnx.load(tmp_path / "layer.onnx").graph.node]
    assert "Conv" in ops
    assert "Einsum" not in ops


def symbolic_network() -> KAN:
    model = KAN([2, [1, 2], 1], affine=True).double()
    model.fix_symbolic(0, 0, 1, "sin", (1.0, 2.0, 3.0, 4.0))
    model.fix_symbolic(0, 1, 3, "x^2")
    return model


def test_formulas_products_and_double_precision_are_carried_over(tmp_path):
    model, x = symbolic_network(), torch.randn(40, 2, dtype=torch.float64)
    to_onnx(model, x[:1], tmp_path / "kan.onnx")
    assert (run(tmp_path / "kan.onnx", x) - model(x)).abs().max() < 1e-10


def test_several_inputs_and_outputs(tmp_path):
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = KAN([2, 1])

        def forward(self, x, y):
            return self.layer(x) + y, y.argmax(1)

    model, pair = Both(), (torch.randn(3, 2), torch.randn(3, 4))
    to_onnx(model, pair, tmp_path / "both.onnx")
    session = session_of(tmp_path / "both.onnx")
    found = session.run(None, {n.name: t.numpy() for n, t in zip(session.get_inputs(), pair, strict=True)})
    expected = model(*pair)
    assert (torch.from_numpy(found[0]) - expected[0]).abs().max() < 1e-5
    assert found[1].tolist() == expected[1].tolist()


def test_the_network_is_left_in_its_mode_and_on_its_backend(tmp_path):
    model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5))
    model[0].eval()
    with edgewise.use_backend("lean"):
        to_onnx(model, torch.zeros(2, 2), tmp_path / "m.onnx")
        assert edgewise.backend_in_use() == "lean"
    assert [model.training, model[0].training, model[1].training] == [True, False, True]
    assert [file.name for file in tmp_path.iterdir()] == ["m.onnx"]


@pytest.mark.parametrize("opset", [17, pytest.param(21, marks=pytest.mark.slow)])
def test_the_opset_is_the_one_asked_for(opset, tmp_path):
    to_onnx(KAN([2, 2, 1]), None, tmp_path / "kan.onnx", opset=opset)
    assert [entry.version for entry in onnx.load(tmp_path / "kan.onnx").opset_import if not entry.domain] == [opset]


class Bessel(nn.Module):
    def forward(self, x):
        return torch.special.bessel_j0(x)


class PairsOnly(nn.Module):
    def forward(self, x):
        return x + 1 if x.shape[0] == 2 else x


class Restless(nn.Module):
    def __init__(self, size=1.0):
        super().__init__()
        self.calls, self.size = 0, size

    def forward(self, x):
        self.calls += 1
        return x * self.calls * self.size


X = torch.randn(2, 3)
BAD = [
    (KAN([2, 1]), {"opset": 9}, "opset 9 cannot carry the op '\\w+'.*newer opset"),
    (nn.GELU(), {"example": X, "opset": 18}, "opset 18 cannot carry the op 'Gelu'"),
    (KAN([2, 1]), {"opset": 999}, "opset must be from 1 to \\d+"),
    (Bessel(), {"example": X}, "its op 'prims.bessel_j0' has no counterpart"),
    (PairsOnly(), {"example": X}, "PairsOnly cannot be exported for batches of any size"),
    (Restless(), {"example": X}, "gives other outputs than the network"),
    (nn.Linear(3, 2), {}, "Linear has no example_input"),
    (nn.Linear(3, 2), {"example": torch.zeros(0, 3)}, "a batch of 1 or more samples"),
    (nn.Linear(3, 2), {"example": torch.zeros(2, 4)}, "cannot be exported"),
    (KAN([2, 1]).to(torch.bfloat16), {}, "ONNX Runtime cannot run the network|cannot be written"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("model", "options", "message"), BAD, ids=range(len(BAD)))
def test_what_cannot_be_written_is_refused_and_nothing_is_written(model, options, message, tmp_path):
    with pytest.raises(EdgewiseError, match=message):
        to_onnx(model, **({"example": None, "path": tmp_path / "m.onnx"} | options))
    assert not list(tmp_path.iterdir())


def test_small_outputs_are_compared_as_closely_as_large_ones(tmp_path):
    with pytest.raises(EdgewiseError, match="gives other outputs than the network"):
        to_onnx(Restless(size=1e-5), X, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


class Hardly(nn.Module):
    """Outputs that are zero, and ones that would be but for rounding."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(3, 50), nn.Linear(50, 2)

    def forward(self, x):
        hidden = self.first(x).sigmoid()
        return 0 * x, self.second(hidden) - F.linear(hidden.flip(1), self.second.weight.flip(1), self.second.bias)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_outputs_of_hardly_anything_are_no_other_ones(dtype, tmp_path):
    model = Hardly().to(dtype)
    assert model(X.to(dtype))[1].abs().max() < 1e-5
    to_onnx(model, X.to(dtype), tmp_path / "m.onnx")


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(EdgewiseError, match="nowhere is no folder"):
        to_onnx(KAN([2, 1]), None, tmp_path / "nowhere" / "m.onnx")
