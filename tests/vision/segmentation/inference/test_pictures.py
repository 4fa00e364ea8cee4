import pytest

from edgewise._ground.errors import DataError
from edgewise.vision.segmentation.inference.pictures import find_pictures


@pytest.fixture
def tree(tmp_path):
    for name in ("b.png", "a.JPG", "one/a.png", "one/deep/a.tif", "two/a.png", ".hidden.png", ".cache/c.png", "note.txt"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).touch()
    return tmp_path / "in"


def names(paths, out):
    return {picture.name for picture in find_pictures(paths, out)}


def test_a_folder_is_all_pictures_below_it_and_their_names_say_where(tree, tmp_path):
    found = find_pictures([tree], tmp_path / "out")
    assert [str(picture.path.relative_to(tree)) for picture in found] == [
        *("a.JPG", "b.png", "one/a.png", "one/deep/a.tif", "two/a.png")
    ]
    assert [picture.name for picture in found] == ["a", "b", "one/a", "one/deep/a", "two/a"]
    assert found[3].result(tmp_path, "_mask.png") == tmp_path / "one/deep/a_mask.png"


def test_pictures_of_one_stem_are_called_by_their_whole_names(tree, tmp_path):
    (tree / "two" / "a.tif").touch()
    assert names([tree / "two"], tmp_path) == {"a.png", "a.tif"}
    assert names([tree / "two" / "a.png", tree / "one" / "deep" / "a.tif"], tmp_path) == {"a.png", "a.tif"}


def test_several_folders_are_kept_apart(tree, tmp_path):
    assert names([tree / "one", tree / "two", tree / "b.png"], tmp_path) == {"one/a", "one/deep/a", "two/a", "b"}


def test_a_picture_named_twice_is_one(tree, tmp_path):
    assert len(find_pictures([tree / "two" / "a.png", tree, tree / "two" / "a.png"], tmp_path)) == 5


def test_what_an_earlier_prediction_wrote_there_is_no_picture(tree):
    for name in ("b_mask.png", "b_overlay.png", "b_probability.png", "b_probability_12.png"):
        (tree / name).touch()
        (tree / "two" / name).touch()
    assert names([tree], tree) == {"a", "b", "one/a", "one/deep/a", "two/a"}
    assert "b_mask" in names([tree], tree / "one")  # of somebody else


def test_no_picture_is_an_error(tree, tmp_path):
    (tree / "none").mkdir()
    with pytest.raises(DataError, match=r"none holds no pictures; name a folder of \.png, \.jpg"):
        find_pictures([tree / "none"], tmp_path)
