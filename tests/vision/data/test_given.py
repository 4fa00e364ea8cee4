import json

import pytest

from edgewise._ground.errors import DataError, EdgewiseWarning
from edgewise.vision.data import create_dataset


@pytest.fixture
def root(save, noise, tmp_path):
    for number in range(6):
        save(f"images/p{number}.jpg", noise(number))
        save(f"masks/p{number}.png", noise(number) > 127)
    return tmp_path


def sides(dataset):
    split = dataset.split()
    return [set(part.ids) for part in (split.train, split.validation, split.test)]


NAMES = [f"p{number}" for number in range(6)]
EXPECTED = [{"p0", "p1", "p2"}, {"p3"}, {"p4", "p5"}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("s.json", json.dumps({"train": ["p0", "p1", "p2"], "val": ["p3"], "test": ["p4", "p5"]})),
        ("s.json", json.dumps(dict(zip(NAMES, ["train", "train", "training", "validation", "test", "test"], strict=True)))),
        ("s.csv", "picture,side\np0,train\np1.jpg,Train\np2,train\np3,valid\np4,test\np5,test\n"),
        ("s.csv", "p0,train\np1,train\np2,train\np3,val\np4,test\np5,test\n"),
    ],
)
def test_a_file_gives_the_sides(root, name, text):
    (root / name).write_text(text)
    dataset = create_dataset("folder", root, split_file=name)
    assert dataset.split_by == "sides"
    assert sides(dataset) == EXPECTED
    assert sides(create_dataset("folder", root, split_file=str(root / name))) == EXPECTED


def test_what_is_on_no_side_is_left_out_with_a_warning(root):
    (root / "s.json").write_text(json.dumps({"train": ["p0", "p1"], "val": ["p2"], "test": ["p3"]}))
    with pytest.warns(EdgewiseWarning, match=r"2 of 6 pictures are on no side of .*s\.json and left out, such as 'p4'"):
        dataset = create_dataset("folder", root, split_file="s.json")
    assert sides(dataset) == [{"p0", "p1"}, {"p2"}, {"p3"}]


def test_ids_go_before_names_of_files(save, noise, tmp_path):
    for part in ("train", "test"):
        for number in range(3):
            save(f"{part}/images/{number}.png", noise(number + 10 * (part == "test")))
            save(f"{part}/masks/{number}.png", noise(number) > 127)
    given = {"train": ["test/0", "test/1", "test/2"], "val": ["train/0"], "test": ["train/1", "train/2"]}
    (tmp_path / "s.json").write_text(json.dumps(given))
    assert sides(create_dataset("folder", tmp_path, split_file="s.json"))[0] == {"test/0", "test/1", "test/2"}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "s.json",
            '{"train": ["p0", "q7"], "test": ["q8"]}',
            r"s\.json names 2 pictures .* the first is 'q7': correct its",
        ),
        ("s.json", '{"train": ["p0"], "test": ["p0"]}', r"s\.json puts 'p0' on two sides, train and test: keep one"),
        ("s.json", '{"train": ["p0"], "test": ["p0.jpg"]}', r"s\.json puts 'p0\.jpg' on two sides"),
        ("s.json", '{"p0": "trian"}', r"s\.json has the side 'trian' and sides are train, val and test; give"),
        ("s.json", "[1]", r"s\.json holds no object of sides"),
        ("s.json", '{"train": 5}', r"s\.json holds neither names on each side nor"),
        ("s.json", "{", r"s\.json is not readable JSON"),
        ("s.csv", "p0\n", r"s\.csv has the line \['p0'\] and needs two columns"),
    ],
)
def test_a_file_that_cannot_be_followed_is_refused_in_a_sentence(root, name, text, message):
    (root / name).write_text(text)
    with pytest.raises(DataError, match=message):
        create_dataset("folder", root, split_file=name)
    with pytest.raises(DataError, match=r"split_file='none\.json' is no file in"):
        create_dataset("folder", root, split_file="none.json")


def test_a_file_without_a_training_side_is_refused(root):
    (root / "s.json").write_text(json.dumps({"test": [f"p{n}" for n in range(6)]}))
    with pytest.raises(DataError, match="has 0 train, 0 validation, 6 test samples: give sides to all, train and another"):
        create_dataset("folder", root, split_file="s.json").split()


def test_groups_that_leave_a_side_empty_are_named(root):
    with pytest.raises(DataError, match=r"groups='\(p\)\.' makes 1 groups of 6 pictures .* need one each: give groups"):
        create_dataset("folder", root, groups="(p).")
    assert create_dataset("folder", root, groups="(p).", split_by="published").split_by == "published"


def test_the_layout_of_nnunet(save, noise, tmp_path):
    for number in range(4):
        for part in ("Tr", "Ts"):
            seed = number + 10 * (part == "Ts")
            save(f"images{part}/case_{seed:02d}_0000.png", noise(seed))
            save(f"labels{part}/case_{seed:02d}.png", (noise(seed) > 127).astype("uint8"))
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "cell": 1}, "file_ending": ".png"}))
    dataset = create_dataset("folder", tmp_path)
    assert dataset.ids[0] == "case_00"
    assert [sample.side for sample in dataset] == ["train"] * 4 + ["test"] * 4
    assert dataset.legend.names == ("background", "cell")
    save("imagesTr/case_00_0001.png", noise(3))
    with pytest.raises(DataError, match=r"case_00_0001\.png is no first channel"):
        create_dataset("folder", tmp_path)
