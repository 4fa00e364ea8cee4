"""``edgewise models``: what can be made by name."""

import inspect

from edgewise.cli._parse import call, summary
from edgewise.cli._tables import print_table


def main(words: list[str]) -> None:
    """Run the subcommand."""
    call(command, words, prog="edgewise models")


def command() -> None:
    """List the models that can be made by name, with their parameters at the defaults.

    examples:
      edgewise models
    """
    from edgewise.models.registry import MODELS

    print_table(("model", "parameters", ""), [(name, _size(name), summary(MODELS[name])) for name in MODELS], left=(0, 2))


def _size(name: str) -> str:
    """Parameters at the defaults, or which options a model must be given."""
    import torch

    from edgewise.analysis import count_parameters
    from edgewise.models.registry import MODELS, create_model

    options = inspect.signature(MODELS[name]).parameters.values()
    required = [option.name for option in options if option.default is option.empty]
    if required:
        return f"by {', '.join(required)}"
    with torch.device("meta"):
        return f"{count_parameters(create_model(name)):,}"
