import json

import pytest

from edgewise._ground.errors import ConfigError, DataError, EdgewiseWarning
from edgewise.vision.data import create_dataset
from tests.vision.data.released import FORMS


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


@pytest.mark.parametrize("form", FORMS)
def test_a_file_gives_the_sides_of_every_layout(form, tmp_path):
    write, name, _ = FORMS[form]
    write(tmp_path)
    ids = create_dataset(name, tmp_path).ids
    given = {"train": list(ids[::2]), "val": list(ids[1::4]), "test": list(ids[3::4])}
    (tmp_path / "s.json").write_text(json.dumps(given))
    for read in {name, "folder"}:
        dataset = create_dataset(read, tmp_path, split_file="s.json")
        assert sides(dataset) == [set(part) for part in given.values()]


def test_a_file_gives_the_sides_of_pictures_alone_and_of_pictures_with_classes(save, noise, tmp_path):
    for number in range(6):
        save(f"all/{number}.png", noise(number))
        save(f"named/{'ab'[number % 2]}/{number}.png", noise(number))
    given = {"train": ["0", "1"], "val": ["2", "3"], "test": ["4", "5"]}
    (tmp_path / "s.json").write_text(json.dumps(given))
    file = str(tmp_path / "s.json")
    assert sides(create_dataset("pictures", tmp_path / "all", split_file=file)) == [set(part) for part in given.values()]
    split = create_dataset("imagefolder", tmp_path / "named", split_file=file).split()
    found = [[side.id(number) for number in range(len(side))] for side in (split.train, split.validation, split.test)]
    assert found == [["a/0.png", "b/1.png"], ["a/2.png", "b/3.png"], ["a/4.png", "b/5.png"]]
    (tmp_path / "s.json").write_text('{"val": ["0", "1"]}')
    with (
        pytest.warns(EdgewiseWarning, match="4 of 6 pictures are on no side"),
        pytest.raises(DataError, match="puts pictures on validation alone: give train and another"),
    ):
        create_dataset("imagefolder", tmp_path / "named", split_file=file)


def test_a_name_that_several_pictures_have_is_refused(save, noise, tmp_path):
    for number, name in enumerate(("a/0", "a/1", "b/0", "b/1")):
        save(f"{name}.png", noise(number))
    (tmp_path / "s.json").write_text('{"train": ["0", "1"], "val": ["b/1"]}')
    with pytest.raises(DataError, match=r"says '0', which may be 'a/0.png' or 'b/0.png': name them so there"):
        create_dataset("imagefolder", tmp_path, split_file="s.json")


def test_two_ways_at_once_are_refused(root):
    with pytest.raises(ConfigError, match="split_by='grouped' another way: leave one out"):
        create_dataset("folder", root, split_file="s.json", split_by="grouped")
    with pytest.raises(ConfigError, match="split_file=3 must be text"):
        create_dataset("folder", root, split_file=3)
    with pytest.raises(ConfigError, match=r"colours=\['#000000', '#ff0000'\] is given and names is not"):
        create_dataset("folder", root, colours=["#000000", "#ff0000"])
