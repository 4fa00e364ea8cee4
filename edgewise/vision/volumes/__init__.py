"""Volumes: scans in DICOM and NIfTI, and the segmentation of them in three dimensions."""

from edgewise.vision.volumes.dataset import nuclei3d, volumes
from edgewise.vision.volumes.dicom import read_series
from edgewise.vision.volumes.files import predict_volumes
from edgewise.vision.volumes.nifti import read_nifti, write_nifti
from edgewise.vision.volumes.predict import VolumePredictor
from edgewise.vision.volumes.preprocess import VolumePreprocess
from edgewise.vision.volumes.reading import read_volume
from edgewise.vision.volumes.recipe import VolumeData, VolumeRecipe
from edgewise.vision.volumes.sample import VolumeSample, VolumeSet
from edgewise.vision.volumes.task import VolumeSegmentation
from edgewise.vision.volumes.volume import Volume

__all__ = [
    "Volume",
    "VolumeData",
    "VolumePredictor",
    "VolumePreprocess",
    "VolumeRecipe",
    "VolumeSample",
    "VolumeSegmentation",
    "VolumeSet",
    "nuclei3d",
    "predict_volumes",
    "read_nifti",
    "read_series",
    "read_volume",
    "volumes",
    "write_nifti",
]
