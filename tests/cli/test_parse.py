from dataclasses import dataclass
from pathlib import Path

import pytest

from edgewise.cli._parse import call


@dataclass(frozen=True)
class Settings:
    patience: int | None = 3
    rate: float | None = 0.5
    words: str | None = "a"
    sides: tuple[int, int] | None = (1, 2)
    root: Path | None = Path()


@pytest.mark.parametrize("option", ["patience", "rate", "words", "sides", "root"])
@pytest.mark.parametrize("none", ["none", "None"])
def test_none_is_said_as_the_help_says_it(option, none):
    found = []

    def command(settings: Settings = Settings()) -> None:
        """Keep them."""
        found.append(settings)

    call(command, [f"--settings.{option}", none], prog="edgewise")
    assert getattr(found[0], option) is None
