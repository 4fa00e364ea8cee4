import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

AXIAL = (1, 0, 0, 0, 1, 0)


@pytest.fixture
def write_series():
    """Writes ``(D, H, W)`` whole numbers as a CT series, each slice changed as a test wants; the files, lowest first."""

    def write(folder, array, spacing=(3.0, 0.8, 0.7), orientation=AXIAL, origin=(-10.0, 5.0, 40.0), change=None):
        folder.mkdir(parents=True, exist_ok=True)
        directions = np.array(orientation, float)
        normal = np.cross(directions[:3], directions[3:])
        series = generate_uid(entropy_srcs=[str(folder)])
        names = np.random.default_rng(0).permutation(len(array))  # the order of names says nothing
        paths = []
        for index, pixels in enumerate(array):
            one = pydicom.Dataset()
            one.file_meta = FileMetaDataset()
            one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            one.SOPClassUID = one.file_meta.MediaStorageSOPClassUID = CTImageStorage
            one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = generate_uid(
                entropy_srcs=[str(folder), str(index)]
            )
            one.SeriesInstanceUID, one.Modality, one.InstanceNumber = series, "CT", index + 1
            one.ImagePositionPatient = (np.array(origin) + index * spacing[0] * normal).round(6).tolist()
            one.ImageOrientationPatient = list(orientation)
            one.PixelSpacing, one.SliceThickness = list(spacing[1:]), spacing[0]
            one.RescaleSlope, one.RescaleIntercept = 2, -1024
            one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
            one.Rows, one.Columns = pixels.shape
            one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 16, 15, 1
            one.PixelData = pixels.astype("<i2").tobytes()
            if change is not None:
                change(index, one)
            paths.append(folder / f"IM{names[index]:03d}.dcm")
            one.save_as(paths[-1], enforce_file_format=True)
        return paths

    return write
