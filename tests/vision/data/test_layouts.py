import numpy as np
import pytest

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data import Sample
from edgewise.vision.data.layouts import files_by_stem, pair, read_layout

DOT = np.ones((2, 2), np.uint8)


def names(samples):
    return {sample.id: [mask.name for mask in sample.masks] for sample in samples}


def test_pairs_by_stem_whatever_the_extension(save, tmp_path):
    for name in ("i/a.jpg", "i/b.2.png", "m/a.png", "m/b.2.bmp"):
        save(name, DOT)
    assert names(pair(tmp_path / "i", tmp_path / "m", ("",))) == {"a": ["a.png"], "b.2": ["b.2.bmp"]}


def test_first_suffix_that_fits_wins_and_numbered_masks_follow(save, tmp_path):
    for name in ("i/a.png", "i/b.png", "m/a_mask.png", "m/a_mask_1.png", "m/a_mask_2.png", "m/a.png", "m/b.png"):
        save(name, DOT)
    expected = {"a": ["a_mask.png", "a_mask_1.png", "a_mask_2.png"], "b": ["b.png"]}
    assert names(pair(tmp_path / "i", tmp_path / "m", ("_mask", ""))) == expected


def test_without_suffix_a_numbered_name_is_another_picture(save, tmp_path):
    for name in ("i/a.png", "i/a_1.png", "m/a.png", "m/a_1.png"):
        save(name, DOT)
    assert names(pair(tmp_path / "i", tmp_path / "m", ("",))) == {"a": ["a.png"], "a_1": ["a_1.png"]}


def test_pictures_and_masks_in_one_folder(save, tmp_path):
    for name in ("a_1.png", "a_1_anno.png", "a_2.png", "a_2_anno.png", "a_2_anno_1.png"):
        save(name, DOT)
    assert names(pair(tmp_path, tmp_path, ("_anno",))) == {
        "a_1": ["a_1_anno.png"],
        "a_2": ["a_2_anno.png", "a_2_anno_1.png"],
    }


def test_missing_mask_says_what_was_looked_for(save, tmp_path):
    for name in ("i/a.jpg", "m/b.png"):
        save(name, DOT)
    with pytest.raises(
        DataError, match=r"a\.jpg has no mask; looked for a_mask\.jpg or a\.jpg .* in .*m; give mask_suffix="
    ):
        pair(tmp_path / "i", tmp_path / "m", ("_mask", ""))


def test_other_and_hidden_files_are_left_out(save, tmp_path):
    for name in ("a.png", "._a.png", "b.PNG"):
        save(name, DOT, format="png")
    (tmp_path / "Thumbs.db").touch()
    assert list(files_by_stem(tmp_path)) == ["a", "b"]


def test_one_stem_twice(save, tmp_path):
    for name in ("a.png", "a.bmp"):
        save(name, DOT)
    with pytest.raises(DataError, match=r"a\.bmp and .*a\.png differ only in their extension"):
        files_by_stem(tmp_path)


def test_empty_and_absent_folders(tmp_path):
    with pytest.raises(DataError, match=r"holds no images; it should hold \.png"):
        files_by_stem(tmp_path)
    with pytest.raises(DataError, match="gone is not a folder"):
        files_by_stem(tmp_path / "gone")


def test_layout_is_found_in_the_folder_or_one_below(save, tmp_path):
    save("data/inner/i/b.png", DOT)
    save("data/inner/i/a.png", DOT)
    readers = {("i",): lambda folder: [Sample(stem, path) for stem, path in files_by_stem(folder / "i").items()][::-1]}
    for root in (tmp_path / "data", tmp_path / "data/inner"):
        assert [sample.id for sample in read_layout("toy", root, readers)] == ["a", "b"]
    with pytest.raises(DataError, match="has no layout of dataset 'toy'; neither i nor j with k is in it"):
        read_layout("toy", tmp_path, {**readers, ("j", "k"): list})


def test_root_must_be_given_and_exist(tmp_path):
    with pytest.raises(ConfigError, match="dataset 'toy' needs its folder; give root=FOLDER"):
        read_layout("toy", None, {})
    with pytest.raises(DataError, match="gone is not a folder; give the folder of dataset 'toy'"):
        read_layout("toy", tmp_path / "gone", {})
