from dataclasses import replace

import pytest
from sklearn.model_selection import train_test_split

from edgewise._ground.errors import DataError, EdgewiseWarning
from edgewise.vision.data import PUBLISHED_SEEDS, Split, grouped_split, list_splits, published_split, sides_split


@pytest.mark.parametrize("seed", PUBLISHED_SEEDS)
def test_published_test_side_is_that_of_the_literature(make_set, seed):
    dataset = make_set(30)
    split = published_split(dataset.subset(reversed(dataset.ids)), seed)
    rest, test = train_test_split(sorted(dataset.ids), test_size=0.2, random_state=seed)
    assert split.test.ids == tuple(sorted(test))
    assert {*split.train.ids, *split.validation.ids} == set(rest)
    assert [len(split.train), len(split.validation), len(split.test)] == [21, 3, 6]


def test_sides_are_disjoint_and_seeds_differ(make_set):
    dataset = make_set(20)
    splits = [dataset.split(seed) for seed in PUBLISHED_SEEDS]
    for split in splits:
        ids = [*split.train.ids, *split.validation.ids, *split.test.ids]
        assert sorted(ids) == list(dataset.ids)
    assert len({split.test.ids for split in splits}) == 3
    assert dataset.split(1187) == splits[2]


def test_validation_can_be_left_out(make_set):
    split = published_split(make_set(10), validation=0)
    assert [len(split.train), len(split.validation), len(split.test)] == [8, 0, 2]


def test_grouped_split_keeps_groups_together(make_set):
    dataset = make_set(40, group=lambda index: f"video {index // 4}", split_by="grouped")
    split = dataset.split()
    sides = [{sample.group for sample in side} for side in (split.train, split.validation, split.test)]
    assert [len(side) for side in sides] == [7, 1, 2]
    assert len(set.union(*sides)) == 10
    assert sum(map(len, (split.train, split.validation, split.test))) == 40


@pytest.mark.parametrize("seed", [*PUBLISHED_SEEDS, 0, 1])
def test_sides_of_unequal_groups_have_the_sizes_asked_for(make_set, seed):
    dataset = make_set(60, group=lambda index: f"patient {int(index**0.6)}")
    split = grouped_split(dataset, seed)
    for side, part in ((split.test, 0.2), (split.validation, 0.08), (split.train, 0.72)):
        assert abs(len(side) - part * 60) <= 0.05 * 60
    assert split.leaks() == {"test": (0, len(split.test)), "validation": (0, len(split.validation))}


def test_groups_too_large_for_the_sizes_are_told(make_set):
    with pytest.warns(
        EdgewiseWarning, match="a side of 'toy' has 10 samples where about 3 were asked for: its groups are large"
    ):
        make_set(40, group=lambda index: str(index // 10), split_by="grouped").split()


def test_too_few_groups(make_set):
    with pytest.raises(DataError, match="too small: its 2 groups cannot be parted"):
        make_set(10, group=lambda index: str(index // 8), split_by="grouped").split()


def test_leaks_are_counted(make_set):
    dataset = make_set(30, group=lambda index: None if index > 27 else f"video {index % 4}")
    split = published_split(dataset)
    before = {sample.group for side in (split.train, split.validation) for sample in side}
    expected = [sample.group in before for sample in split.test if sample.group]
    assert split.leaks()["test"] == (sum(expected), len(expected))
    assert f"{sum(expected)} of {len(expected)} test images" in split.leak_note()


def test_sides_that_are_not_given(make_set):
    with pytest.raises(DataError, match="dataset 'toy' of 4 has 0 train, 0 validation, 0 test samples: give sides to all"):
        sides_split(make_set(4))


def test_grouped_split_needs_groups(make_set):
    with pytest.raises(DataError, match="sample 's00' of 'toy' has no group"):
        grouped_split(make_set(3))


def test_too_few_samples(make_set):
    with pytest.raises(DataError, match=r"dataset 'toy' is too small: a fraction of 0\.2 cannot be drawn from 1"):
        published_split(make_set(1))
    with pytest.raises(DataError, match=r"a fraction of 0\.1 cannot be drawn from 1"):
        published_split(make_set(2))


def test_list():
    assert {"published", "grouped", "official", "sides", "z-blocks"} <= set(list_splits())


@pytest.fixture
def leaking(make_set, save, noise):
    """s00..s03 train, s04 validates, s05 tests; s01 is s05 at another size, s02 is s04 in a JPEG."""
    dataset = make_set(6)
    resized = replace(dataset[1], image=save("copies/a.png", noise(5, 64, 64)))
    recoded = replace(dataset[2], image=save("copies/b.jpg", noise(4), quality=75))
    dataset = replace(dataset, samples=(dataset[0], resized, recoded, *dataset[3:]))
    ids = dataset.ids
    return Split(dataset.subset(ids[:4]), dataset.subset(ids[4:5]), dataset.subset(ids[5:]))


def test_check_names_the_pair(leaking):
    assert {pair[:2] for pair in leaking.duplicates()} == {("s01", "s05"), ("s02", "s04")}
    with pytest.raises(
        DataError, match=r"(s01 and s05|s02 and s04) of 'toy' are the same picture .*, one of 2 such pairs;"
    ):
        leaking.check()


def test_without_duplicates_drops_the_training_side_and_says_so(leaking):
    clean = leaking.without_duplicates()
    assert clean.train.ids == ("s00", "s03")
    assert (clean.validation, clean.test) == (leaking.validation, leaking.test)
    assert {pair[:2] for pair in clean.dropped} == {("s01", "s05"), ("s02", "s04")}
    assert clean.check() is clean


def test_copies_on_one_side_are_no_leak(make_set):
    dataset = make_set(4)
    twin = replace(dataset[1], image=dataset[0].image)
    dataset = replace(dataset, samples=(dataset[0], twin, *dataset[2:]))
    split = Split(dataset.subset(["s00", "s01"]), dataset.subset(["s02"]), dataset.subset(["s03"]))
    assert split.check() is split
    assert split.without_duplicates() == split


def test_one_sample_on_two_sides(make_set):
    dataset = make_set(3)
    with pytest.raises(DataError, match="s01 of 'toy' is on two sides of the split"):
        Split(dataset.subset(["s00", "s01"]), dataset.subset(["s01"]), dataset.subset(["s02"])).check()
