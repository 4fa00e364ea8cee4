import copy

import pytest
import torch
from torch import nn

import edgewise
from edgewise import EdgewiseError
from edgewise.bases import BSpline, Chebyshev, Fourier, Wavelet
from edgewise.models import ToKAN, ToSaKAN, kanify
from edgewise.nn import (
    GSKANLinear,
    KANConv1d,
    KANConv2d,
    KANConv3d,
    KANConvTranspose2d,
    KANLinear,
    SaKANLinear,
    edge_layers,
)
from edgewise.testing import assert_within


def settled(model: nn.Module, x: torch.Tensor) -> nn.Module:
    """The network after its norms have seen some data, so that its outputs are of the order of one."""
    for norm in (m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)):
        norm.momentum = None  # the mean of all that it saw
        norm.reset_running_stats()
    with torch.no_grad():
        for _ in range(3):
            model.train()(x)
    return model.eval()


def assert_same_function(old: nn.Module, new: nn.Module, x: torch.Tensor) -> None:
    with torch.no_grad():
        expected, found = old(x), new(x)
    assert expected.abs().max() > 0.01  # else anything would do
    assert (found - expected).abs().max() < 1e-4 * max(1.0, expected.abs().max().item())


def functions_at_zero(model: nn.Module) -> bool:
    return all(not layer.coef.any() for _, layer in edge_layers(model))


@pytest.mark.parametrize(
    "made",
    [
        ToKAN(),
        pytest.param(ToKAN(Chebyshev(3), scale=True), marks=pytest.mark.slow),
        pytest.param(ToSaKAN(Fourier(2)), marks=pytest.mark.slow),
    ],
    ids=["b", "c", "shared"],
)
def test_resnet_of_timm_stays_the_same_function(made):
    timm, x = pytest.importorskip("timm"), torch.randn(2, 3, 64, 64)
    model = settled(timm.create_model("resnet18", num_classes=10), x)
    new = kanify(model, made, made)
    assert len(list(edge_layers(new))) == 21
    assert not any(type(m) in (nn.Linear, nn.Conv2d) for m in new.modules())
    assert functions_at_zero(new)
    assert_same_function(model, new, x)


def test_unet_of_monai_with_transposed_convolutions_stays_the_same_function():
    nets, x = pytest.importorskip("monai.networks.nets"), torch.randn(2, 1, 32, 32)
    model = settled(nets.UNet(2, 1, 2, (8, 16, 32), (2, 2), num_res_units=2), x)
    new = kanify(model)
    assert sum(isinstance(layer, KANConvTranspose2d) for _, layer in edge_layers(new)) == 2
    assert not any(type(m) in (nn.Conv2d, nn.ConvTranspose2d) for m in new.modules())
    assert_same_function(model, new, x)


def test_mobilenet_of_torchvision_with_depthwise_convolutions_stays_the_same_function():
    models, x = pytest.importorskip("torchvision.models"), torch.randn(2, 3, 64, 64)
    model = settled(models.mobilenet_v3_small(num_classes=5), x)
    new = kanify(model)
    assert any(layer.window.groups > 1 for _, layer in edge_layers(new) if isinstance(layer, KANConv2d))
    assert_same_function(model, new, x)


def test_vit_of_timm_stays_the_same_function():
    timm, x = pytest.importorskip("timm"), torch.randn(2, 3, 32, 32)
    sizes = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2, "num_classes": 5}
    model = timm.create_model("vit_tiny_patch16_224", **sizes).eval()
    new = kanify(model, linear=ToKAN(Wavelet(num_wavelets=3)), where=["*.mlp.*", "*.qkv"])
    assert sorted({name.rsplit(".", 1)[-1] for name, _ in edge_layers(new)}) == ["fc1", "fc2", "qkv"]
    assert_same_function(model, new, x)


def test_bert_of_transformers_stays_the_same_function():
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": 50}
    model = transformers.BertModel(transformers.BertConfig(**sizes)).eval()
    tokens = torch.arange(12).view(2, 6)
    with torch.no_grad():
        assert_within(kanify(model)(tokens).last_hidden_state, model(tokens).last_hidden_state, 1e-4)


CONVS = [
    (nn.Conv1d(4, 6, 5, stride=2, padding=3, dilation=2, groups=2), KANConv1d),
    (nn.Conv1d(4, 6, 3, padding=1, padding_mode="circular", bias=False), KANConv1d),
    (nn.Conv2d(4, 8, (3, 2), stride=(2, 1), padding=(0, 1), groups=4), KANConv2d),
    (nn.Conv2d(3, 5, 4, padding="same", dilation=2, padding_mode="reflect"), KANConv2d),
    (nn.Conv2d(3, 5, 3, padding="valid"), KANConv2d),
    (nn.Conv3d(2, 4, 3, padding=1, padding_mode="replicate"), KANConv3d),
]


@pytest.mark.parametrize(("old", "kind"), CONVS, ids=range(len(CONVS)))
def test_geometry_of_convolutions_is_carried_over(old, kind):
    old = copy.deepcopy(old).double()
    new = kanify(old)
    assert type(new) is kind
    x = torch.randn(2, old.in_channels, *[11] * new.space, dtype=torch.float64)
    assert_within(new(x), old(x), 1e-12)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_geometry_of_transposed_convolutions_is_carried_over(n):
    kind = getattr(nn, f"ConvTranspose{n}d")
    old = kind(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2, dilation=2).double()
    x = torch.randn(2, 4, *[5] * n, dtype=torch.float64)
    assert_within(kanify(old)(x), old(x), 1e-12)


def test_what_is_frozen_in_a_transposed_convolution_stays_frozen():
    old = nn.ConvTranspose2d(2, 3, 3)
    old.weight.requires_grad_(False)
    new = kanify(old)
    assert {name for name, p in new.named_parameters() if p.requires_grad} == {"bias"}


def test_the_new_functions_learn_and_then_matter():
    old, x = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)), torch.randn(50, 3)
    new = kanify(old)
    new(x).square().mean().backward()
    assert all(layer.coef.grad.count_nonzero() > 0 for _, layer in edge_layers(new))
    with torch.no_grad():
        new[0].coef.normal_()
    assert (new(x) - old(x)).abs().max() > 0.01


def test_the_original_is_left_alone():
    old = nn.Sequential(nn.Linear(3, 2))
    before = copy.deepcopy(old.state_dict())
    new = kanify(old)
    with torch.no_grad():
        new[0].base_weight.fill_(7)
    assert type(old[0]) is nn.Linear
    assert all(torch.equal(before[name], tensor) for name, tensor in old.state_dict().items())


def test_a_cold_start_draws_all_parameters():
    old = nn.Sequential(nn.Linear(30, 20))
    new = kanify(old, ToKAN(base="silu"), warm_start=False)
    assert new[0].edge.base == "silu"
    assert new[0].coef.any()
    assert not torch.equal(new[0].base_weight, old[0].weight)


def test_device_dtype_mode_and_what_is_frozen_are_carried_over():
    old = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)).to(torch.bfloat16)
    old[0].requires_grad_(False).eval()
    new = kanify(old, ToKAN(Wavelet()))
    assert {p.dtype for p in new.parameters()} == {torch.bfloat16}
    assert [m.training for m in new] == [False, True]
    assert not any(p.requires_grad for p in new[0].parameters())
    assert all(p.requires_grad for p in new[1].parameters())
    assert {p.device.type for p in kanify(old.to("meta")).parameters()} == {"meta"}


def test_a_shared_layer_stays_shared():
    layer = nn.Linear(3, 3)
    new = kanify(nn.Sequential(layer, nn.Tanh(), layer))
    assert new[0] is new[2]
    assert isinstance(new[0], KANLinear)


class Tied(nn.Module):
    """A language model in small: the embedding is also the last layer."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(7, 4)
        self.head = nn.Linear(4, 7, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, tokens):
        return self.head(self.embedding(tokens))


def test_a_shared_weight_stays_shared_or_is_refused():
    new, tokens = kanify(Tied()), torch.arange(7)
    assert new.head.base_weight is new.embedding.weight
    assert new(tokens).shape == (7, 7)
    with pytest.raises(EdgewiseError, match="'head' shares its weight with 'embedding'"):
        kanify(Tied(), warm_start=False)
    transposed = nn.Sequential(nn.ConvTranspose1d(2, 2, 3), nn.Conv1d(2, 2, 3))
    transposed[0].weight = transposed[1].weight
    with pytest.raises(EdgewiseError, match="'0' shares its weight with '1'"):
        kanify(transposed)


NET = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 2)))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["0", "2.0", "2.2"]),
        ({"conv": None}, ["2.0", "2.2"]),
        ({"linear": None}, ["0"]),
        ({"where": "2.*"}, ["2.0", "2.2"]),
        ({"where": NET[2][2]}, ["2.2"]),
        ({"where": NET[2]}, ["2.0", "2.2"]),
        ({"where": nn.Conv2d}, ["0"]),
        ({"where": lambda name, layer: layer.weight.numel() > 100}, ["0", "2.0"]),
        ({"where": ["0", "2.2"]}, ["0", "2.2"]),
        ({"where": [nn.Linear, "0"], "skip": "*.0"}, ["0", "2.2"]),
    ],
    ids=range(10),
)
def test_layers_are_chosen_by_name_class_module_and_size(options, expected):
    assert [name for name, _ in edge_layers(kanify(NET, **options))] == expected


def test_a_function_of_the_old_layer_makes_the_new_one():
    def narrow(old):
        return SaKANLinear(old.in_features, old.out_features, BSpline(2), base="identity", bias=True)

    x = torch.randn(5, 3, 4, 4)
    new = kanify(NET, narrow, None)
    assert isinstance(new[2][0], SaKANLinear)
    assert_same_function(NET, new, x)


def test_what_rebuilt_the_old_network_does_not_pass_for_the_new_one():
    model = edgewise.create_model("mlp", width=[3, 4, 2])
    assert not hasattr(kanify(model), "config")
    assert model.config["name"] == "mlp"


@pytest.mark.parametrize("make", [ToKAN, ToSaKAN])
def test_makers_take_a_basis_by_its_name(make):
    net = nn.Sequential(nn.Conv2d(2, 3, 1), nn.Flatten(), nn.Linear(12, 2))
    for given in ("chebyshev", {"name": "chebyshev"}):
        kan = kanify(net, linear=make(given), conv=make(given))
        assert kan[0].edge.basis == kan[2].edge.basis == Chebyshev()
    with pytest.raises(edgewise.EdgewiseError, match=r"cannot be replaced: a basis is .* write Chebyshev\(\)"):
        kanify(net, conv=make(Chebyshev))


@pytest.mark.parametrize("make", [ToKAN(), ToSaKAN()])
def test_makers_refuse_what_has_no_edges(make):
    with pytest.raises(edgewise.EdgewiseError, match="stand for linear layers and convolutions, got ReLU"):
        make(nn.ReLU())


def test_nor_inside_another():
    whole = nn.Sequential(edgewise.create_model("mlp", width=[3, 4, 2]), edgewise.create_model("mlp", width=[2, 1]))
    part = kanify(whole, where="0.2")
    assert not hasattr(part[0], "config")
    assert part[1].config == whole[1].config


@pytest.mark.parametrize(
    ("old", "shape"),
    [(nn.ConvTranspose2d(3, 3, 3, padding=2), (3, 8, 8)), (nn.ConvTranspose1d(3, 3, 1, padding=1), (3, 8))],
    ids=["wide", "all"],
)
def test_padding_may_cut_more_than_small_inputs_give(old, shape):
    x = torch.randn(2, *shape)
    assert_within(kanify(old)(x), old(x), 1e-5)


def test_under_autocast_types_stay_what_they_were():
    net, x = (
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ConvTranspose2d(4, 2, 3), nn.Flatten(), nn.Linear(50, 2)),
        torch.randn(2, 3, 5, 5),
    )
    with torch.autocast("cpu", torch.bfloat16):
        found = kanify(net)
        for old, new in zip(net, found, strict=True):
            assert old(x).dtype == new(x).dtype == torch.bfloat16 or isinstance(old, nn.Flatten)
            x = old(x)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(4, 2)
        nn.init.orthogonal_(self.encoder.weight)  # what is read here is no matter

    def forward(self, x):
        return self.decode(self.encoder(x))

    def decode(self, h):
        return nn.functional.linear(h, self.encoder.weight.t())


class Listed(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(2, 2), nn.Linear(2, 2)
        self.all = [self.first, self.second]


def patched():
    layer = nn.Linear(3, 2)
    layer.forward = lambda x: 2 * nn.Linear.forward(layer, x)
    return layer


class Scaled(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


def pruned():
    from torch.nn.utils import prune

    return prune.l1_unstructured(nn.Linear(3, 2), "weight", 0.5)


def hooked():
    layer = nn.Linear(3, 2)
    layer.register_forward_hook(lambda *_: None)
    return layer


ATTENTION = nn.MultiheadAttention(4, 2)
BAD = [
    (nn.ReLU(), {}, "no layer to replace"),
    (NET, {"linear": None, "conv": None}, "no layer to replace"),
    (NET, {"where": "layer4.*"}, "none of the 3 layers, such as '0'"),
    (NET, {"skip": "*"}, "none of the 3 layers"),
    (NET, {"where": 4}, "a filter is a pattern"),
    (nn.Sequential(ATTENTION), {}, "'0.out_proj'.*MultiheadAttention reads its weight"),
    (nn.TransformerEncoderLayer(4, 2), {"skip": "*.out_proj"}, "'linear1'.*TransformerEncoderLayer reads its weight"),
    (nn.Sequential(nn.LazyLinear(3)), {}, "'0'.*run the network once"),
    (nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))), {}, "'0'.*remove_parametrizations"),
    (nn.Sequential(pruned()), {}, "'0'.*its weight is no parameter"),
    (nn.Sequential(hooked()), {}, "'0'.*has hooks"),
    (Autoencoder(), {}, "'encoder'.*Autoencoder reads its weight instead of calling it"),
    (Listed(), {}, "'first'.*Listed keeps it in a plain list or dict"),
    (nn.Sequential(patched()), {"warm_start": False}, "'0'.*its forward was replaced"),
    (nn.Sequential(Scaled(3, 2)), {}, "'0'.*Scaled.*computes something else than Linear"),
    (nn.Sequential(nn.Linear(3, 2, dtype=torch.complex64)), {}, "'0'.*complex64"),
    (NET, {"conv": ToKAN(base="silu")}, "'0' cannot start.*'silu' and must be 'identity'"),
    (NET, {"linear": ToKAN(base=None)}, "'2.0' cannot start.*no base branch"),
    (NET, {"linear": lambda old: GSKANLinear(old.in_features, old.out_features)}, "'2.0' cannot start.*no base branch"),
    (NET, {"linear": lambda old: KANLinear(16, 8, base="identity")}, "'2.0' cannot start.*no place"),
    (
        NET,
        {"conv": lambda old: KANConv2d(3, 4, 3, stride=2, base="identity", bias=True)},
        "'0' cannot start.*computes something else",
    ),
    (NET, {"linear": "kan"}, "linear must be ToKAN.*got 'kan'"),
    (nn.Sequential(nn.ConvTranspose2d(3, 4, 3)), {"conv": ToSaKAN()}, "'0'.*no SaKANConvTranspose2d.*skip"),
]


@pytest.mark.parametrize(("model", "options", "message"), BAD, ids=range(len(BAD)))
def test_what_cannot_be_is_refused_by_name(model, options, message):
    with pytest.raises(EdgewiseError, match=message):
        kanify(model, **options)
