import csv
import json

import pytest
import torch

from edgewise._ground.errors import CheckpointError
from edgewise.analysis import optimizer_path, write_analysis


def path():
    return optimizer_path({e: {"w": torch.tensor([2.0, 1.0, 0.5]) ** e} for e in range(4)})


def test_the_figure_and_the_numbers_are_written(tmp_path):
    result = path()
    written = write_analysis(result, tmp_path / "deep" / "folder", "way")
    assert [file.name for file in written] == ["way.png", "way.csv", "way.json"]
    assert written[0].read_bytes().startswith(b"\x89PNG")
    with open(written[1], newline="") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    assert rows == result.rows()
    assert json.loads(written[2].read_text()) == result.summary()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot make the folder"):
        write_analysis(path(), tmp_path / "file" / "folder", "way")
