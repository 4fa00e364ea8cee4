import csv
import json
from functools import partial

import pytest
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.analysis import Comparison, compare, write_comparison


def two_layers(width):
    return nn.Sequential(nn.Linear(8, width), nn.ReLU(), nn.Linear(width, 2))


@pytest.mark.slow
def test_every_column_is_what_it_says():
    (wide,) = compare({"wide": partial(two_layers, 16)}, (32, 8), rounds=3, scores={"wide": {"iou": 0.5, "f1": 2 / 3}})
    assert wide.label == "wide"
    assert wide.parameters == 8 * 16 + 16 + 16 * 2 + 2
    assert wide.matmul_flops == 2 * (8 * 16 + 16 * 2)
    assert wide.elementwise_flops == 16 + 16 + 2
    assert wide.saved_bytes == 32 * (8 + 16) * 4  # the input, and the ReLU's output for itself and the next layer
    assert wide.live_bytes == 32 * (16 + 2) * 4
    assert wide.peak_bytes >= 0
    assert wide.step_seconds > 0
    assert (wide.iou, wide.f1) == (0.5, 2 / 3)


ROW = Comparison(
    label="a, b",
    parameters=1,
    matmul_flops=2,
    elementwise_flops=3,
    saved_bytes=4,
    live_bytes=5,
    peak_bytes=6,
    step_seconds=0.5,
    step_spread=0.25,
)


def test_the_rows_are_written_as_json(tmp_path):
    write_comparison([ROW], tmp_path / "costs.json")
    (record,) = json.loads((tmp_path / "costs.json").read_text())
    assert Comparison(**record) == ROW


def test_the_rows_are_written_as_csv(tmp_path):
    write_comparison([ROW, ROW], tmp_path / "costs.csv")
    with open(tmp_path / "costs.csv", newline="") as file:
        records = list(csv.DictReader(file))
    assert len(records) == 2
    assert records[0]["label"] == "a, b"
    assert float(records[1]["step_seconds"]) == 0.5
    assert records[0]["iou"] == ""


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"costs\.xlsx has the suffix '\.xlsx'"):
        write_comparison([ROW], tmp_path / "costs.xlsx")
