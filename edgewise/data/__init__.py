"""Pictures with masks: readers of published datasets, splits that share no picture, and loading."""

from edgewise.data.busi import busi
from edgewise.data.cvc import cvc
from edgewise.data.dataset import DATASETS, SegmentationSet, create_dataset, list_datasets
from edgewise.data.describe import describe
from edgewise.data.duplicates import Duplicate, find_duplicates
from edgewise.data.folder import folder
from edgewise.data.glas import glas, official_split
from edgewise.data.loading import EpochSampler, SegmentationDataset
from edgewise.data.nuclei import nuclei, z_blocks
from edgewise.data.preprocess import Preprocess
from edgewise.data.sample import Sample
from edgewise.data.splits import PUBLISHED_SEEDS, SPLITS, Split, grouped_split, list_splits, published_split

__all__ = [
    "DATASETS",
    "PUBLISHED_SEEDS",
    "SPLITS",
    "Duplicate",
    "EpochSampler",
    "Preprocess",
    "Sample",
    "SegmentationDataset",
    "SegmentationSet",
    "Split",
    "busi",
    "create_dataset",
    "cvc",
    "describe",
    "find_duplicates",
    "folder",
    "glas",
    "grouped_split",
    "list_datasets",
    "list_splits",
    "nuclei",
    "official_split",
    "published_split",
    "z_blocks",
]
