import itertools
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from edgewise._ground.errors import DataError
from edgewise.vision.data import Sample, SegmentationSet, create_dataset
from edgewise.vision.data.dataset import Split
from edgewise.vision.ensembles.folds import divide_in_folds, joined_groups


@pytest.fixture
def make(tmp_path):
    """Pictures of noise, with a class 1 where asked for, in groups."""

    def run(count, group=lambda index: None, rare=lambda index: True, same=()):
        samples = []
        for index in range(count):
            noise = np.random.default_rng(dict(same).get(index, index)).integers(0, 256, (32, 32), dtype=np.uint8)
            mask = np.zeros((32, 32), np.uint8)
            mask[:4, :4] = rare(index)
            for name, pixels in (("i", noise), ("m", mask)):
                Image.fromarray(pixels).save(tmp_path / f"{name}{index:02d}.png")
            files = tmp_path / f"i{index:02d}.png", (tmp_path / f"m{index:02d}.png",)
            samples.append(Sample(f"{index:02d}", *files, group=group(index)))
        return SegmentationSet("toy", tuple(samples), channels=1)

    return run


def divided(dataset, count=3, held=4, seed=0):
    """In folds, the last pictures held out."""
    ids = dataset.ids
    sides = Split(dataset.subset(ids[: -held - 2]), dataset.subset(ids[-held - 2 : -held]), dataset.subset(ids[-held:]))
    return divide_in_folds(dataset, sides, count, seed)


def sides_of(split):
    return [set(side.ids) for side in (split.train, split.validation, split.test)]


@pytest.mark.parametrize("group", [lambda index: None, lambda index: f"p{index // 3}"], ids=["single", "grouped"])
def test_each_picture_is_left_out_once_and_on_one_side_of_each_fold(make, group):
    dataset = make(31, group)
    folds = divided(dataset)
    pool = set(dataset.ids[:-4])
    assert set(folds.test.ids) == set(dataset.ids[-4:])
    assert Counter(id for split in folds.members for id in split.test.ids) == dict.fromkeys(pool, 1)
    for split in folds.members:
        sides = sides_of(split)
        assert all(sides)
        assert not any(one & other for one, other in itertools.combinations(sides, 2))
        assert set.union(*sides) == pool
        if group(0):
            owners = [{sample.group for sample in side} for side in (split.train, split.validation, split.test)]
            assert not any(one & other for one, other in itertools.combinations(owners, 2))
    assert max(len(split.test) for split in folds.members) - min(len(split.test) for split in folds.members) <= 3


def test_a_rare_class_is_in_all_folds_alike(make):
    dataset = make(34, rare=lambda index: index % 5 == 0)
    for seed in range(3):
        counts = [sum(int(id) % 5 == 0 for id in split.test.ids) for split in divided(dataset, seed=seed).members]
        assert counts == [2, 2, 2]


def test_copies_of_a_picture_stay_together_and_join_their_groups(make):
    dataset = make(24, group=lambda index: f"p{index // 2}", same=[(10, 0), (14, 3)])
    groups = joined_groups(list(dataset))
    assert [sorted(ids) for ids in groups.values() if "00" in ids] == [["00", "01", "10", "11"]]
    assert [sorted(ids) for ids in groups.values() if "03" in ids] == [["02", "03", "14", "15"]]
    for split in divided(dataset).members:
        for side in sides_of(split):
            assert len({"00", "10"} & side) != 1
            assert len({"03", "14"} & side) != 1


def test_draws_follow_from_the_seed(make):
    dataset = make(31)
    first, second, other = ([sides_of(split) for split in divided(dataset, seed=seed).members] for seed in (1, 1, 2))
    assert first == second != other


def test_too_few_groups_are_refused(make):
    dataset = make(24, group=lambda index: "one" if index < 12 else f"p{index}")
    with pytest.raises(DataError, match=r"10 folds need 11 groups .* and dataset 'toy' has 9: ask for fewer folds"):
        divided(dataset, count=10)


def test_a_folder_as_it_comes_is_divided(discs):
    dataset = create_dataset("folder", discs)
    folds = divide_in_folds(dataset, dataset.split(7).without_duplicates(), 2, 7)
    assert len(folds.members) == 2
    assert folds.test.ids == dataset.split(7).test.ids
