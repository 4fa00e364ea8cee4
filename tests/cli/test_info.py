import platform
from importlib.metadata import version

import pytest

from edgewise.cli import main
from edgewise.io import save_model
from edgewise.models import create_model


def test_versions_and_devices(capsys):
    assert main(["info"]) == 0
    printed = capsys.readouterr().out
    lines = [line.split() for line in printed.splitlines()]
    assert ["python", platform.python_version()] in lines
    assert ["edgewise", version("edgewise")] in lines
    assert ["torch", version("torch")] in lines
    assert any(line[:1] == ["cpu"] for line in lines)
    assert "backend: " in printed


@pytest.mark.parametrize("saved", [False, True], ids=["by name", "from a file"])
def test_the_layers_of_a_model(capsys, tmp_path, saved):
    path = tmp_path / "model.safetensors"
    if saved:
        save_model(create_model("kan", width=[2, 3, 1], basis={"name": "wavelet"}), path)
        words = [str(path)]
    else:
        words = ["kan", "--options", '{"width": [2, 3, 1], "basis": {"name": "wavelet"}}']
    assert main(["info", *words]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if "KANLayer" in line]
    assert [row[:3] for row in rows] == [["0", "KANLayer", "lean"], ["1", "KANLayer", "lean"]]


def test_a_model_without_edges_and_a_device_that_is_not_there(capsys):
    assert main(["info", "mlp", "--options", '{"width": [2, 1]}']) == 0
    assert "mlp has no layer of edge functions" in capsys.readouterr().out
    assert main(["info", "--device", "cuda:9"]) == 1
    assert "device 'cuda:9' is not there" in capsys.readouterr().err
