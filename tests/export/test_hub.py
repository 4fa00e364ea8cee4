import json
import re
from inspect import signature
from pathlib import Path

import pytest
import torch
import yaml

from edgewise import EdgewiseError, create_model
from edgewise.export import from_pretrained, push_to_hub, save_pretrained
from edgewise.export.hub import model_card

huggingface_hub = pytest.importorskip("huggingface_hub")


def network():
    return create_model("kan", width=[3, [2, 1], 2])


class Hub:
    """A hub in memory, with the calls of the real client that are used."""

    files: dict[str, dict[str, bytes]]

    def __init__(self):
        self.files, self.private, self.tokens = {}, {}, []

    def api(self, token=None):
        self.tokens.append(token)
        return self

    def create_repo(self, repo_id, *, private, exist_ok):
        assert exist_ok
        self.files.setdefault(repo_id, {})
        self.private[repo_id] = private
        return f"https://hub/{repo_id}"

    def upload_folder(self, *, repo_id, folder_path, commit_message):
        assert commit_message
        self.files[repo_id] |= {path.name: path.read_bytes() for path in Path(folder_path).iterdir()}

    def download(self, repo_id, filename, *, revision):
        if repo_id not in self.files:
            raise OSError(f"404: {repo_id} is not here\nmore about it")
        path = self.cache / filename
        path.write_bytes(self.files[repo_id][filename])
        return str(path)


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """The client, with a hub in memory in the place of the real one; its signatures are checked against the real ones."""
    hub = Hub()
    hub.cache = tmp_path
    for real, fake in (("create_repo", hub.create_repo), ("upload_folder", hub.upload_folder)):
        assert set(signature(fake).parameters) <= set(signature(getattr(huggingface_hub.HfApi, real)).parameters)
    monkeypatch.setattr(huggingface_hub, "HfApi", hub.api)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hub.download)
    return hub


def test_a_folder_gives_back_the_network(tmp_path):
    model, x = network(), torch.randn(5, 3)
    save_pretrained(model, tmp_path / "new" / "mine")
    loaded = from_pretrained(tmp_path / "new" / "mine")
    assert torch.equal(loaded(x), model(x))
    assert not loaded.training
    assert json.loads((tmp_path / "new" / "mine" / "config.json").read_text()) == model.config


def test_the_card_says_what_it_is_and_its_code_runs(tmp_path, monkeypatch):
    model = network()
    monkeypatch.chdir(tmp_path)
    save_pretrained(model, "mine", title="A small network")
    card = Path("mine/README.md").read_text()
    _, front, body = card.split("---\n", 2)
    assert yaml.safe_load(front)["library_name"] == "edgewise"
    assert "# A small network" in body
    assert f"{sum(p.numel() for p in model.parameters()):,} parameters" in body
    assert "`(N, 3)` into an output `(N, 2)`" in body
    assert json.loads(re.search(r"```json\n(.*?)```", body, re.DOTALL)[1]) == model.config
    found = {}
    exec(re.search(r"```python\n(.*?)```", body, re.DOTALL)[1], found)
    assert torch.equal(found["model"](torch.ones(1, 3)), model(torch.ones(1, 3)))


def test_a_card_that_somebody_wrote_is_kept(tmp_path):
    (tmp_path / "README.md").write_text("mine")
    save_pretrained(network(), tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"


def test_what_is_pushed_can_be_loaded(hub):
    model, x = network(), torch.randn(4, 3)
    assert push_to_hub(model, "me/mine", private=True, token="secret") == "https://hub/me/mine"
    assert sorted(hub.files["me/mine"]) == ["README.md", "config.json", "model.safetensors"]
    assert hub.private == {"me/mine": True}
    assert hub.tokens == ["secret"]
    assert b'from_pretrained("me/mine")' in hub.files["me/mine"]["README.md"]
    assert torch.equal(from_pretrained("me/mine")(x), model(x))


def test_what_is_not_there_is_named(hub, tmp_path):
    with pytest.raises(EdgewiseError, match=r"no folder me/other, and the hub does not give it: 404: .* is not here$"):
        from_pretrained("me/other")
    with pytest.raises(EdgewiseError, match="neither a folder nor"):
        from_pretrained("nothing")
    with pytest.raises(EdgewiseError, match=r"model.safetensors does not exist"):
        from_pretrained(tmp_path)


def test_a_network_that_cannot_be_rebuilt_is_refused(hub, tmp_path):
    for save in (lambda model: save_pretrained(model, tmp_path), lambda model: push_to_hub(model, "me/mine")):
        with pytest.raises(EdgewiseError, match="Linear has no config to rebuild it from"):
            save(torch.nn.Linear(2, 1))
    assert not hub.files


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EdgewiseError, match="cannot make the folder"):
        save_pretrained(network(), tmp_path / "file" / "below")


def test_the_card_of_a_network_of_two_inputs_has_both():
    model = create_model("ukan_diffusion", in_channels=1, widths=(8, 8, 8))
    card = model_card(model, "Noise", "me/noise")
    assert "turns inputs `(N, 1, 32, 32)` and `(N)` into an output `(N, 1, 32, 32)`" in card
