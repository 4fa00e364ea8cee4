import math
import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgewise._ground.errors import ConfigError
from edgewise.vision.segmentation.images import MaskedImages
from edgewise.vision.segmentation.sampling import repeat_factors


def test_repeat_factors_are_those_of_the_rarest_class():
    classes = [{0}, {0, 1}, {0, 1}, {0, 1, 2}, {0, 1}, set()]
    parts = {0: 5 / 6, 1: 4 / 6, 2: 1 / 6}
    expected = [max([1.0, *(math.sqrt(0.75 / parts[label]) for label in labels)]) for labels in classes]
    assert repeat_factors(classes, 0.75) == pytest.approx(expected)
    assert expected[3] > 2 > expected[1] > 1 == expected[0]


@pytest.mark.parametrize("oversample", [None, 0.5, 1.0])
def test_pictures_with_a_rare_class_are_seen_more_often(recipe, discs, tmp_path, oversample):
    root = tmp_path / "rare"
    shutil.copytree(discs, root)
    for index in range(30):
        if index % 5:  # the foreground is in a fifth
            Image.fromarray(np.zeros((16, 16), np.uint8)).save(root / "masks" / f"{index:02d}.png")
    images = MaskedImages(replace(recipe, data=replace(recipe.data, root=str(root)), batch_size=1, oversample=oversample))
    seen = Counter(name for epoch in range(300) for batch in images.train_batches(epoch, 0, 1).batch_sampler
                   for name in (images.train.data[_first(item)].id for item in batch))  # fmt: skip
    ids = images.train.data.ids
    rare = [id for id in ids if int(id) % 5 == 0]
    wanted = 1.0 if oversample is None else math.sqrt(oversample * len(ids) / len(rare))
    mean = {kind: np.mean([seen[id] for id in ids if (id in rare) == kind]) for kind in (True, False)}
    assert sum(seen.values()) == 300 * len(ids)
    assert mean[True] / mean[False] == pytest.approx(wanted, rel=0.03)


def _first(item):
    return item[0] if isinstance(item, tuple) else item


@pytest.mark.parametrize("oversample", [0.0, 1.5])
def test_a_threshold_that_is_no_part_is_refused(recipe, oversample):
    with pytest.raises(ConfigError, match=f"oversample is {oversample} and must be above 0 and at most 1, or none"):
        replace(recipe, oversample=oversample)
