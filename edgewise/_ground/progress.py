"""One line on the terminal for what takes long: what it is, how far, how long still, and how it goes by now."""

import sys
from collections.abc import Iterable, Iterator, Sized
from importlib.util import find_spec
from typing import Self

from edgewise._ground.optional import require


class ProgressLine:
    """A bar with words beside it, shown within a ``with`` or from :meth:`start` to :meth:`stop`.

    Args:
        title: What is being done.
        total: Number of steps.
        done: Steps that were done before.
        shown: Whether to show it at all.
        errors: Show it on the error output, which leaves the output to results.
    """

    def __init__(self, title: str, total: int, *, done: int = 0, shown: bool = True, errors: bool = False):
        self.bar = None
        if shown:
            rich = require("rich.progress", extra="cli")
            console = require("rich.console", extra="cli").Console(stderr=errors)
            words = [rich.TextColumn(f"{{task.{name}}}") for name in ("description", "fields[place]", "fields[note]")]
            columns = [words[0], rich.BarColumn(24), words[1], rich.TimeRemainingColumn(), words[2]]
            self.bar = rich.Progress(*columns, console=console)
            self.task = self.bar.add_task(title, total=total, completed=done, place=f"{done / max(total, 1):4.0%}", note="")

    def start(self) -> None:
        """Show the line."""
        if self.bar:
            self.bar.start()

    def stop(self) -> None:
        """Leave the terminal as it was, the line on it."""
        if self.bar:
            self.bar.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def step(self) -> None:
        """Move on by one step."""
        if self.bar:
            self.bar.advance(self.task)

    def say(self, *, place: str | None = None, note: str | None = None) -> None:
        """Change the words: how far it is (a percentage where this says nothing), and how it goes."""
        if self.bar:
            now = self.bar.tasks[self.task]
            words = {"place": f"{now.percentage:3.0f}%" if place is None else place, "note": note}
            self.bar.update(self.task, **{name: text for name, text in words.items() if text is not None})


def track(steps: Iterable, title: str) -> Iterator:
    """The steps, with a line that says how many of them are done.

    Args:
        steps: What to go through.
        title: What is being done.
    """
    steps = steps if isinstance(steps, Sized) else list(steps)
    with ProgressLine(title, len(steps)) as line:
        for step in steps:
            yield step
            line.step()
            line.say()


def is_watched() -> bool:
    """Whether the error output is a terminal (there may be none) and rich is installed."""
    return sys.stderr is not None and sys.stderr.isatty() and find_spec("rich") is not None
