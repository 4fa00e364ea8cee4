import ast

import numpy as np
import pytest

from edgewise._ground.errors import ConfigError, DataError, EdgewiseWarning
from edgewise.vision.data import create_dataset


def test_default_layout(save, noise, tmp_path):
    for id in ("b", "a"):
        save(f"images/{id}.jpg", noise(1))
        save(f"masks/{id}.png", np.ones((32, 32), bool))
    dataset = create_dataset("folder", tmp_path, channels=1)
    assert (dataset.ids, dataset.channels) == (("a", "b"), 1)
    assert dataset[0].read_mask().all()


def test_other_names_and_suffix(save, noise, tmp_path):
    save("photos/a.png", noise(1))
    save("labels/a_seg.png", noise(1))
    dataset = create_dataset("folder", tmp_path, images="photos", masks="labels", mask_suffix="_seg")
    assert dataset[0].masks[0].name == "a_seg.png"


def test_empty_folder(tmp_path):
    with pytest.raises(DataError, match="neither images with masks is in it"):
        create_dataset("folder", tmp_path)
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    with pytest.raises(DataError, match="images holds no images"):
        create_dataset("folder", tmp_path)


def mask(size=32):
    found = np.zeros((size, size), np.uint8)
    found[:9, 3:17] = 255
    return found


@pytest.fixture
def fill(save, noise):
    """Write pictures and their masks by the patterns of their names."""

    def write(image, *masks, ids=range(5)):
        for id in ids:
            save(image.format(id), noise(id))
            for name in masks:
                save(name.format(id), mask())

    return write


def names(dataset):
    return {sample.id: [path.name for path in sample.masks] for sample in dataset}


@pytest.mark.parametrize("suffix", ["", "_mask", "_segmentation", "_seg", "_label", "_gt", "_anno"])
def test_usual_endings_of_masks_are_found(fill, tmp_path, suffix):
    fill("images/{}.jpg", f"masks/{{}}{suffix}.png")
    assert names(create_dataset("folder", tmp_path)) == {str(id): [f"{id}{suffix}.png"] for id in range(5)}


@pytest.mark.parametrize("images", [".", None])
def test_one_folder_for_both(fill, tmp_path, images):
    fill("{}.png", "{}_mask.png", "{}_mask_1.png")
    options = {} if images is None else {"images": ".", "masks": "."}
    expected = {str(id): [f"{id}_mask.png", f"{id}_mask_1.png"] for id in range(5)}
    assert names(create_dataset("folder", tmp_path, **options)) == expected


def test_pictures_in_the_folder_itself_and_masks_below(fill, tmp_path):
    fill("{}.png", "masks/{}.png")
    assert names(create_dataset("folder", tmp_path, images=".")) == {str(id): [f"{id}.png"] for id in range(5)}


@pytest.mark.parametrize(
    ("image", "mask", "folder"),
    [("image", "mask", "image"), ("Imgs", "GT", "Imgs"), ("Original", "Ground Truth", "Original")],
)
def test_other_usual_folders_are_found(fill, tmp_path, image, mask, folder):
    fill(f"set/{image}/{{}}.png", f"set/{mask}/{{}}.png")
    assert create_dataset("folder", tmp_path)[0].image.parent.name == folder


def test_an_option_that_helps_is_named(fill, save, tmp_path):
    fill("images/{}.png", "masks/{}_lesion.png")
    with pytest.raises(DataError, match="0_lesion is there: give mask_suffix='_lesion'"):
        create_dataset("folder", tmp_path)
    assert len(create_dataset("folder", tmp_path, mask_suffix="_lesion")) == 5
    save("labels/0.png", mask())
    with pytest.raises(DataError, match=r"several folders that could hold the masks \(labels, masks\); give masks=NAME"):
        create_dataset("folder", tmp_path)
    save("ukan/images/0.png", mask())
    save("ukan/masks/0/0.png", mask())
    assert create_dataset("folder", tmp_path / "ukan").ids == ("0",)
    save("ukan/masks/1/0.png", mask())
    with pytest.raises(DataError, match=r"masks holds no images but folders; give .* \(masks/0, .*masks/1\)"):
        create_dataset("folder", tmp_path / "ukan")


@pytest.mark.parametrize("name", ["mask_{}", "gt-{}", "{}_Mask", "{}-truth", "lesion mask_{}", "{}.seg"])
def test_the_option_that_an_error_names_reads_the_folder(fill, tmp_path, name):
    fill("images/{}.png", f"masks/{name}.png", ids=(11, 12, 21, 22))
    with pytest.raises(DataError, match="is there: give") as caught:
        create_dataset("folder", tmp_path)
    option, _, value = str(caught.value).partition("is there: give ")[2].rpartition(", options of")[0].partition("=")
    dataset = create_dataset("folder", tmp_path, **{option: ast.literal_eval(value)})
    assert [sample.masks[0].stem for sample in dataset] == [name.format(id) for id in (11, 12, 21, 22)]


def test_names_that_share_a_part_are_paired_by_it(fill, tmp_path):
    fill("images/{}_training.tif", "1st_manual/{}_manual1.gif", ids=(21, 22, 23))
    with pytest.raises(DataError, match="or key=PATTERN for what both names share"):
        create_dataset("folder", tmp_path)
    dataset = create_dataset("folder", tmp_path, key=r"(\d+)_")
    assert names(dataset) == {str(id): [f"{id}_manual1.gif"] for id in (21, 22, 23)}
    assert np.array_equal(dataset[0].read_mask(), mask() > 0)
    for key, message in (("(", "is no pattern"), ("\\d+", "no part in parentheses")):
        with pytest.raises(ConfigError, match=message):
            create_dataset("folder", tmp_path, key=key)
    with pytest.raises(DataError, match="has nothing that fits"):
        create_dataset("folder", tmp_path, key="(x)")


def test_a_folder_for_each_picture_with_a_mask_an_instance(save, noise, tmp_path):
    parts = np.zeros((3, 16, 16), np.uint8)
    parts[0, :4], parts[1, 6:9], parts[2, 12:, 5:] = 255, 255, 255
    for id in ("a0", "b1", "c2"):
        save(f"stage1_train/{id}/images/{id}.png", noise(1, 16, 16))
        for index, part in enumerate(parts):
            save(f"stage1_train/{id}/masks/{id}{index}.png", part)
        save(f"stage1_test/{id}/images/{id}.png", noise(2, 16, 16))
    dataset = create_dataset("folder", tmp_path)
    assert dataset.ids == ("a0", "b1", "c2")
    assert np.array_equal(dataset[1].read_mask(), parts.any(0))


@pytest.mark.parametrize("val", ["val", "valid", "validation", "Val"])
@pytest.mark.parametrize(
    "pattern", ["{side}/images/{id}.png {side}/masks/{id}.png", "images/{side}/{id}.png masks/{side}/{id}.png"]
)
def test_three_sides(fill, tmp_path, val, pattern):
    counts = {"train": 6, val: 3, "test": 2}
    for side, count in counts.items():
        fill(*(part.replace("{side}", side).replace("{id}", "{}") for part in pattern.split()), ids=range(count))
    dataset = create_dataset("folder", tmp_path)
    assert dataset.split_by == "sides"
    split = dataset.split()
    assert [len(side) for side in (split.train, split.validation, split.test)] == [6, 3, 2]
    assert {id.split("/")[0] for id in split.validation.ids} == {val}
    assert {id.split("/")[0] for id in split.test.ids} == {"test"}


@pytest.mark.parametrize("other", ["val", "test"])
def test_two_sides_leave_the_best_epoch_to_be_chosen_on_a_part_of_training(fill, tmp_path, other):
    for side, count in (("training", 20), (other, 4)):
        fill(f"{side}/images/{{}}.png", f"{side}/masks/{{}}.png", ids=range(count))
    split = create_dataset("folder", tmp_path).split()
    assert {id.split("/")[0] for id in split.test.ids} == {other}
    assert [len(side) for side in (split.train, split.validation, split.test)] == [18, 2, 4]


def test_sides_that_cannot_be_read_are_refused(fill, save, noise, tmp_path):
    for side in ("train", "val"):
        fill(f"{side}/images/{{}}.png", f"{side}/masks/{{}}.png")
    save("test/images/0.png", noise(0))
    with pytest.raises(
        DataError, match="test has no images with masks, and folders beside it have; give it both, or move it"
    ):
        create_dataset("folder", tmp_path)
    (tmp_path / "test").rename(tmp_path / "valid")
    with pytest.raises(DataError, match="has train, val, valid, two of one side"):
        create_dataset("folder", tmp_path)


def test_several_folders_that_fit_are_refused(fill, tmp_path):
    for part in ("benign", "malignant"):
        fill(f"{part}/images/{{}}.png", f"{part}/masks/{{}}.png")
    with pytest.raises(DataError, match=r"several folders that dataset 'folder' could be \(benign, malignant\); give one"):
        create_dataset("folder", tmp_path)


def test_masks_of_no_picture_are_told(fill, save, tmp_path):
    fill("images/{}.png", "masks/{}.png")
    save("masks/99.png", mask())
    with pytest.warns(EdgewiseWarning, match=r"1 files in .*masks belong to no picture and are left out, such as 99\.png"):
        create_dataset("folder", tmp_path)


def test_groups_by_a_pattern_and_by_a_table(fill, tmp_path):
    ids = [f"p{patient}_{index}" for patient in range(10) for index in range(3)]
    for number, id in enumerate(ids):
        fill(f"images/{id}{{}}.png".replace("{}", ""), f"masks/{id}.png", ids=[number])
    by_pattern = create_dataset("folder", tmp_path, groups=r"(.*)_\d+")
    (tmp_path / "patients.csv").write_text("picture,patient\n" + "".join(f"{id}.png, {id[:2]}\n" for id in ids))
    by_table = create_dataset("folder", tmp_path, groups="patients.csv")
    assert [s.group for s in by_pattern] == [s.group for s in by_table] == [sample.id[:2] for sample in by_table]
    assert by_pattern.split_by == "grouped"
    split = by_pattern.split()
    sides = [{sample.group for sample in side} for side in (split.train, split.validation, split.test)]
    assert [len(side) for side in sides] == [7, 1, 2]
    assert split.leak_note() == ""
    published = create_dataset("folder", tmp_path, groups="patients.csv", split_by="published").split()
    assert published.leaks()["test"][0] > 0
    assert "share their group (a patient, a video)" in published.leak_note()


def test_groups_that_cannot_be_found_are_refused(fill, tmp_path):
    fill("images/{}.png", "masks/{}.png")
    (tmp_path / "short.csv").write_text("0,a\n1,a\n")
    (tmp_path / "one.csv").write_text("0\n")
    for groups, message in (
        ("(x)", "the name '0' does not fit groups"),
        ("none.csv", "is no file in"),
        ("short.csv", "has no group for '2'"),
        ("one.csv", "needs two columns, the picture"),
    ):
        with pytest.raises(DataError, match=message):
            create_dataset("folder", tmp_path, groups=groups)
    for groups, message in (("(", "is no pattern"), ("x", "no part in parentheses")):
        with pytest.raises(ConfigError, match=message):
            create_dataset("folder", tmp_path, groups=groups)
