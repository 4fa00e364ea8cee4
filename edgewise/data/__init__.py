"""Pictures with masks or classes: readers of published datasets, splits that share no picture, and loading."""

from edgewise.data.batches import ClassificationDataset, SharedSampler
from edgewise.data.busi import busi
from edgewise.data.cifar import cats_vs_dogs, cifar10, cifar100
from edgewise.data.classification import ClassificationSet, ClassificationSplit
from edgewise.data.cvc import cvc
from edgewise.data.dataset import DATASETS, SegmentationSet, create_dataset, list_datasets
from edgewise.data.describe import describe
from edgewise.data.duplicates import Duplicate, find_duplicates
from edgewise.data.folder import folder
from edgewise.data.glas import glas, official_split
from edgewise.data.imagefolder import imagefolder
from edgewise.data.loading import EpochSampler, SegmentationDataset
from edgewise.data.mnist import fashion_mnist, mnist
from edgewise.data.nuclei import nuclei, z_blocks
from edgewise.data.photos import flowers102, stl10, svhn
from edgewise.data.pictures import ArrayPictures, FilePictures, Pictures
from edgewise.data.preprocess import Preprocess
from edgewise.data.sample import Sample
from edgewise.data.splits import PUBLISHED_SEEDS, SPLITS, Split, grouped_split, list_splits, published_split
from edgewise.data.strong import StrongView
from edgewise.data.view import MovedView, View

__all__ = [
    "DATASETS",
    "PUBLISHED_SEEDS",
    "SPLITS",
    "ArrayPictures",
    "ClassificationDataset",
    "ClassificationSet",
    "ClassificationSplit",
    "Duplicate",
    "EpochSampler",
    "FilePictures",
    "MovedView",
    "Pictures",
    "Preprocess",
    "Sample",
    "SegmentationDataset",
    "SegmentationSet",
    "SharedSampler",
    "Split",
    "StrongView",
    "View",
    "busi",
    "cats_vs_dogs",
    "cifar10",
    "cifar100",
    "create_dataset",
    "cvc",
    "describe",
    "fashion_mnist",
    "find_duplicates",
    "flowers102",
    "folder",
    "glas",
    "grouped_split",
    "imagefolder",
    "list_datasets",
    "list_splits",
    "mnist",
    "nuclei",
    "official_split",
    "published_split",
    "stl10",
    "svhn",
    "z_blocks",
]
