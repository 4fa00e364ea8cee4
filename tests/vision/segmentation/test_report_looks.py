"""The report as a reader meets it: every case, every link, at the width of a telephone and of a large screen."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgewise.vision import Model, evaluate, train, write_report
from edgewise.vision.segmentation.report_cases import both
from tests.browser import dead_links, laid_out
from tests.vision.segmentation.test_classes import draw
from tests.vision.segmentation.test_report import Cells

LONG = "a-long-name-of-a-picture-as-scanners-give-them-0123456789-0123456789-series-3"


@pytest.fixture
def runs(recipe, networks, tmp_path):
    """Two runs of three classes, with patients, a picture that is there twice, and names that are awkward in addresses."""
    root = tmp_path / "set"
    for part in ("images", "masks"):
        (root / part).mkdir(parents=True)
    for index in range(24):
        picture, labels = draw(index)
        name = f"p{index // 2} {LONG}#{index:02d}"
        Image.fromarray(picture).save(root / "images" / f"{name}.png")
        Image.fromarray(labels).save(root / "masks" / f"{name}.png")
    data = replace(recipe.data, root=str(root), classes=3, options={"groups": r"(p\d+) .*"}, split_seed=1)
    for name, width in (("first", 3), ("second", 5)):
        model = Model(name="tiny", options={"width": width})
        train(replace(recipe, data=data, epochs=1, model=model), tmp_path / name, progress=False)
    return [tmp_path / "first", tmp_path / "second"]


@pytest.mark.slow
def test_nothing_is_clipped_and_every_link_is_alive(runs, tmp_path):
    for chosen in (runs[:1], runs):
        page = write_report(chosen, tmp_path / "a report.html").html
        assert dead_links(page) == []
        assert laid_out(page, tmp_path / "profile") == {360: [], 768: [], 1920: []}


@pytest.mark.slow
def test_what_does_not_fit_is_seen(tmp_path):
    wide = '<div style="width: 500px">wide</div>'
    hidden = '<p style="width: 100px; overflow: hidden; white-space: nowrap">a line that does not fit its frame</p>'
    lost = '<img src="lost.png" alt="lost"><a href="none.html">x</a><a href="#nowhere">y</a>'
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><body>{wide}<details>{hidden}</details>{lost}</body>")
    assert dead_links(page) == ["lost.png", "none.html", "#nowhere"]
    found = laid_out(page, tmp_path / "profile")
    assert [sum("wide" in line for line in found[width]) > 0 for width in (360, 768, 1920)] == [True, False, False]
    for lines in found.values():
        assert any("is clipped" in line for line in lines)
        assert "a picture is not shown: lost" in lines


def rows_of(page):
    return {row[0]: row[1:] for row in Cells(page.read_text()).rows if row}


def test_every_case_class_group_and_side_is_told(runs, tmp_path):
    page = write_report(runs[:1], tmp_path / "report.html").html
    found, rows, text = evaluate(runs[0]), rows_of(page), page.read_text()
    for case in found.cases:
        assert rows[case.id][:2] == [case.group, f"{case.iou:.3f}"]
    shown = [row for row in rows if row in {case.id for case in found.cases}]
    assert shown == [case.id for case in sorted(found.cases, key=lambda case: case.iou)]
    for one in found.classes:
        low, high = one.intervals["f1"]
        assert rows[one.name][2] == f"{one.scores['f1']:.3f}{low:.3f} to {high:.3f}"
    for name, scores in found.groups.items():
        assert rows[name] == ["2", f"{scores['iou']:.3f}", f"{scores['f1']:.3f}"]
    low, high = found.intervals["iou"]
    assert f"<small>{low:.3f} to {high:.3f}</small>" in text
    assert text.count(" images of ") >= 3
    assert all(case.id in text for case in found.cases)
    assert "No image was left out." in text


def test_runs_are_compared_and_what_is_left_out_is_told(runs, recipe, networks, tmp_path):
    page = write_report(runs, tmp_path / "report.html").html
    one, other = (evaluate(run).scores["image_f1"] for run in runs)
    differences = [row for row in Cells(page.read_text()).rows if row and row[0] == "F1 per image" and len(row) == 2]
    assert differences[0][1].startswith(f"{one - other:+.3f}")
    assert len(list((tmp_path / "report_files").rglob("*.jpg"))) == 2 * len(evaluate(runs[0]).cases)


def test_pictures_that_are_there_twice_are_named(recipe, discs, tmp_path):
    root = tmp_path / "twice"
    for part in ("images", "masks"):
        (root / part).mkdir(parents=True)
        for path in (discs / part).iterdir():
            (root / part / path.name).write_bytes(path.read_bytes())
            (root / part / f"copy{path.name}").write_bytes(path.read_bytes())
    train(replace(recipe, epochs=1, data=replace(recipe.data, root=str(root))), tmp_path / "run", progress=False)
    text = write_report([tmp_path / "run"], tmp_path / "report.html").html.read_text()
    assert "the same picture as" in text
    assert "which is on a side" in text


def test_a_case_is_drawn_with_both_outlines():
    truth, labels = np.zeros((2, 8, 8), int)
    truth[:, :3], labels[:3] = 1, 2
    picture = both(np.zeros((1, 8, 8), np.float32), truth, labels, 2)
    assert picture.shape == (256, 256, 3)
    assert picture[200, 3 * 32 - 1].tolist() == list(bytes.fromhex("19b8a6"))
    assert picture[3 * 32 - 1, 200].tolist() == list(bytes.fromhex("f76b15"))
    assert both(np.zeros((3, 3000, 20), np.float32), np.zeros((3000, 20)), np.zeros((3000, 20))).shape == (1000, 7, 3)
