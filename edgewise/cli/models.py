"""``edgewise models``: what can be made by name."""

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
    import torch

    from edgewise.analysis import count_parameters
    from edgewise.models import MODELS, create_model

    rows = []
    for name in MODELS:
        with torch.device("meta"):
            parameters = count_parameters(create_model(name))
        rows.append((name, f"{parameters:,}", summary(MODELS[name])))
    print_table(("model", "parameters", ""), rows, left=(0, 2))
