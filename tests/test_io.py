import errno
import json
import os
import stat

import pytest
import torch
from safetensors.torch import save, save_file
from torch import nn

from edgewise import io
from edgewise._ground.errors import CheckpointError, ConfigError
from edgewise.io import atomic_write, load_model, read_json, save_model, write_json
from edgewise.models.registry import MODELS, register_model


class Small(nn.Module):
    def __init__(self, width=3):
        super().__init__()
        self.config = {"name": "small", "options": {"width": width}}
        self.layer = nn.Linear(2, width)
        self.register_buffer("count", torch.tensor(7))
        self.register_buffer("grid", torch.linspace(0, 1, 4, dtype=torch.float64), persistent=False)

    def forward(self, x):
        return self.layer(x) * self.grid.sum()


@pytest.fixture(autouse=True)
def _registered():
    register_model("small")(Small)
    yield
    MODELS.unregister("small")


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    model = Small()
    save_model(model, tmp_path / "model.safetensors")
    return model, tmp_path / "model.safetensors"


def test_equal_models_are_equal_files(tmp_path):
    """The library that writes them draws the order of the metadata anew for each file."""
    for number in range(12):
        torch.manual_seed(0)
        save_model(Small(), tmp_path / f"{number}.safetensors")
    first, *others = (path.read_bytes() for path in tmp_path.iterdir())
    assert all(other == first for other in others)
    length = int.from_bytes(first[:8], "little")
    assert length % 8 == 0
    assert list(json.loads(first[8 : 8 + length])["__metadata__"]) == ["config", "format", "sha256", "version"]


def test_names_and_settings_in_any_alphabet_survive(tmp_path):
    model = Small()
    model.config["options"]["note"] = 'größe "quoted" \n\t\u2028 \U0001f600'
    save_model(model, tmp_path / "model.safetensors")
    assert io.read_weights(tmp_path / "model.safetensors")[0] == model.config


def rewrite(path, **changes):
    """The file with other metadata, its tensors as they were."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    metadata |= changes
    if "config" in changes:
        metadata["sha256"] = io._digest(metadata["config"], tensors)
    save_file(tensors, path, metadata)


def test_a_model_comes_back_bit_for_bit(saved):
    model, path = saved
    again = load_model(path)
    assert again.config == model.config
    assert not again.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)
    x = torch.randn(5, 2)
    assert torch.equal(again(x), model(x))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_types_come_back(tmp_path, dtype):
    path = tmp_path / "model.safetensors"
    model = Small().to(dtype)
    save_model(model, path)
    again = load_model(path)
    assert again.layer.weight.dtype == dtype
    assert torch.equal(again.layer.weight, model.layer.weight)
    assert again.count.dtype == torch.int64
    assert again.layer.weight.requires_grad


def test_every_flipped_byte_is_noticed(saved):
    _, path = saved
    good = path.read_bytes()
    for index in range(len(good)):
        for bit in (0x01, 0x80):
            path.write_bytes(good[:index] + bytes([good[index] ^ bit]) + good[index + 1 :])
            with pytest.raises(CheckpointError) as caught:
                load_model(path)
            assert str(path) in str(caught.value)


def test_every_truncation_is_noticed(saved):
    _, path = saved
    good = path.read_bytes()
    for length in range(len(good)):
        path.write_bytes(good[:length])
        with pytest.raises(CheckpointError):
            load_model(path)


def test_config_and_weights_of_two_files_do_not_mix(saved):
    _, path = saved
    rewrite(path, sha256="0" * 64)
    with pytest.raises(CheckpointError, match="digest"):
        load_model(path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"name": "big", "options": {}}, "unknown model 'big'"),
        ({"name": "small", "options": {"wdth": 3}}, "wdth"),
        ({"name": "small", "options": {"width": 10**9}}, "'layer.bias' should be (1000000000,) and is (3,)"),
        ({"name": "small", "options": {}, "class": "os.system"}, "other than"),
        ({"name": ["small"], "options": {}}, "other than"),
        ([1], "other than"),
    ],
)
def test_a_foreign_configuration_is_refused(saved, config, message):
    _, path = saved
    rewrite(path, config=json.dumps(config))
    with pytest.raises(CheckpointError) as caught:
        load_model(path)
    assert message in str(caught.value)


def test_foreign_newer_and_missing_files_are_refused(saved, tmp_path):
    _, path = saved
    rewrite(path, version="2")
    with pytest.raises(CheckpointError, match="format version 2"):
        load_model(path)
    (tmp_path / "other.safetensors").write_bytes(save({"x": torch.ones(2)}))
    with pytest.raises(CheckpointError, match="not saved by edgewise"):
        load_model(tmp_path / "other.safetensors")
    torch.save({"x": torch.ones(2)}, tmp_path / "model.pth")
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        load_model(tmp_path / "model.pth")
    with pytest.raises(CheckpointError, match="does not exist"):
        load_model(tmp_path / "none.safetensors")


def test_a_model_without_a_config_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="create_model"):
        save_model(nn.Linear(1, 1), tmp_path / "x.safetensors")


def test_permissions_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        atomic_write(tmp_path / "file", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_no_draft(tmp_path, monkeypatch, call):
    path = tmp_path / "file"
    atomic_write(path, b"old")

    def fail(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(CheckpointError, match="No space left on device") as caught:
        atomic_write(path, b"new")
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_data_is_on_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, name=name, real=real: (calls.append(name), real(*args))[1])
    atomic_write(tmp_path / "file", b"x")
    assert calls == ["fsync", "replace", "fsync"]


def test_json_is_strict(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"a": [1, 2.5, None]})
    assert read_json(path) == {"a": [1, 2.5, None]}
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(path, {"a": float("nan")})
    path.write_text("{")
    with pytest.raises(CheckpointError, match="not readable JSON"):
        read_json(path)
    with pytest.raises(CheckpointError, match="does not exist"):
        read_json(tmp_path / "none.json")
    with pytest.raises(CheckpointError, match="does not exist"):
        read_json(path / "config.json")  # a file in the place of a folder
