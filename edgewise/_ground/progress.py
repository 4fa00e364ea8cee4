"""One line on the terminal for what takes long: what it is, how far, how long still, and how it goes by now."""

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from importlib.util import find_spec
from typing import Self, TextIO

from edgewise._ground.optional import require


class ProgressLine:
    """A bar with words beside it, shown within a ``with`` or from :meth:`start` to :meth:`stop`.

    Where there is no terminal, it is a line of text each half minute instead, and one at the end.

    Args:
        title: What is being done.
        total: Number of steps; None: nobody knows, and the steps that are done are counted.
        done: Steps that were done before.
        shown: Whether to show it at all; None: as a bar where there is a terminal, else in lines, and none at the end of
            what took less than half a minute.
        errors: Show it on the error output, which leaves the output to results.
    """

    def __init__(self, title: str, total: int | None, *, done: int = 0, shown: bool | None = True, errors: bool = False):
        self.bar, self.lines = None, None
        stream = sys.stderr if errors else sys.stdout
        if (shown and (stream is None or not stream.isatty())) or (shown is None and not is_watched()):
            self.lines = _Lines(title, total, done, stream, short=bool(shown))
        elif shown is not False:
            rich = require("rich.progress", extra="cli")
            console = require("rich.console", extra="cli").Console(stderr=errors)
            words = [rich.TextColumn(f"{{task.{name}}}") for name in ("description", "fields[place]", "fields[note]")]
            columns = [words[0], rich.BarColumn(24), words[1], rich.TimeRemainingColumn(), words[2]]
            self.bar = rich.Progress(*columns, console=console)
            self.task = self.bar.add_task(title, total=total, completed=done, place=_how_far(done, total), note="")

    def start(self) -> None:
        """Show the line."""
        if self.bar:
            self.bar.start()

    def stop(self) -> None:
        """Leave the terminal as it was, the line on it."""
        if self.bar:
            self.bar.stop()
        if self.lines:
            self.lines.conclude()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def step(self) -> None:
        """Move on by one step."""
        if self.bar:
            self.bar.advance(self.task)
        if self.lines:
            self.lines.step()

    def say(self, *, place: str | None = None, note: str | None = None) -> None:
        """Change the words: how far it is (a percentage where this says nothing), and how it goes."""
        if self.lines:
            self.lines.say(place, note)
        if self.bar:
            now = self.bar.tasks[self.task]
            words = {"place": _how_far(int(now.completed), now.total) if place is None else place, "note": note}
            self.bar.update(self.task, **{name: text for name, text in words.items() if text is not None})


def _how_far(done: int, total: float | None) -> str:
    return f"step {done}" if total is None else f"{done / max(total, 1):4.0%}"


class _Lines:
    """What a progress line says where nothing can be drawn over: a line at most each half minute."""

    every = 30.0  # seconds

    def __init__(self, title: str, total: int | None, done: int, stream: TextIO | None, short: bool):
        self.title, self.total, self.done, self.stream, self.short = title, total, done, stream, short
        self.place, self.note, self.said = "", "", ""
        self.last = time.monotonic()

    def step(self) -> None:
        self.done += 1
        if time.monotonic() - self.last >= self.every:
            self._print()

    def say(self, place: str | None, note: str | None) -> None:
        self.place = self.place if place is None else place
        self.note = self.note if note is None else note

    def conclude(self) -> None:
        if self.said or self.short:
            self._print()

    def _print(self) -> None:
        """Print how it goes, where that is not what the last line says."""
        before, self.last = self.said, time.monotonic()
        self.said = "  ".join(filter(None, (self.title, self.place or _how_far(self.done, self.total).strip(), self.note)))
        if self.stream is not None and self.said != before:
            print(self.said, file=self.stream, flush=True)


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
