"""How often scans are read."""

from collections import Counter
from dataclasses import replace

from edgewise.vision import evaluate, train
from edgewise.vision.data import create_dataset
from edgewise.vision.data.intensity import Intensity
from edgewise.vision.volumes import sample
from edgewise.vision.volumes.images import VolumeImages
from edgewise.vision.volumes.sample import scans_of


def test_a_run_reads_scans_to_know_them_again_to_learn_from_them_and_for_a_scale_of_the_whole_set(recipe, monkeypatch):
    often = Counter()

    def read(path, spacing):
        often[path.parent.name, path.name.split("_")[0]] += 1
        return own(path, spacing)

    own = sample.read_volume
    monkeypatch.setattr(sample, "read_volume", read)
    for scale, times in ((recipe.data.intensity, 2), (Intensity(scale="percentiles"), 3)):
        often.clear()
        sides = VolumeImages(replace(recipe, data=replace(recipe.data, intensity=scale))).inventory.sides
        for side, count in (("train", times), ("validation", 2), ("test", 1)):
            assert {often["imagesTr", id] for id in sides[side]} == {count}


def test_an_evaluation_reads_each_scan_once(recipe, monkeypatch, tmp_path):
    train(recipe, tmp_path / "run", progress=False)
    often, own = Counter(), sample.read_volume
    monkeypatch.setattr(sample, "read_volume", lambda path, spacing: often.update([path]) or own(path, spacing))
    cases = evaluate(tmp_path / "run").cases
    assert set(often.values()) == {1}
    assert len(often) == 2 * len(cases)


def test_spacing_is_known_without_a_voxel(scans, monkeypatch):
    monkeypatch.setattr(sample, "read_volume", None)
    for scan in scans_of(create_dataset("volumes", scans)):
        steps = 2.0 + int(scan.id.removeprefix("case")) % 3
        assert [round(step, 4) for step in scan.measured().spacing] == [steps, 0.8, 1.0]
        assert scan.spacing_in_body == scan.measured().spacing
