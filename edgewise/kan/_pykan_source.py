"""What a network of pykan consists of, read from a live model or from the files of ``saveckpt``."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from edgewise._ground.errors import CheckpointError, ConfigError
from edgewise._ground.optional import require

NEEDED = ("width", "mult_arity", "base_fun_name")
SWITCHES = {"symbolic_enabled": True, "affine_trainable": False, "sp_trainable": True, "sb_trainable": True}
UNITS = {"subnode_scale": 1.0, "subnode_bias": 0.0, "node_scale": 1.0, "node_bias": 0.0}


class PykanSource(NamedTuple):
    """Settings and tensors by pykan's names, and which columns the network looks at (None for all)."""

    settings: Mapping
    state: Mapping[str, Tensor]
    inputs: list[int] | None = None


def read_pykan(source: Any) -> PykanSource:
    """What a model of pykan, or a path of its ``saveckpt``, consists of; see :func:`edgewise.kan.from_pykan`."""
    return _read_files(source) if isinstance(source, (str, Path)) else _read_model(source)


def _read_model(model: Any) -> PykanSource:
    lacking = [name for name in (*NEEDED, "act_fun", "symbolic_fun", "input_id") if not hasattr(model, name)]
    if lacking:
        raise ConfigError(
            f"give a model of pykan or the path that its saveckpt got: {type(model).__name__} has no {', '.join(lacking)}"
        )
    settings = {name: getattr(model, name) for name in NEEDED}
    settings |= {name: getattr(model, name, usual) for name, usual in SWITCHES.items()}
    settings |= {f"symbolic.funs_name.{number}": edges.funs_name for number, edges in enumerate(model.symbolic_fun)}
    state = dict(model.state_dict())
    for name in UNITS:  # what expand_depth appends is in these lists only
        state |= {f"{name}_{number}": values.detach() for number, values in enumerate(getattr(model, name, []))}
    inputs = model.input_id.tolist()
    pruned = inputs != list(range(len(inputs))) or not isinstance(model.base_fun_name, str)  # which prune_input leaves so
    return PykanSource(settings, state, inputs if pruned else None)


def _read_files(path: str | Path) -> PykanSource:
    config, state = Path(f"{path}_config.yml"), Path(f"{path}_state")
    for file in (config, state):
        if not file.is_file():
            raise CheckpointError(f"{file} does not exist: give the path that saveckpt got")
    settings = _read_settings(config)
    lacking = [name for name in NEEDED if name not in settings]
    if lacking:
        raise CheckpointError(f"{config} is not of pykan: it lacks {', '.join(lacking)}")
    try:
        with zipfile.ZipFile(state) as archive:
            damaged = archive.testzip()
        tensors = torch.load(state, map_location="cpu", weights_only=True) if damaged is None else None
    except Exception as error:  # of many kinds
        raise CheckpointError(f"{state} cannot be read ({type(error).__name__}): save the model again") from error
    if not isinstance(tensors, Mapping) or not all(isinstance(tensor, Tensor) for tensor in tensors.values()):
        raise CheckpointError(f"{state} is damaged or holds no tensors by name: save the model again")
    return PykanSource(SWITCHES | settings, tensors)


def _read_settings(path: Path) -> dict:
    """The settings; an object of Python in them becomes the name it has there, and nothing is imported."""
    yaml = require("yaml", extra="science")

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("tag:yaml.org,2002:python/tuple", lambda loader, node: loader.construct_sequence(node, True))
    Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: suffix)
    try:
        settings = Loader(path.read_text(encoding="utf-8")).get_single_data()
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise CheckpointError(f"{path} is not readable YAML ({type(error).__name__}): save the model again") from error
    return settings if isinstance(settings, dict) else {}
