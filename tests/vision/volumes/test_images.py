"""How often scans are read."""

from collections import Counter
from dataclasses import replace

from edgewise.vision.data import create_dataset
from edgewise.vision.data.intensity import Intensity
from edgewise.vision.volumes import sample
from edgewise.vision.volumes.images import VolumeImages
from edgewise.vision.volumes.sample import scans_of


def test_scans_are_read_once_and_once_more_for_a_scale_of_the_whole_set(recipe, monkeypatch):
    often = Counter()

    def read(path, spacing):
        often[path.parent.name, path.name.split("_")[0]] += 1
        return own(path, spacing)

    own = sample.read_volume
    monkeypatch.setattr(sample, "read_volume", read)
    for scale, times in ((recipe.data.intensity, 1), (Intensity(scale="percentiles"), 2)):
        often.clear()
        sides = VolumeImages(replace(recipe, data=replace(recipe.data, intensity=scale))).inventory.sides
        for side, count in (("train", times), ("validation", 1), ("test", 0)):
            assert {often["imagesTr", id] for id in sides[side]} == {count}


def test_spacing_is_known_without_a_voxel(scans, monkeypatch):
    monkeypatch.setattr(sample, "read_volume", None)
    for scan in scans_of(create_dataset("volumes", scans)):
        steps = 2.0 + int(scan.id.removeprefix("case")) % 3
        assert [round(step, 4) for step in scan.measured().spacing] == [steps, 0.8, 1.0]
        assert scan.spacing_in_body == scan.measured().spacing
