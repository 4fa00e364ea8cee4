"""Saving and loading: one safetensors file holds the weights and the configuration that rebuilds the model.

The file's metadata carries the format's version, the configuration as JSON and a SHA-256 digest over the
configuration and every tensor, so that neither can change without the other being refused. Nothing here can run code:
safetensors holds numbers only, and a model's class is looked up in the registry of :mod:`edgewise.models`, never
imported by path.
"""

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from edgewise._ground.errors import CheckpointError, ConfigError
from edgewise.models.registry import config_of, create_model

FORMAT = "edgewise.model"
VERSION = 1


def atomic_write(path: str | Path, data: bytes | memoryview) -> None:
    """Replace the file ``path`` by ``data`` so that a crash leaves either the old file or the new one, whole.

    Args:
        path: File to write; its folder must exist. Permissions follow the umask.
        data: All of the new content.

    Raises:
        CheckpointError: The disk is full or the folder cannot be written; the old file is untouched.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp(), "note.txt")
        >>> atomic_write(target, b"hello")
        >>> target.read_text()
        'hello'
    """
    path = Path(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            with open(draft, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, path)
        except BaseException:
            with contextlib.suppress(OSError):
                draft.unlink()
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise CheckpointError(
            f"cannot write {path} ({len(data) / 1e6:.1f} MB): {error.strerror or error}; "
            "the file as it was before is untouched: free some space or choose another folder"
        ) from error


def _sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` survive a power cut (POSIX only: other systems cannot open a folder)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: str | Path, value: object) -> None:
    """Write ``value`` as indented JSON, atomically; NaN and infinities are refused.

    Raises:
        CheckpointError: The file cannot be written.
    """
    atomic_write(path, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode())


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        CheckpointError: The file is missing, unreadable or not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CheckpointError(f"{path} does not exist: give a folder made by `edgewise train`") from error
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is not readable JSON ({error}): restore it from a copy") from error


def save_model(model: nn.Module, path: str | Path) -> None:
    """Save a model's weights and the configuration that rebuilds it as one safetensors file, atomically.

    Args:
        model: One made by :func:`edgewise.models.create_model`; its ``config`` is ``{"name": ..., "options": {...}}``.
        path: File to write, by custom ``*.safetensors``.

    Raises:
        ConfigError: The model has no ``config``.
        CheckpointError: The file cannot be written.
    """
    text = json.dumps(config_of(model), sort_keys=True, allow_nan=False)
    # Clones: safetensors refuses tensors that share memory, which tied parameters and views do.
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in model.state_dict().items()}
    metadata = {"format": FORMAT, "version": str(VERSION), "config": text, "sha256": _digest(text, tensors)}
    atomic_write(path, _in_order(save(tensors, metadata=metadata)))


def _in_order(data: bytes) -> bytes:
    """The bytes of a safetensors file with its metadata sorted: the library writes them in an order that is drawn anew."""
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text = text.ljust(-(-len(text) // 8) * 8)  # numbers begin at multiples of 8
    return b"".join((len(text).to_bytes(8, "little"), text, memoryview(data)[start:]))


def load_model(path: str | Path) -> nn.Module:
    """Rebuild a model saved by :func:`save_model`, on the CPU, in the types it had and in evaluation mode.

    Args:
        path: A file written by :func:`save_model`.

    Raises:
        CheckpointError: The file is missing, truncated, changed, of a newer format, or not one of edgewise's.
    """
    config, tensors = read_weights(path)
    model = _build(config, tensors, path)
    for name, tensor in model.state_dict(keep_vars=True).items():
        tensor.data = tensor.data.to(tensors[name].dtype)
    model.load_state_dict(tensors)
    return model.eval()


def read_weights(path: str | Path) -> tuple[dict, dict[str, Tensor]]:
    """The configuration and the tensors of a file that :func:`save_model` wrote; no network is built.

    Raises:
        CheckpointError: As for :func:`load_model`.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist: give a model.safetensors written by edgewise")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise CheckpointError(f"{path} was not saved by edgewise: load it with the library that made it")
            if metadata.get("version") != str(VERSION):
                raise CheckpointError(
                    f"{path} has format version {metadata.get('version')} and this edgewise reads {VERSION}: upgrade it"
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError, ValueError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{path} is truncated or not a safetensors file ({error}): restore it from a copy") from error
    text = metadata.get("config", "")
    if _digest(text, tensors) != metadata.get("sha256"):
        raise CheckpointError(f"{path} is corrupted, its SHA-256 digest does not match: restore it from a copy")
    return _parse_config(text, path), tensors


def _parse_config(text: str, path: Path) -> dict:
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} holds a model configuration that is not JSON ({error})") from error
    well_formed = (
        isinstance(config, dict)
        and set(config) == {"name", "options"}
        and isinstance(config["name"], str)
        and isinstance(config["options"], dict)
    )
    if not well_formed:
        raise CheckpointError(f"{path} holds a model configuration other than {{'name': str, 'options': dict}}")
    return config


def _build(config: dict, tensors: dict[str, Tensor], path: str | Path) -> nn.Module:
    """The model of ``config``, first without memory: a file cannot ask for more parameters than it brings."""
    try:
        with torch.device("meta"):
            expected = {
                name: tensor.shape
                for name, tensor in create_model(config["name"], **config["options"]).state_dict().items()
            }
        found = {name: tensor.shape for name, tensor in tensors.items()}
        if expected != found:
            name = next(name for name in sorted(expected | found) if expected.get(name) != found.get(name))
            raise CheckpointError(
                f"{path} does not fit its own configuration: {name!r} should be {_shape(expected, name)} "
                f"and is {_shape(found, name)}"
            )
        return create_model(config["name"], **config["options"])
    except (ConfigError, TypeError) as error:
        raise CheckpointError(f"{path} asks for a model this edgewise cannot build: {error}") from error


def _shape(shapes: dict[str, torch.Size], name: str) -> str:
    return str(tuple(shapes[name])) if name in shapes else "absent"


def _digest(config: str, tensors: dict[str, Tensor]) -> str:
    """SHA-256 over the configuration and each tensor's name, type, shape and bytes."""
    digest = hashlib.sha256(config.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\0{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
