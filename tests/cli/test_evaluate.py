import json

import pytest

from edgewise import EdgewiseWarning
from edgewise.cli import main
from edgewise.vision import Decision, Inference, evaluate

pytestmark = pytest.mark.slow


def test_the_scores_are_those_of_the_test_images(run, capsys):
    assert main(["evaluate", str(run)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    expected = evaluate(run)
    low, high = expected.intervals["f1"]
    assert f"IoU {expected.scores['iou']:.4f}" in text
    assert f"F1 {expected.scores['f1']:.4f} {low:.3f} to {high:.3f}" in text
    assert f"{len(expected.cases)} images" in text


def test_other_images_are_scored_and_written_case_by_case(run, pictures, tmp_path, capsys):
    out = tmp_path / "scores.json"
    with pytest.warns(EdgewiseWarning, match=r"16 of 20 pictures .* are on the training or validation side of the run"):
        assert main(["evaluate", str(run), "--data", "folder", "--root", str(pictures), "--out", str(out)]) == 0
    written = json.loads(out.read_text())
    assert [case["id"] for case in written["cases"]] == [f"p{index:02d}" for index in range(20)]
    assert f"IoU {written['scores']['iou']:.4f}" in " ".join(capsys.readouterr().out.split())


def test_a_folder_that_is_no_run_is_named(tmp_path, capsys):
    assert main(["evaluate", str(tmp_path)]) == 1
    assert str(tmp_path / "config.json") in capsys.readouterr().err


def test_a_root_without_its_dataset_is_refused(run, capsys):
    assert main(["evaluate", str(run), "--root", "x"]) == 1
    assert "--data is not given" in capsys.readouterr().err


def test_options_of_another_dataset(run, pictures, capsys):
    words = ["evaluate", str(run), "--data", "folder", "--root", str(pictures)]
    with pytest.warns(EdgewiseWarning, match=r"pictures .* are on the training or validation side of the run"):
        assert main([*words, "--options", '{"mask_values": "binary", "images": "images"}']) == 0
    assert "20 images" in capsys.readouterr().out
    assert main([*words, "--options", '{"mask_sufix": "_x"}']) == 1
    assert "did you mean 'mask_suffix'" in capsys.readouterr().err
    assert main(["evaluate", str(run), "--options", '{"images": "images"}']) == 1
    assert "--data is not given" in capsys.readouterr().err


def test_two_runs_on_the_same_images(run, tmp_path, capsys):
    out = tmp_path / "comparison.json"
    assert main(["evaluate", str(run), "--against", str(run), "--out", str(out)]) == 0
    iou = evaluate(run).scores["iou"]
    text = " ".join(capsys.readouterr().out.split())
    assert f"IoU {iou:.4f} {iou:.4f} +0.0000 0.000 to 0.000" in text
    assert "95 % intervals by bootstrap over" in text
    assert json.loads(out.read_text())["differences"]["iou"] == {"value": 0, "low": 0, "high": 0}


def test_several_runs_are_scored_as_one_and_turned(run, capsys):
    assert main(["evaluate", str(run), str(run), "--tta", "--smallest", "9", "--largest-component", "True"]) == 0
    expected = evaluate([run, run], inference=Inference(decision=Decision(None, (9,), True), turned=True))
    assert f"IoU {expected.scores['iou']:.4f}" in " ".join(capsys.readouterr().out.split())


def test_a_threshold_is_tuned_and_kept(run, capsys):
    assert main(["evaluate", str(run), "--tune-threshold"]) == 0
    kept = json.loads((run / "threshold.json").read_text())
    (run / "threshold.json").unlink()
    assert f"threshold {kept['threshold']:g} chosen on {kept['images']} validation images" in capsys.readouterr().out


def test_a_device_that_is_not_there_is_refused_in_a_sentence(run, pictures, tmp_path, capsys):
    picture = str(next((pictures / "images").glob("*.png")))
    for words in (["evaluate", str(run)], ["predict", str(run), picture, "--out", str(tmp_path / "masks")]):
        assert main([*words, "--device", "cuda:9"]) == 1
        assert "error: device 'cuda:9' is not there: this machine and its PyTorch have" in capsys.readouterr().err
