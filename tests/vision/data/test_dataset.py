import subprocess
import sys

import pytest

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data import DATASETS, Sample, SegmentationSet, create_dataset, dataset_of, list_datasets


def test_a_set_is_a_sequence(make_set):
    dataset = make_set(3)
    assert len(dataset) == 3
    assert [sample.id for sample in dataset] == list(dataset.ids) == ["s00", "s01", "s02"]
    assert dataset[1] is dataset.samples[1]


def test_subset_keeps_the_order_asked_for(make_set):
    dataset = make_set(3)
    assert dataset.subset(["s02", "s00"]).ids == ("s02", "s00")
    with pytest.raises(ConfigError, match="dataset 'toy' has no sample 's9'"):
        dataset.subset(["s9"])


def test_ids_are_unique(tmp_path):
    with pytest.raises(DataError, match="dataset 'toy' has samples of the same id: a; make ids unique"):
        SegmentationSet("toy", (Sample("a", tmp_path), Sample("a", tmp_path)))


def test_unknown_names_and_options_name_the_nearest(make_set, tmp_path):
    with pytest.raises(ConfigError, match="unknown dataset 'bussi'; did you mean 'busi'"):
        create_dataset("bussi", tmp_path)
    with pytest.raises(ConfigError, match="option of dataset 'busi': 'normals'; did you mean 'normal'"):
        create_dataset("busi", tmp_path, normals=True)
    with pytest.raises(ConfigError, match="unknown split 'groupd'; did you mean 'grouped'"):
        make_set(3, split_by="groupd")


@pytest.mark.parametrize("name", ["busi", "chase", "cvc", "drive", "dsb2018", "folder", "glas", "kvasir", "pictures"])
def test_a_dataset_on_disk_needs_its_folder(name):
    with pytest.raises(ConfigError, match=f"dataset '{name}' needs its folder; give root=FOLDER"):
        create_dataset(name)


def test_a_dataset_of_ones_own_needs_one_function(make_set):
    toy = make_set(5)

    @DATASETS.register("toy")
    def make(first: int = 5) -> SegmentationSet:
        return toy.subset(toy.ids[:first])

    try:
        assert "toy" in list_datasets()
        assert len(create_dataset("toy", first=2)) == 2
    finally:
        DATASETS.unregister("toy")


def test_list():
    classes = {"cats_vs_dogs", "cifar10", "cifar100", "fashion_mnist", "flowers102", "imagefolder", "mnist"}
    classes |= {"stl10", "svhn"}
    masks = {
        "pictures",
        "busi",
        "chase",
        "cvc",
        "drive",
        "dsb2018",
        "folder",
        "glas",
        "kvasir",
        "nuclei",
        "nuclei3d",
        "volumes",
    }
    assert set(list_datasets()) == masks | classes


def test_import_is_light():
    heavy = ("PIL", "tifffile", "sklearn", "monai", "torchvision", "lightning")
    code = f"import sys, edgewise.vision.data; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.parametrize("key", ["name", "root"])
def test_options_that_are_settings_of_their_own_are_refused(key, tmp_path):
    with pytest.raises(ConfigError, match=f"'{key}' is among the options of dataset 'folder', but a setting of its own"):
        dataset_of("folder", tmp_path, {key: "x"})
