import json

import numpy as np
import pytest

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data import Binary, Labels, Legend, create_dataset
from edgewise.vision.data.legend import read_stated
from edgewise.vision.segmentation.recipe import MaskedData


@pytest.fixture
def written(save, noise, tmp_path):
    """A folder of six pictures whose masks hold these values in squares, and what dataset.json says of them."""

    def write(values, content=None, below=""):
        for number in range(6):
            mask = np.zeros((32, 32), np.uint8)
            for place, value in enumerate(values):
                mask[4:12, 10 * place : 10 * place + 8] = value
            save(f"{below}images/{number}.png", noise(number))
            save(f"{below}masks/{number}.png", mask)
        if content is not None:
            (tmp_path / below / "dataset.json").write_text(json.dumps(content))
        return tmp_path

    return write


def test_labels_as_nnunet_has_them_name_the_classes(written):
    labels = {"malignant": 2, "background": 0, "benign": 1}
    dataset = create_dataset("folder", written([1, 2], {"labels": labels, "colours": {"benign": "#00ff00"}}))
    assert dataset.legend.names == ("background", "benign", "malignant")
    assert dataset.legend.colours[1] == "#00ff00"
    assert len(set(dataset.legend.colours)) == 3
    assert np.array_equal(np.unique(dataset[0].read_mask()), [0, 1, 2])


def test_a_class_that_few_masks_hold_keeps_its_number(written):
    labels = {"background": 0, "benign": 1, "malignant": 2}
    dataset = create_dataset("folder", written([2], {"labels": labels}, below="inner/"))
    assert dataset.coding == Labels()
    assert dataset.legend.names[2] == "malignant"
    assert np.array_equal(np.unique(dataset[0].read_mask()), [0, 2])


def test_labels_of_nnunets_first_version(written):
    assert (
        create_dataset("folder", written([255], {"labels": {"0": "background", "1": "polyp"}})).legend.names[1] == "polyp"
    )


def test_other_values_than_numbers_of_classes_are_looked_up(written):
    dataset = create_dataset("folder", written([100, 200], {"labels": {"background": 0, "vein": 200, "artery": 100}}))
    assert dataset.legend.names == ("background", "artery", "vein")
    assert np.array_equal(np.unique(dataset[0].read_mask()), [0, 1, 2])


def test_the_label_ignore_is_void(written):
    dataset = create_dataset("folder", written([1, 2], {"labels": {"background": 0, "cell": 1, "ignore": 2}}))
    assert dataset.legend.names == ("background", "cell")
    assert np.array_equal(np.unique(dataset[0].read_mask()), [0, 1, 255])


def test_merged_classes_have_no_names(written):
    root = written([1, 2], {"labels": {"background": 0, "benign": 1, "malignant": 2}})
    dataset = create_dataset("folder", root, mask_values="binary")
    assert (dataset.coding, dataset.legend) == (Binary(), None)


def test_options_say_more_than_the_file(written):
    root = written([1], {"labels": {"background": 0, "tumour": 1}})
    dataset = create_dataset("folder", root, names=["rest", "cyst"], colours=["#000000", "#0000ff"], spacing=[0.5, 0.25])
    assert dataset.legend == Legend(("rest", "cyst"), ("#000000", "#0000ff"))
    assert {sample.spacing for sample in dataset} == {(0.5, 0.25)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"labels": {"background": 0, "whole": [1, 2]}}, r"dataset\.json has the labels .* give each class a number"),
        ({"labels": {"background": 0, "a": 1, "b": 1}}, "give each class a number of its own"),
        ({"labels": {"a": 1, "b": 2}}, "give the background, 0"),
        ({"labels": {"background": 0, "a": 1}, "colours": {"b": "#ff0000"}}, "give them by the names of labels"),
        ({"labels": {"background": 0, "a": 1}, "colours": {"a": "red"}}, r"dataset\.json: the colour 'red'"),
    ],
)
def test_what_a_file_cannot_say_is_refused_with_its_name(tmp_path, content, message):
    (tmp_path / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=message):
        read_stated(tmp_path)


def test_another_ones_file_names_nothing(tmp_path):
    assert read_stated(tmp_path) is None
    (tmp_path / "dataset.json").write_text('{"name": "x"}')
    assert read_stated(tmp_path) is None
    (tmp_path / "dataset.json").write_text("{")
    with pytest.raises(DataError, match=r"dataset\.json is not readable JSON"):
        read_stated(tmp_path)


def test_a_recipe_names_as_many_classes_as_there_are(written):
    three = create_dataset("folder", written([1, 2], {"labels": {"background": 0, "benign": 1, "malignant": 2}}))
    assert MaskedData(classes=3).legend(three) == three.legend
    with pytest.raises(ConfigError, match=r"names 3 classes \(background, benign, malignant\) and data.classes is 1: set"):
        MaskedData().legend(three)
    own = MaskedData(classes=4, names=("a", "b", "c", "d")).legend(three)
    assert own.names == ("a", "b", "c", "d")
    with pytest.raises(ConfigError, match=r"data\.classes is 1 and there are 3 names .*set data.classes to 3"):
        MaskedData(names=("a", "b", "c"))
    with pytest.raises(ConfigError, match="the colour 'green' of a class is none"):
        MaskedData(colours=("#000000", "green"))
    with pytest.raises(ConfigError, match="give each class a name of its own"):
        MaskedData(names=("a", "a"))


def test_colours_are_those_of_the_masks_unless_given(save, noise, tmp_path):
    colours = np.array([[0, 0, 0], [0, 200, 0], [255, 0, 0]], np.uint8)
    for number in range(3):
        save(f"images/{number}.png", noise(number))
        save(f"masks/{number}.png", colours[np.repeat([0, 1, 2, 0], 8)[:, None].repeat(32, 1)])
    dataset = create_dataset("folder", tmp_path)
    assert MaskedData(classes=3).legend(dataset).colours == ("#000000", "#00c800", "#ff0000")
    given = ("#111111", "#222222", "#333333")
    assert MaskedData(classes=3, colours=given).legend(dataset).colours == given


def test_many_classes_have_colours_that_differ():
    assert len(set(Legend.of(40).colours)) == 40


@pytest.mark.parametrize("spacing", [0.5, [1], [1, 0], ["a", 1]])
def test_a_spacing_is_two_lengths(written, spacing):
    with pytest.raises(ConfigError, match="must be two numbers above 0, millimetres down and across"):
        create_dataset("folder", written([1]), spacing=spacing)


def test_no_class_is_shown_in_the_colour_that_another_has_in_the_masks(save, noise, tmp_path):
    black, blue, red = "#000000", "#0000ff", "#ff0000"
    mask = np.zeros((32, 32, 3), np.uint8)
    mask[:9, :, 0] = mask[20:, :, 2] = 255
    for number in range(3):
        save(f"images/{number}.png", noise(number))
        save(f"masks/{number}.png", mask)
    named = MaskedData(name="folder", classes=3, names=("background", "benign", "malignant"), colours=(black, red, blue))
    with pytest.raises(ConfigError, match=r"'benign', class 1 of 'folder', is to be shown in #ff0000, which is class 2 in"):
        named.legend(create_dataset("folder", tmp_path))
    stated = create_dataset("folder", tmp_path, mask_values={"palette": [black, red, blue]})
    assert (named.legend(stated).colours, stated[0].read_mask()[0, 0]) == ((black, red, blue), 1)
    (tmp_path / "dataset.json").write_text('{"labels": {"background": 0, "benign": 1, "malignant": 2}}')
    with pytest.raises(DataError, match=r"masks such as .*0\.png are in colours and have no numbers of classes: give the"):
        create_dataset("folder", tmp_path)
