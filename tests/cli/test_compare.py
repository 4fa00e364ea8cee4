import json

import pytest

from edgewise.analysis import count_parameters
from edgewise.cli import main
from edgewise.models import create_model
from edgewise.vision import evaluate


@pytest.mark.slow
def test_a_run_stands_in_the_table_with_its_costs_and_scores(run, tmp_path, capsys):
    out = tmp_path / "costs.json"
    assert main(["compare", "--runs", str(run), "--size", "32", "--rounds", "1", "--out", str(out)]) == 0
    (row,) = json.loads(out.read_text())
    assert row["label"] == str(run)
    assert row["parameters"] == count_parameters(create_model("ukan", widths=[8, 8, 8]))
    assert row["iou"] == evaluate(run).scores["iou"]
    text = capsys.readouterr().out
    assert all(column in text for column in ("matmul FLOPs", "saved", "peak", "s a step", "IoU", "F1"))
    assert f"{row['parameters']:,}" in text


def test_an_unknown_model_is_an_error_that_names_the_nearest(capsys):
    assert main(["compare", "ukam"]) == 1
    assert "unknown model 'ukam'; did you mean 'ukan'?" in capsys.readouterr().err


def test_a_file_of_another_kind_is_refused_before_anything_is_measured(capsys):
    assert main(["compare", "ukan_vanilla", "--size", "4096", "--out", "costs.xlsx"]) == 1
    assert "costs.xlsx" in capsys.readouterr().err


def test_an_unknown_backend_is_an_error_that_names_the_nearest(capsys):
    assert main(["compare", "unet", "--backend", "leam"]) == 1
    assert "did you mean 'lean'?" in capsys.readouterr().err


def test_nothing_to_compare_is_an_error(capsys):
    assert main(["compare"]) == 1
    assert "nothing to compare" in capsys.readouterr().err
