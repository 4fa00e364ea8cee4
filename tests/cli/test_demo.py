from dataclasses import replace
from pathlib import Path

import pytest

import edgewise.cli.demo as demo
from edgewise.cli import main
from edgewise.vision import Model, create_recipe


@pytest.fixture
def small(monkeypatch, pictures):
    """The demo on the test's own pictures, with two small networks."""
    recipe = create_recipe("folder")
    recipe = replace(recipe, data=replace(recipe.data, root=str(pictures), size=(32, 32)), epochs=1)
    recipe = replace(recipe, machine=replace(recipe.machine, accelerator="cpu"))
    networks = {"U-KAN": "ukan", "ALL U-KAN": "all_ukan"}
    monkeypatch.setattr(demo, "demo_recipe", lambda root, quick: recipe)
    monkeypatch.setattr(
        demo, "NETWORKS", {title: Model(name=name, options={"widths": [8, 8, 8]}) for title, name in networks.items()}
    )


@pytest.mark.slow
def test_the_demo_trains_each_network_and_goes_on_where_it_was(small, tmp_path, monkeypatch, capsys):
    original, trained = demo.train, []

    def train(recipe, folder, resume):
        trained.append(Path(folder).name)
        if trained == ["ukan", "all_ukan"]:
            raise KeyboardInterrupt
        return original(recipe, folder, resume=resume)

    monkeypatch.setattr(demo, "train", train)
    assert main(["demo", "--out", str(tmp_path)]) == 130
    assert "the same command goes on where it was" in capsys.readouterr().err

    first = (tmp_path / "ukan" / "model.safetensors").stat().st_mtime_ns
    assert main(["demo", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "ukan" / "model.safetensors").stat().st_mtime_ns == first
    text = capsys.readouterr().out
    assert all(title in text for title in ("U-KAN", "ALL U-KAN", "grey threshold"))
    report = tmp_path / "report.html"
    assert str(report) in text
    assert "ALL U-KAN" in report.read_text()


def test_the_networks_share_one_recipe():
    full, quick = demo.demo_recipe(None, quick=False), demo.demo_recipe(Path("stack"), quick=True)
    assert full == create_recipe("nuclei")
    assert (quick.epochs, quick.data.size, quick.data.root) == (2, (64, 64), "stack")
    assert list(demo.NETWORKS) == ["U-Net", "U-KAN", "ALL U-KAN"]
