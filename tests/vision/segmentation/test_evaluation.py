"""Units, groups and files of an evaluation."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from edgewise.vision import evaluate_masks
from edgewise.vision.data import SegmentationSet, create_dataset
from edgewise.vision.segmentation.scores.surface import surface_distances


def bright(image):
    return torch.from_numpy((image[0] > 0.45).astype(np.int64))


@pytest.fixture
def dataset(discs):
    return create_dataset("folder", discs).subset([f"{n:02d}" for n in range(6)])


def changed(dataset, **lists):
    samples = [replace(s, **{name: values[n] for name, values in lists.items()}) for n, s in enumerate(dataset)]
    return replace(dataset, samples=tuple(samples))


def test_distances_are_in_mm_where_every_spacing_is_known(dataset):
    spacings = [(2.0, 0.5 + n) for n in range(6)]
    found = evaluate_masks(bright, changed(dataset, spacing=spacings))
    pairs = [(bright(s.read_image()).numpy() == 1, s.read_mask() == 1) for s in dataset]
    expected = [surface_distances(*pair, spacing) for pair, spacing in zip(pairs, spacings, strict=True)]
    assert [case.hd95 for case in found.cases] == pytest.approx([one.hd95 for one in expected])
    assert found.scores["assd"] == pytest.approx(np.mean([one.assd for one in expected]))
    assert (found.titles["hd95"], found.further["assd"]) == ("HD95 (mm)", "ASSD (mm)")
    mixed = evaluate_masks(bright, changed(dataset, spacing=[*spacings[:5], None]))
    assert mixed.titles["hd95"] == "HD95 (px)"
    assert mixed.scores == evaluate_masks(bright, dataset).scores


def test_intervals_are_over_groups_where_they_are_known(dataset):
    alone = evaluate_masks(bright, dataset)
    assert alone.sampling().startswith("95 % intervals by bootstrap over 6 images, whose groups are not known")
    pairs = evaluate_masks(bright, changed(dataset, group=list("aabbcc")))
    assert pairs.sampling().startswith("95 % intervals by bootstrap over 3 groups; of so few")
    assert pairs.scores == alone.scores
    assert pairs.intervals != alone.intervals
    one = evaluate_masks(bright, changed(dataset, group=["a"] * 6))
    assert (one.intervals, one.sampling()) == ({}, "no intervals: all 6 images are of one group")
    assert evaluate_masks(bright, dataset.subset(["00"])).sampling() == "no intervals: one image"


def test_everything_is_plain_json(dataset):
    found = evaluate_masks(bright, changed(dataset, group=list("aabbcc")))
    written = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert written["scores"] == found.scores
    assert written["intervals"]["iou"] == list(found.intervals["iou"])
    assert [case["id"] for case in written["cases"]] == list(dataset.ids)
    assert written["cases"][3]["precision"] == found.cases[3].scores["precision"]
    assert {name: one["images"] for name, one in written["groups"].items()} == {"a": 2, "b": 2, "c": 2}


def test_what_is_not_defined_is_left_out(tmp_path, dataset):
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(tmp_path / "empty.png")
    sample = replace(dataset[0], masks=(tmp_path / "empty.png",))
    found = evaluate_masks(bright, SegmentationSet("x", (sample,)))
    assert not {"sensitivity", "lesion_sensitivity"} & (
        found.scores.keys() | found.cases[0].scores.keys() | found.further.keys()
    )
    assert found.scores["precision"] == 0
    json.dumps(found.to_dict(), allow_nan=False)
