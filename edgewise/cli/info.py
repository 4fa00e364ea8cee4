"""``edgewise info``: what is installed, where it can compute, and what serves the layers of a model."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import arg

from edgewise.cli._parse import NO_OPTIONS, call
from edgewise.cli._tables import print_table

if TYPE_CHECKING:
    import torch
    from torch import nn

PACKAGES = ("edgewise", "torch", "triton", "lightning", "numpy", "safetensors", "timm", "monai", "sympy", "scikit-learn")


def main(words: list[str]) -> None:
    """Run the subcommand."""
    call(command, words, prog="edgewise info")


def command(
    model: Annotated[str | None, arg(metavar="MODEL")] = None,
    /,
    *,
    options: Annotated[dict[str, Any], arg(metavar="JSON")] = NO_OPTIONS,
    device: str = "cpu",
) -> None:
    """Print versions, devices and whether there are kernels; of a model, what serves each layer.

    A bug report that begins with this saves a question.

    examples:
      edgewise info
      edgewise info ukan
      edgewise info kan --options '{"width": [4, 8, 1]}' --device cuda
      edgewise info runs/first

    Args:
        model: A name of `edgewise models`, a run folder, or a file of a saved model.
        options: Options of a model by name, as JSON.
        device: Where the model is to run, such as cpu or cuda.
    """

    from edgewise._ground.device import device_of
    from edgewise.analysis.backends import backends_of, kernel_obstacle
    from edgewise.ops.backend import chosen_backend

    where = device_of(device)
    made = None if model is None else _model(model, options)
    print_table(("", "version"), [("python", platform.python_version()), *((name, _version(name)) for name in PACKAGES)])
    print()
    rows = [(str(one), _described(one), kernel_obstacle(one) or "yes") for one in _devices()]
    print_table(("device", "", "kernels"), rows, left=(0, 1, 2))
    chosen = " (by EDGEWISE_BACKEND)" if os.environ.get("EDGEWISE_BACKEND") else ""
    print(f"\nbackend: {chosen_backend()}{chosen}")
    if made is not None:
        network: Any = made.to(where).eval()
        served = backends_of(network, network.example_input().to(where))
        print()
        rows = [(part.name or "the model", part.layer, part.backend, part.reason or "") for part in served]
        print_table(("layer", "", "served by", "and not faster, since"), rows, left=(0, 1, 2, 3))
        if not rows:
            print(f"{model} has no layer of edge functions")


def _model(name: str, options: dict[str, Any]) -> "nn.Module":
    from edgewise.io import load_model
    from edgewise.models import create_model

    path = Path(name)
    if path.is_dir():
        from edgewise.vision.training.folder import RunFolder

        return load_model(RunFolder(path).best_model())
    return load_model(path) if path.is_file() else create_model(name, **options)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _devices() -> "list[torch.device]":
    import torch

    found = [torch.device("cpu")]
    if torch.accelerator.is_available() and (kind := torch.accelerator.current_accelerator()) is not None:
        found += [torch.device(kind.type, number) for number in range(torch.accelerator.device_count())]
    return found


def _described(device: "torch.device") -> str:
    import torch

    if device.type == "cpu":
        return f"{torch.get_num_threads()} threads of {os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}"
    if device.type == "cuda":
        card = torch.cuda.get_device_properties(device)
        return f"{card.name}, {card.total_memory / 2**30:.0f} GiB, second cache {card.L2_cache_size / 2**20:.0f} MiB"
    return device.type
