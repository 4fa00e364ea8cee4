"""Pictures with masks or classes: readers of published datasets, splits that share no picture, and loading."""

from edgewise.vision.data.auto import read_as
from edgewise.vision.data.batches import ClassificationDataset, SharedSampler
from edgewise.vision.data.busi import busi
from edgewise.vision.data.cifar import cats_vs_dogs, cifar10, cifar100
from edgewise.vision.data.classes import ClassCount, check_classes, count_classes
from edgewise.vision.data.classification import ClassificationSet, ClassificationSplit
from edgewise.vision.data.coding import VOID, Binary, Coding, Labels, Palette, Soft
from edgewise.vision.data.cvc import cvc
from edgewise.vision.data.dataset import DATASETS, SPLITS, SegmentationSet, Split, create_dataset, dataset_of, list_datasets
from edgewise.vision.data.describe import describe
from edgewise.vision.data.dsb2018 import dsb2018
from edgewise.vision.data.duplicates import Duplicate, find_duplicates
from edgewise.vision.data.folder import folder
from edgewise.vision.data.glas import glas, official_split
from edgewise.vision.data.imagefolder import imagefolder
from edgewise.vision.data.legend import Legend
from edgewise.vision.data.loading import EpochSampler, SegmentationDataset
from edgewise.vision.data.mnist import fashion_mnist, mnist
from edgewise.vision.data.nuclei import nuclei, z_blocks
from edgewise.vision.data.photos import flowers102, stl10, svhn
from edgewise.vision.data.pictures import ArrayPictures, FilePictures, Pictures
from edgewise.vision.data.plain import pictures
from edgewise.vision.data.polyps import kvasir
from edgewise.vision.data.preprocess import Preprocess
from edgewise.vision.data.sample import Sample
from edgewise.vision.data.splits import PUBLISHED_SEEDS, grouped_split, list_splits, published_split, sides_split
from edgewise.vision.data.stating import coding_from
from edgewise.vision.data.strong import StrongView
from edgewise.vision.data.vessels import chase, drive
from edgewise.vision.data.view import MovedView, View

__all__ = [
    "DATASETS",
    "PUBLISHED_SEEDS",
    "SPLITS",
    "VOID",
    "ArrayPictures",
    "Binary",
    "ClassCount",
    "ClassificationDataset",
    "ClassificationSet",
    "ClassificationSplit",
    "Coding",
    "Duplicate",
    "EpochSampler",
    "FilePictures",
    "Labels",
    "Legend",
    "MovedView",
    "Palette",
    "Pictures",
    "Preprocess",
    "Sample",
    "SegmentationDataset",
    "SegmentationSet",
    "SharedSampler",
    "Soft",
    "Split",
    "StrongView",
    "View",
    "busi",
    "cats_vs_dogs",
    "chase",
    "check_classes",
    "cifar10",
    "cifar100",
    "coding_from",
    "count_classes",
    "create_dataset",
    "cvc",
    "dataset_of",
    "describe",
    "drive",
    "dsb2018",
    "fashion_mnist",
    "find_duplicates",
    "flowers102",
    "folder",
    "glas",
    "grouped_split",
    "imagefolder",
    "kvasir",
    "list_datasets",
    "list_splits",
    "mnist",
    "nuclei",
    "official_split",
    "pictures",
    "published_split",
    "read_as",
    "sides_split",
    "stl10",
    "svhn",
    "z_blocks",
]
