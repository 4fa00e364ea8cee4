import itertools
from collections import Counter

import numpy as np
import pytest

from edgewise._ground.errors import DataError
from edgewise.vision.ensembles.folds import divide_in_folds, join
from edgewise.vision.training.pool import Member


def images(count, group=lambda index: None, stratum=lambda index: 0):
    return [Member(f"{index:02d}", group(index), stratum(index)) for index in range(count)]


def divided(members, count=3, seed=0, copies=()):
    return divide_in_folds("toy", members, copies, count, seed)


@pytest.mark.parametrize("group", [lambda index: None, lambda index: f"p{index // 3}"], ids=["single", "grouped"])
def test_each_image_is_left_out_once_and_on_one_side_of_each_fold(group):
    members = images(27, group)
    folds, owner = divided(members), {member.id: member.group for member in members}
    assert Counter(id for fold in folds for id in fold.held) == dict.fromkeys(owner, 1)
    for fold in folds:
        assert all(fold)
        assert sorted(itertools.chain(*fold)) == sorted(owner)
        if group(0):
            owners = [{owner[id] for id in side} for side in fold]
            assert not any(one & other for one, other in itertools.combinations(owners, 2))
        assert 1 <= len(fold.validation) <= 3  # a tenth of 18, or one group
    assert max(len(fold.held) for fold in folds) - min(len(fold.held) for fold in folds) <= 3


@pytest.mark.parametrize("seed", range(3))
def test_a_rare_stratum_is_in_all_folds_and_in_the_choice_of_epochs_alike(seed):
    members = images(120, stratum=lambda index: int(index % 4 == 0))
    for fold in divided(members, seed=seed):
        assert [sum(int(id) % 4 == 0 for id in side) for side in fold] == [18, 2, 10]


def test_strata_of_fewer_images_than_folds_are_spread():
    for fold in divided(images(40, stratum=lambda index: 1 + index % 2 if index < 4 else 0), count=4):
        assert sum(int(id) < 4 for id in fold.held) == 1
    assert len(divided(images(12, stratum=lambda index: index), count=4)) == 4


def test_copies_stay_together_and_join_their_groups():
    members = images(24, group=lambda index: f"p{index // 2}")
    copies = [("10", "00"), ("14", "03"), ("20", "14")]
    for fold in divided(members, copies=copies):
        for together in ({"00", "01", "10", "11"}, {"02", "03", "14", "15", "20", "21"}):
            assert sum(bool(together & set(side)) for side in fold) == 1


def test_a_group_is_not_taken_for_an_image_of_its_name():
    assert len(np.unique(join([Member("a", None, 0), Member("b", "a", 0)], []))) == 2


def test_draws_follow_from_the_seed():
    first, second, other = (divided(images(31), seed=seed) for seed in (1, 1, 2))
    assert first == second != other


def test_too_few_groups_are_refused():
    members = images(24, group=lambda index: "one" if index < 12 else f"p{index}")
    with pytest.raises(DataError, match=r"20 folds need 21 groups .* and dataset 'toy' has 13: ask for fewer folds"):
        divided(members, count=20)
    with pytest.raises(DataError, match=r"2 folds need 4 images beside the test side and dataset 'toy' has 3"):
        divided(images(3), count=2)
