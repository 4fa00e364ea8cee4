"""The ``edgewise`` command. Each subcommand is a module of this package, imported when it is called for."""

import contextlib
import importlib
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib.metadata import version

from edgewise._ground.errors import EdgewiseError, EdgewiseWarning
from edgewise._ground.optional import require
from edgewise._ground.registry import unknown

COMMANDS = {
    "fit": "find a formula for a column of a table",
    "demo": "train U-Net, U-KAN and ALL U-KAN on real microscopy images, and write a report",
    "train": "train a model as a recipe says",
    "ensemble": "train k folds and several seeds of a recipe, and score them together",
    "tune": "search for the settings of a recipe that score best",
    "evaluate": "score a trained run on its test images, or on others",
    "predict": "segment images with a trained run",
    "sample": "make new pictures with a run of generation",
    "export": "write a trained run as an ONNX file for other programs",
    "analyze": "look at what training made: loss landscape, path, weights, attention, spectrum",
    "compare": "put models side by side: parameters, operations, memory, time, scores",
    "models": "list the models",
    "info": "print versions, devices, and which kernels serve the layers of a model",
    "data": "list the datasets, or describe one and look for duplicates in it",
}
_HELP = """\
usage: edgewise COMMAND [options]

Kolmogorov-Arnold networks in PyTorch.

commands:
{commands}

examples:
  edgewise demo
  edgewise train nuclei --run runs/first --model.name ukan
  edgewise train nuclei --help                  # every setting of a recipe
  edgewise compare unet ukan all_ukan --size 128

`edgewise COMMAND --help` tells more. With EDGEWISE_DEBUG=1, errors come with their traceback.
Exit codes: 0 done, 1 an error, 2 a wrong command line, 130 interrupted."""
_GO_ON = {
    "demo": "; the same command goes on where it was",
    "train": "; with --resume it goes on from the last whole epoch: edgewise train --resume --run DIR",
    "ensemble": "; with --resume it goes on from the last whole epoch: edgewise ensemble --resume --run DIR",
    "tune": "; the same command goes on where it was",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        argv: The words after ``edgewise``; those of the process by default.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        with _warnings_as_lines():
            return _run(words)
    except Exception as error:
        if os.environ.get("EDGEWISE_DEBUG") == "1":
            raise
        return _complain(f"error: {_explain(error)}", 1)
    except KeyboardInterrupt:
        return _interrupted(words)
    except SystemExit as stop:
        # Lightning turns an interrupt into an exit of its own.
        return _interrupted(words) if isinstance(stop.__context__, KeyboardInterrupt) else int(stop.code or 0)


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(_HELP.format(commands="\n".join(f"  {name:<10}{purpose}" for name, purpose in COMMANDS.items())))
        return 0
    command, *rest = words
    if command == "--version":
        print(f"edgewise {version('edgewise')}")
        return 0
    if command not in COMMANDS:
        return _complain(f"{unknown('command', command, COMMANDS)}; see edgewise --help", 2)
    for package in ("tyro", "rich"):
        require(package, extra="cli")
    importlib.import_module(f"edgewise.cli.{command}").main(rest)
    return 0


@contextlib.contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Within it, warnings of this package are shown as errors are: without a place in code that nobody here has written."""
    before = warnings.formatwarning

    def shown(message, category, filename, lineno, line=None) -> str:
        if issubclass(category, EdgewiseWarning):
            return f"edgewise: warning: {' '.join(str(message).split())}\n"
        return before(message, category, filename, lineno, line)

    warnings.formatwarning = shown
    try:
        yield
    finally:
        warnings.formatwarning = before


def _explain(error: Exception) -> str:
    """In one line, what went wrong; of an error that nobody foresaw, also its kind and how to see more."""
    line = " ".join(str(error).split())
    if isinstance(error, EdgewiseError | OSError):
        return line
    return f"unforeseen {type(error).__name__}: {line} (EDGEWISE_DEBUG=1 shows where)"


def _interrupted(words: list[str]) -> int:
    return _complain(f"interrupted{_GO_ON.get(words[0], '')}", 130)


def _complain(message: str, code: int) -> int:
    print(f"edgewise: {message}", file=sys.stderr)
    return code
