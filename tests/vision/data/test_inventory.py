import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgewise._ground.errors import DataError, EdgewiseWarning
from edgewise.vision.data import ArrayPictures, ClassificationSet, create_dataset
from edgewise.vision.data.digests import digests_of
from edgewise.vision.data.inventory import Inventory, labelled_sides, masked_sides, take_stock

COUNT = 40


def write_picture(root, name, seed):
    draw = np.random.default_rng(seed)
    Image.fromarray(draw.integers(0, 256, (8, 8), dtype=np.uint8)).save(root / "images" / f"{name}.png")
    Image.fromarray(draw.integers(0, 2, (8, 8), dtype=np.uint8) * 255).save(root / "masks" / f"{name}.png")


@pytest.fixture
def root(tmp_path):
    """Forty pictures of ten patients."""
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
    for number in range(COUNT):
        write_picture(tmp_path, f"p{number // 4}_{number:02d}", number)
    table = (f"p{number // 4}_{number:02d},patient {number // 4}\n" for number in range(COUNT))
    (tmp_path / "groups.csv").write_text("".join(table))
    return tmp_path


def opened(root, **options):
    return create_dataset("folder", root, **options)


WAYS = {"single": {}, "pattern": {"groups": "(p\\d)_.*"}, "table": {"groups": "groups.csv"}}


@pytest.fixture(params=WAYS)
def options(request):
    return WAYS[request.param]


def noted(root, options):
    dataset = opened(root, **options)
    return Inventory.from_dict(json.loads(json.dumps(take_stock(dataset, dataset.split()).to_dict())))


def test_the_sides_come_back_as_they_were_whatever_the_division_is_now(root, options):
    before = opened(root, **options).split()
    inventory = noted(root, options)
    now = opened(root, **options, split_by="published")
    found = masked_sides(now, inventory)
    assert [side.ids for side in found._sides] == [side.ids for side in before._sides]
    assert now.split(seed=1187).test.ids != found.test.ids


def delete(root, name):
    for part in ("images", "masks"):
        (root / part / f"{name}.png").unlink()


def add(root, name):
    write_picture(root, "p9_99", 99)
    with (root / "groups.csv").open("a") as file:
        file.write("p9_99,patient 9\n")


def change_picture(root, name):
    path = root / "images" / f"{name}.png"
    pixels = np.asarray(Image.open(path)).copy()
    pixels[3, 3] ^= 1
    Image.fromarray(pixels).save(path)


def change_mask(root, name):
    path = root / "masks" / f"{name}.png"
    Image.fromarray(255 - np.asarray(Image.open(path))).save(path)


@pytest.mark.parametrize(
    ("happens", "told"),
    [
        (delete, "1 of 40 pictures is missing, 0 are new and 0 changed, the first is 'p3_13' on the .* side .missing."),
        (add, "0 of 40 pictures are missing, 1 are new and 0 changed, the first is 'p9_99' .new."),
        (change_picture, "0 of 40 pictures are missing, 0 are new and 1 changed, the first is 'p3_13' on .* .changed."),
        (change_mask, "0 of 40 pictures are missing, 0 are new and 1 changed, the first is 'p3_13' on .* .changed."),
    ],
)
def test_what_happened_to_a_picture_is_told(root, options, happens, told):
    inventory = noted(root, options)
    happens(root, "p3_13")
    with pytest.raises(DataError, match=told):
        masked_sides(opened(root, **options), inventory)


def test_of_several_differences_the_first_by_name_is_told(root):
    inventory = noted(root, {})
    add(root, "")
    delete(root, "p0_01")
    change_mask(root, "p5_20")
    with pytest.raises(DataError, match="1 of 40 pictures is missing, 1 are new and 1 changed, the first is 'p0_01'"):
        masked_sides(opened(root), inventory)


def test_a_file_that_was_only_touched_is_the_same(root):
    inventory = noted(root, {})
    for path in (root / "images").iterdir():
        path.write_bytes(path.read_bytes())
    assert masked_sides(opened(root), inventory).test.ids == opened(root).split().test.ids


def test_copies_that_a_side_leaves_out_are_noted_too(root):
    for part in ("images", "masks"):
        (root / part / "p9_99.png").write_bytes((root / part / "p0_00.png").read_bytes())
    dataset = opened(root)
    split = dataset.split().without_duplicates()
    inventory = take_stock(dataset, split)
    assert sum(map(len, inventory.sides.values())) == len(dataset) == COUNT + 1
    masked_sides(dataset, inventory)
    (unused,) = inventory.sides["unused"] or [None]
    assert (unused is None) == (not split.dropped)


def test_pages_of_one_file_are_told_apart(tmp_path):
    import tifffile

    from edgewise.vision.data import Sample, SegmentationSet

    tifffile.imwrite(tmp_path / "stack.tif", np.zeros((3, 4, 4), np.uint8), photometric="minisblack")
    samples = tuple(Sample(str(z), tmp_path / "stack.tif", (tmp_path / "stack.tif",), page=z) for z in range(3))
    assert len(set(digests_of(SegmentationSet("stack", samples)).values())) == 3


@pytest.fixture
def labelled():
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (COUNT, 5, 5), dtype=np.uint8)
    return ClassificationSet("toy", ArrayPictures(pixels), np.arange(COUNT) % 4, tuple("abcd"), channels=1)


def test_sides_of_classes_come_back_in_their_order(labelled):
    before = labelled.split(7)
    found = labelled_sides(labelled, take_stock(labelled, before))
    for side in ("train", "validation", "test"):
        one, other = getattr(before, side), getattr(found, side)
        assert [one.id(i) for i in range(len(one))] == [other.id(i) for i in range(len(other))]
        np.testing.assert_array_equal(one.labels, other.labels)


def test_another_pixel_and_another_class_are_changes(labelled):
    inventory = take_stock(labelled, labelled.split())
    pixels = labelled.pictures.pixels.copy()
    pixels[5, 2, 2] ^= 1
    with pytest.raises(DataError, match="0 are new and 1 changed, the first is '5'"):
        labelled_sides(replace(labelled, pictures=ArrayPictures(pixels)), inventory)
    labels = labelled.labels.copy()
    labels[9] = 0
    with pytest.raises(DataError, match="0 are new and 1 changed, the first is '9'"):
        labelled_sides(replace(labelled, labels=labels), inventory)
    with pytest.raises(DataError, match="1 of 40 pictures is missing"):
        labelled_sides(labelled.take(np.arange(COUNT - 1)), inventory)


def test_pictures_of_one_name_are_each_noted(labelled):
    doubled = labelled.take(np.r_[np.arange(COUNT), 3])
    assert digests_of(doubled)["3"] == digests_of(doubled)["3 (2)"]
    split = doubled.split()
    found = labelled_sides(doubled, take_stock(doubled, split))
    assert len(found.train) + len(found.validation) + len(found.test) == COUNT + 1


@pytest.mark.parametrize("values", [None, [], {"train": {}}, {"train": {}, "validation": {}, "test": {}, "unused": 3}])
def test_a_list_of_something_else_is_refused(values):
    with pytest.raises(DataError, match="is not edgewise's"):
        Inventory.from_dict(values)


def test_a_split_that_has_a_picture_twice_names_it(root):
    dataset = opened(root)
    sides = dataset.split()
    twice = next(iter(sides.train)).id
    doubled = replace(sides, test=dataset.subset([twice, *sides.test.ids]))
    with pytest.raises(DataError, match=f"^{twice} of 'folder' is on two sides of the split"):
        doubled.duplicates()


def test_pictures_that_were_learned_from_are_told_where_they_are_scored(root, tmp_path):
    dataset = opened(root)
    sides = dataset.split()
    inventory = take_stock(dataset, sides)
    inventory.warn_of_learned(sides.test)
    first = next(iter(sides.train)).id
    with pytest.warns(EdgewiseWarning, match=rf"1 of 1 pictures .* are on the training .* first is '{first}'"):
        inventory.warn_of_learned(dataset.subset([first]))
    count = len(sides.train) + len(sides.validation)
    with pytest.warns(EdgewiseWarning, match=f"{count} of {len(dataset)} pictures"):
        inventory.warn_of_learned(dataset)


def as_it_is(path):
    return path


def as_colour(path):
    Image.open(path).convert("RGB").save(path)
    return path


def as_bitmap(path):
    Image.open(path).save(path.with_suffix(".bmp"))
    path.unlink()


@pytest.mark.parametrize("saved", [as_it_is, as_colour, as_bitmap])
def test_a_picture_that_was_learned_from_is_known_with_masks_of_another_grader(root, tmp_path, saved):
    """By its pixels: under another name, in another folder, in another file."""
    dataset = opened(root)
    sides = dataset.split()
    inventory = take_stock(dataset, sides)
    other = tmp_path / "other"
    for part in ("images", "masks"):
        (other / part).mkdir(parents=True)
    for name, sample in (("one", sides.train[0]), ("two", sides.validation[0]), ("three", sides.test[0])):
        path = other / "images" / f"{name}.png"
        path.write_bytes(sample.image.read_bytes())
        saved(path)
        Image.fromarray(255 - np.asarray(Image.open(sample.masks[0]))).save(other / "masks" / f"{name}.png")
    with pytest.warns(
        EdgewiseWarning, match="2 of 3 pictures of dataset 'folder' are on the training or .* first is 'one'"
    ):
        inventory.warn_of_learned(opened(other))


def test_a_picture_that_was_learned_from_is_known_with_another_class(labelled):
    split = labelled.split()
    inventory = take_stock(labelled, split)
    with pytest.warns(EdgewiseWarning, match=f"{len(split.train)} of {len(split.train)} pictures of dataset 'toy'"):
        inventory.warn_of_learned(replace(split.train, labels=(split.train.labels + 1) % 4))


def test_copies_on_two_sides_are_told_whatever_their_classes(labelled):
    pixels = labelled.pictures.pixels.copy()
    pixels[7], pixels[9] = pixels[3], pixels[1]
    sides = np.zeros(COUNT, np.uint8)
    sides[[1, 7]], sides[9] = 2, 1
    dataset = replace(labelled, pictures=ArrayPictures(pixels), sides=sides)
    inventory = take_stock(dataset, dataset.split())
    assert inventory.copies() == [(("validation", "9"), ("test", "1")), (("train", "3"), ("test", "7"))]
    with pytest.warns(EdgewiseWarning, match=r"2 pictures of .* the first is '1' \(test\), which is '9' \(validation\)"):
        inventory.warn_of_copies("toy")
