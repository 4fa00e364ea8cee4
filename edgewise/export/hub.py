"""Folders that hold a trained network and what it takes to use it, on disk or on the Hugging Face hub."""

import json
import tempfile
from pathlib import Path

from torch import Tensor, nn

from edgewise._ground.errors import CheckpointError
from edgewise._ground.folders import make_folder
from edgewise._ground.optional import require
from edgewise.export.program import evaluating, example_of
from edgewise.io import atomic_write, config_of, load_model, save_model, write_json
from edgewise.nn import parameter_kinds

WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"

_CARD = """\
---
library_name: edgewise
tags:
- kolmogorov-arnold-network
- kan
---

# {title}

A network of the library edgewise: `{name}`, with {parameters:,} parameters; {coefficients:,} of them shape functions.
{shapes}
## Use

```python
from edgewise.export.hub import from_pretrained

model = from_pretrained("{source}")
```

## Configuration

`{weights}` holds the weights and these settings, which rebuild the network:

```json
{config}
```
"""


def save_pretrained(model: nn.Module, folder: str | Path, *, title: str | None = None) -> None:
    """Write a network into a folder: ``model.safetensors``, ``config.json`` and a model card, ``README.md``.

    ``model.safetensors`` alone is enough to load it. A ``README.md`` that is there already is left as it is.

    Args:
        model: One made by :func:`edgewise.create_model`.
        folder: Made if it is not there.
        title: Of the card; the folder's name by default.

    Raises:
        ConfigError: The network has no ``config``.
        CheckpointError: The folder cannot be written.

    Example:
        >>> from edgewise import create_model
        >>> folder = Path(tempfile.mkdtemp())
        >>> save_pretrained(create_model("kan", width=[2, 5, 1]), folder)
        >>> sorted(path.name for path in folder.iterdir()), from_pretrained(folder)
        (['README.md', 'config.json', 'model.safetensors'], KAN([2, 5, 1], grid=[5, 5], 135 parameters))
    """
    folder = make_folder(folder)
    save_model(model, folder / WEIGHTS)
    write_json(folder / CONFIG, config_of(model))
    if not (folder / CARD).exists():
        atomic_write(folder / CARD, model_card(model, title or folder.resolve().name, str(folder)).encode())


def from_pretrained(source: str | Path, *, revision: str | None = None) -> nn.Module:
    """The network of a folder or of a repository on the Hugging Face hub, in evaluation mode; no code in it is run.

    Args:
        source: A folder that :func:`save_pretrained` wrote, or, where there is no such folder, ``"owner/name"`` on the hub.
        revision: Branch, tag or commit on the hub.

    Raises:
        CheckpointError: There is neither, or the file is damaged or not edgewise's.
        MissingPackageError: It is on the hub, and huggingface_hub is not installed.
    """
    if Path(source).is_dir():
        return load_model(Path(source, WEIGHTS))
    if len(str(source).split("/")) != 2:
        raise CheckpointError(f"{source} is neither a folder nor, as 'owner/name', a repository on the hub")
    hub = require("huggingface_hub", extra="hub")
    try:
        path = hub.hf_hub_download(str(source), WEIGHTS, revision=revision)
    except (OSError, ValueError) as error:  # of the network, the server, the cache or the name
        reason = str(error).strip().splitlines()[0]
        raise CheckpointError(f"there is no folder {source}, and the hub does not give it: {reason}") from error
    return load_model(path)


def push_to_hub(
    model: nn.Module, repository: str, *, private: bool = False, token: str | None = None, title: str | None = None
) -> str:
    """Put a network on the Hugging Face hub as :func:`save_pretrained` writes it.

    Args:
        model: One made by :func:`edgewise.create_model`.
        repository: ``"owner/name"``; made if it is not there. A card that is there is replaced.
        private: Make it so that others do not see it.
        token: Of the hub; by default the one with which its client is logged in.
        title: Of the card; the repository's name by default.

    Returns:
        Where it is.

    Raises:
        ConfigError: The network has no ``config``.
        MissingPackageError: huggingface_hub is not installed.
    """
    api = require("huggingface_hub", extra="hub").HfApi(token=token)
    with tempfile.TemporaryDirectory() as folder:
        save_model(model, Path(folder, WEIGHTS))
        write_json(Path(folder, CONFIG), config_of(model))
        atomic_write(Path(folder, CARD), model_card(model, title or repository.split("/")[-1], repository).encode())
        url = api.create_repo(repository, private=private, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=folder, commit_message="Upload a network of edgewise")
    return str(url)


def model_card(model: nn.Module, title: str, source: str) -> str:
    """The text of a card: what the network is, how to load it from ``source``, and its settings.

    Example:
        >>> from edgewise import create_model
        >>> print(model_card(create_model("kan", width=[2, 5, 1]), "Mine", "me/mine").splitlines()[9])
        A network of the library edgewise: `kan`, with 135 parameters; 120 of them shape functions.
    """
    kinds, named, settings = parameter_kinds(model), dict(model.named_parameters()), config_of(model)
    shapes, example = "", example_of(model)
    if example is not None:
        with evaluating(model):
            inputs = (example,) if isinstance(example, Tensor) else example
            *given, made = [f"`({', '.join(['N', *map(str, t.shape[1:])])})`" for t in (*inputs, model(*inputs))]
        shapes = f"It turns {'an input' if len(given) == 1 else 'inputs'} {' and '.join(given)} into an output {made}.\n"
    return _CARD.format(
        title=title,
        name=settings["name"],
        parameters=sum(p.numel() for p in named.values()),
        coefficients=sum(named[name].numel() for name, kind in kinds.items() if kind == "coefficient"),
        shapes=shapes,
        source=source,
        weights=WEIGHTS,
        config=json.dumps(settings, indent=2),
    )
