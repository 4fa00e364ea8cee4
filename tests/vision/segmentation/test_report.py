import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from edgewise._ground.errors import CheckpointError, ConfigError
from edgewise._ground.figures import to_bytes
from edgewise.vision import Adam, Intensity, Model, RunFolder, evaluate, predict, train, write_report
from edgewise.vision.segmentation.figures import outlines, score_curves
from edgewise.vision.segmentation.images import open_run
from edgewise.vision.segmentation.scores.summary import MAIN
from edgewise.vision.training.page import loss_curves


class Cells(HTMLParser):
    """The text of each row of each table, and every address that the page would fetch."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.fetched, self.tags = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.fetched += [value for name, value in attributes if name in ("src", "href", "action")]
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        if tag == "table":
            self.rows.append([])

    def handle_data(self, data):
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip()


@pytest.fixture
def runs(recipe, tmp_path):
    for name, width in (("first", 3), ("second", 5)):
        changed = replace(recipe, epochs=2, model=Model(name="tiny", options={"width": width}))
        train(changed, tmp_path / name, progress=False)
    return [tmp_path / "first", tmp_path / "second"]


def test_two_runs_side_by_side(runs, tmp_path):
    report = write_report(runs, tmp_path / "report.html")
    assert [method.title for method in report.methods] == ["tiny (first)", "tiny (second)", "grey threshold"]
    page = Cells(report.html.read_text())
    assert all(address.startswith(("data:image/", "report_files/")) for address in page.fetched)
    assert not {"script", "link", "iframe"} & set(page.tags)
    rows = {row[0]: row[1:] for row in page.rows if row}
    for run, title in zip(runs, ("tiny (first)", "tiny (second)"), strict=True):
        scores = evaluate(run).scores
        expected = [f"{scores[name]:.{1 if name == 'hd95' else 3}f}" for name in MAIN]
        assert rows[title][1:6] == expected
        assert rows[title][7].endswith("of 2")
    assert rows["model.options.width"] == ["3", "5"]
    assert rows["model.name"] == ["tiny"]
    assert rows["data.size"] == ["16 x 16"]
    with Image.open(report.overview) as overview:
        assert overview.width > 1000
    pictures = re.findall(r'src="data:image/(png|svg\+xml);base64,([^"]+)"', report.html.read_text())
    assert [kind for kind, _ in pictures] == ["png", *4 * ["svg+xml"]]
    assert base64.b64decode(pictures[0][1]) == report.overview.read_bytes()


def test_each_run_sees_the_pictures_by_its_own_intensities(recipe, tmp_path):
    """Its IoU is that of the masks that it writes, counted here."""
    narrow = replace(recipe.data, intensity=Intensity(scale="window", low=100, high=140))
    runs = [tmp_path / "whole", tmp_path / "narrow"]
    for run, data in zip(runs, (recipe.data, narrow), strict=True):
        train(replace(recipe, data=data, epochs=3, optimiser=Adam(learning_rate=0.03)), run, progress=False)
    report = write_report(runs, tmp_path / "report.html")
    for run, method in zip(runs, report.methods, strict=False):
        samples = open_run(RunFolder(run)).test
        masks = predict(run, [sample.image for sample in samples], tmp_path / f"{run.name}_masks").masks
        pairs = [[np.array(Image.open(p)) > 0 for p in (mask, *s.masks)] for mask, s in zip(masks, samples, strict=True)]
        hit, either = (sum(how(*pair).sum() for pair in pairs) for how in (np.logical_and, np.logical_or))
        assert method.evaluation.scores["iou"] == pytest.approx(hit / either)


def test_the_best_of_each_score_is_marked(runs, tmp_path):
    report = write_report(runs, tmp_path / "report.html", titles=["<b>bold</b>", "plain"])
    text = report.html.read_text()
    assert "<b>bold" not in text
    assert "&lt;b&gt;bold" in text
    best = max(method.evaluation.scores["iou"] for method in report.methods)
    assert f'class="best">{best:.3f}<' in text


def test_runs_of_other_data_and_unfinished_ones_are_refused(runs, recipe, tmp_path):
    other = tmp_path / "other"
    train(replace(recipe, epochs=1, data=replace(recipe.data, split_seed=7)), other, progress=False)
    with pytest.raises(ConfigError, match="same data"):
        write_report([runs[0], other], tmp_path / "report.html")
    with pytest.raises(ConfigError, match="no run"):
        write_report([], tmp_path / "report.html")
    (other / "result.json").unlink()
    with pytest.raises(CheckpointError, match="is not finished: resume it"):
        write_report([other], tmp_path / "report.html")


@pytest.mark.parametrize("shape", [(1, 20, 30), (3, 30, 20)])
def test_outlines_of_empty_and_full_masks(shape):
    empty, full = np.zeros(shape[1:]), np.ones(shape[1:])
    half = empty.copy()
    half[:, :9] = 1
    figure = outlines([("a", np.zeros(shape), empty), ("b", np.zeros(shape), full)], ["x"], [[(half, 0.5)], [(full, 1)]])
    with Image.open(io.BytesIO(to_bytes(figure, "png"))) as picture:
        assert picture.format == "PNG"


def test_curves_hold_what_was_measured():
    lines = [{"epoch": i, "val_iou": i / 10, "train_loss": 3 - i, "val_loss": 4 - i} for i in range(3)]
    (axes,) = score_curves({"a": lines, "b": lines[:1]}).axes
    assert [line.get_label() for line in axes.get_lines()] == ["a", "b"]
    np.testing.assert_array_equal(axes.get_lines()[0].get_xydata(), [[1, 0], [2, 0.1], [3, 0.2]])
    (axes,) = loss_curves({"a": lines}).axes
    assert [list(line.get_ydata()) for line in axes.get_lines()] == [[3, 2, 1], [4, 3, 2]]
    assert to_bytes(score_curves({"a": lines}), "svg").startswith(b"<?xml")
