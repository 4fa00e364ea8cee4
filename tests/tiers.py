"""Which tests are slow: those that are marked, and those that ``slow.txt`` names because they took long.

``make test-times`` runs all tests and writes that file anew. A name without brackets stands for all cases of a test.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

LIST = Path(__file__).with_name("slow.txt")
LIMIT = 0.4
"""Seconds, with fixtures; what takes longer is slow."""


def mark_slow(items: Iterable[pytest.Item], names: Iterable[str]) -> None:
    """Mark the tests that the list names."""
    names = set(names)
    for item in items:
        if {item.nodeid, item.nodeid.partition("[")[0]} & names:
            item.add_marker(pytest.mark.slow)


def slow_names(seconds: Mapping[str, float]) -> list[str]:
    """Names for the list, given how long each test took.

    Example:
        >>> slow_names({"a.py::one": 0.1, "a.py::two[x]": 2.0, "a.py::two[y]": 3.0, "b.py::a[x]": 2.0, "b.py::a[y]": 0.1})
        ['a.py::two', 'b.py::a[x]']
    """
    cases = defaultdict(list)
    for name in seconds:
        cases[name.partition("[")[0]].append(name)
    names = []
    for test, own in cases.items():
        slow = [name for name in own if seconds[name] > LIMIT]
        names += [test] if len(slow) == len(own) else slow
    return sorted(names)


class Times:
    """A plugin that writes the list when all tests have run."""

    def __init__(self):
        self.seconds: dict[str, float] = defaultdict(float)
        self.marked: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add what a part of a test took."""
        self.seconds[report.nodeid] += report.duration
        if "slow" in report.keywords:
            self.marked.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Write the names of those that are not marked anyway."""
        names = slow_names({name: took for name, took in self.seconds.items() if name not in self.marked})
        LIST.write_text("\n".join(names) + "\n")
