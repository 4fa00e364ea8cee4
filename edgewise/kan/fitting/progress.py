"""A progress bar for fits, where there is a terminal to show it."""

import sys
from importlib.util import find_spec

from edgewise._optional import require
from edgewise.kan.fitting.history import History


class Progress:
    """Shows how far a fit is and its losses.

    Args:
        shown: Whether to; None where the error output is a terminal and rich is installed.
        total: Number of steps.
    """

    def __init__(self, shown: bool | None, total: int):
        self.shown = _can_be_shown() if shown is None else shown
        self.bar = self._bar(total) if self.shown else None

    def _bar(self, total: int):
        rich = require("rich.progress", extra="science")
        console = require("rich.console", extra="science").Console(stderr=True)
        bar = rich.Progress(
            *rich.Progress.get_default_columns(), rich.TextColumn("{task.fields[numbers]}"), console=console
        )
        self.task = bar.add_task("fit", total=total, numbers="")
        return bar

    def __enter__(self) -> "Progress":
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, *_) -> None:
        if self.bar:
            self.bar.stop()

    def advance(self, history: History) -> None:
        """One step is done."""
        if self.bar:
            test = f", test {history.test[-1]:.2e}" if history.test else ""
            self.bar.update(self.task, advance=1, numbers=f"loss {history.loss[-1]:.2e}{test}")


def _can_be_shown() -> bool:
    """Whether the error output is a terminal (there may be none) and rich is installed."""
    return sys.stderr is not None and sys.stderr.isatty() and find_spec("rich") is not None
