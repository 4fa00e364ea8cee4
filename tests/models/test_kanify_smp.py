"""Networks of segmentation_models_pytorch: its decoders as KANs, and its encoders by timm's names."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

import edgewise
from edgewise.nn import KANConv2d

timm = pytest.importorskip("timm")
PAGE = (Path(__file__).parents[2] / "docs" / "segmentation.md").read_text()


def listed():
    """The names of smp on the page, with those of timm."""
    rows = [
        line.strip("| ").split(" | ") for line in re.search(r"\| smp \| timm \|(.*?)\n\n", PAGE, re.S)[1].splitlines()[2:]
    ]
    pairs = [(re.findall("`(.*?)`", smp), re.findall("`(.*?)`", same)) for smp, same in rows]
    return [pair for smp, same in pairs for pair in zip(smp, same or smp, strict=True)]


def test_the_names_on_the_page_are_those_of_timm():
    assert len(listed()) == 17
    assert all(timm.is_model(name) for _, name in listed())


def test_the_page_names_all_that_smp_has_and_timm_has_not():
    smp = pytest.importorskip("segmentation_models_pytorch", reason="a package that the benchmarks alone install")
    names, known = smp.encoders.get_encoder_names(), dict(listed())
    rules = (
        ("timm-tf_", "tf_"),
        ("timm-efficientnet-", "tf_efficientnet_"),
        ("timm-", ""),
        ("efficientnet-", "efficientnet_"),
    )

    def of_timm(name):
        start, other = next((rule for rule in rules if name.startswith(rule[0])), ("", ""))
        return known.get(name, (other + name.removeprefix(start)).replace("se_res", "legacy_seres"))

    assert known.keys() <= set(names)
    absent = {name for name in names if not timm.is_model(of_timm(name))}
    assert absent == {*(f"mit_b{size}" for size in range(6)), "resnext101_32x48d"}


def test_a_decoder_becomes_kans_and_the_network_stays_the_same_function():
    smp = pytest.importorskip("segmentation_models_pytorch", reason="a package that the benchmarks alone install")
    torch.manual_seed(0)
    network = smp.Unet("mit_b0", encoder_weights=None, classes=2, decoder_channels=(16, 8, 8, 4, 4)).eval()
    kan = edgewise.kanify(network, where="decoder.*")
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(kan(x), network(x), rtol=1e-4, atol=1e-5)
    count = [sum(isinstance(layer, nn.Conv2d) for layer in part.modules()) for part in (network.decoder, kan.decoder)]
    assert count[0] == sum(isinstance(layer, KANConv2d) for layer in kan.decoder.modules()) > 0 == count[1]
    assert not any(isinstance(layer, KANConv2d) for layer in kan.encoder.modules())
