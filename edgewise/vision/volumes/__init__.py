"""Volumes: scans in DICOM and NIfTI, and the segmentation of them in three dimensions."""

from edgewise.vision.volumes.dicom import read_series
from edgewise.vision.volumes.nifti import read_nifti, write_nifti
from edgewise.vision.volumes.reading import read_volume
from edgewise.vision.volumes.volume import Volume

__all__ = ["Volume", "read_nifti", "read_series", "read_volume", "write_nifti"]
