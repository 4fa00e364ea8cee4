"""The page that puts edgewise beside others names tests that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "compared.md").read_text()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_we_have_is_tested(row):
    ours, test = row[4:]
    assert bool(test) == (not ours.startswith("no") and "not tried" not in ours) or row[0].startswith("**") or not row[0]
    for name in re.findall(r"`(.*?)`", test):
        (found,) = [path for path in (ROOT / "tests").rglob("test_*.py") if str(path).endswith("/" + name)]
        assert "def test_" in found.read_text()
