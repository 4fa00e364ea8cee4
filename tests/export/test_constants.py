"""Networks of float64 keep all of their digits in ONNX files, though their settings are Python's numbers."""

from dataclasses import fields, replace

import pytest
import torch

from edgewise.bases import create_basis, list_bases
from edgewise.export import to_onnx
from edgewise.export.constants import WideConstants
from edgewise.nn import KANLinear

ort = pytest.importorskip("onnxruntime")


@pytest.mark.slow
@pytest.mark.parametrize("name", list_bases())
def test_settings_that_float32_does_not_hold(name, tmp_path):
    basis = create_basis(name)
    if "domain" in {field.name for field in fields(basis)}:
        basis = replace(basis, domain=(-0.7, 1 / 3))
    layer, x = KANLinear(3, 2, basis).double().eval(), torch.rand(20, 3, dtype=torch.float64) * 1.5 - 0.9
    path = tmp_path / "layer.onnx"
    to_onnx(layer, x, path)
    session = ort.InferenceSession(path)
    found = torch.from_numpy(session.run(None, {session.get_inputs()[0].name: x.numpy()})[0])
    expected = layer(x).detach()
    assert (found - expected).abs().max() < 1e-12 * expected.abs().max()


def test_only_numbers_that_need_it_become_tensors():
    x = torch.ones(2, dtype=torch.float64)
    with WideConstants():
        found = x * 0.1 + (1 - 0.3 * x) / 1e300
        assert (x.float() * 0.1).dtype == torch.float32
        assert torch.equal(x.clamp(min=0.1, max=0.7), torch.full_like(x, 0.7))
        assert torch.equal(torch.where(x > 0.5, 0.1, x), torch.full_like(x, 0.1))
    assert torch.equal(found, x * 0.1 + (1 - 0.3 * x) / 1e300)
