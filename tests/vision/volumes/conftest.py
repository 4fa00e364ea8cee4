import json

import nibabel
import numpy as np
import pydicom
import pytest
import torch
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid
from torch import nn

from edgewise.models import Volumes
from edgewise.models.registry import MODELS
from edgewise.vision import Adam, Machine, Model, VolumeData, VolumeRecipe

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


@pytest.fixture
def write_frames(write_series):
    """Writes ``(D, H, W)`` whole numbers as one file of as many frames, in another order; frame by frame other slopes."""

    def write(path, array, spacing=(3.0, 0.8, 0.7), orientation=AXIAL, origin=(-10.0, 5.0, 40.0), change=None):
        whole = pydicom.dcmread(write_series(path.parent / "one", array[:1])[0])
        for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleIntercept"):
            delattr(whole, name)
        whole.file_meta.MediaStorageSOPClassUID = whole.SOPClassUID = EnhancedCTImageStorage
        whole.StudyInstanceUID = whole.SeriesInstanceUID
        directions = np.array(orientation, float)
        normal = np.cross(directions[:3], directions[3:])

        def sequence(**values):
            one = pydicom.Dataset()
            for name, value in values.items():
                setattr(one, name, value)
            return pydicom.Sequence([one])

        order = [*range(1, len(array)), 0]
        frames = []
        for index in order:
            groups, place = pydicom.Dataset(), np.array(origin) + index * spacing[0] * normal
            groups.PlanePositionSequence = sequence(ImagePositionPatient=place.round(6).tolist())
            groups.PixelValueTransformationSequence = sequence(RescaleSlope=index + 1, RescaleIntercept=-1024)
            groups.FrameContentSequence = sequence(
                StackID="1", InStackPositionNumber=index + 1, DimensionIndexValues=[index + 1]
            )
            frames.append(groups)
            if change is not None:
                change(index, groups)
        whole.PerFrameFunctionalGroupsSequence = pydicom.Sequence(frames)
        whole.SharedFunctionalGroupsSequence = sequence(
            PixelMeasuresSequence=sequence(PixelSpacing=list(spacing[1:]), SliceThickness=spacing[0]),
            PlaneOrientationSequence=sequence(ImageOrientationPatient=list(orientation)),
        )
        whole.DimensionIndexSequence = sequence(DimensionIndexPointer=0x00209057, FunctionalGroupPointer=0x00209111)
        whole.NumberOfFrames = len(array)
        whole.PixelData = array[order].astype("<i2").tobytes()
        whole.save_as(path, enforce_file_format=True)
        return path

    return write


class Tiny(nn.Module):
    """A network of volumes that trains in a second."""

    def __init__(self, in_channels=1, num_classes=1, width=6):
        super().__init__()
        self.config = {
            "name": "tiny3d",
            "options": {"in_channels": in_channels, "num_classes": num_classes, "width": width},
        }
        self.body = nn.Sequential(nn.Conv3d(in_channels, width, 3, padding=1), nn.BatchNorm3d(width), nn.ReLU())
        self.head = nn.Conv3d(width, num_classes, 1)

    def forward(self, x):
        return self.head(self.body(x))


@pytest.fixture
def tiny():
    MODELS.register("tiny3d", takes=Volumes())(Tiny)
    yield
    MODELS.unregister("tiny3d")


@pytest.fixture(scope="session")
def scans(tmp_path_factory):
    """Ten scans in nnU-Net's folders, of two bright balls of 3 and 4 mm in noise, on grids of slices far apart."""
    root = tmp_path_factory.mktemp("scans")
    (root / "imagesTr").mkdir()
    (root / "labelsTr").mkdir()
    names = {"background": 0, "small": 1, "large": 2}
    (root / "dataset.json").write_text(json.dumps({"channel_names": {"0": "MR"}, "labels": names}))
    for index in range(10):
        draw = np.random.default_rng(index)
        spacing = np.array([2.0 + index % 3, 0.8, 1.0])
        shape = np.ceil(np.array([20, 16, 16]) / spacing).astype(int)
        mm = np.moveaxis(np.indices(shape), 0, -1) * spacing
        mask = np.zeros(shape, np.uint8)
        for label, radius in ((1, 3.0), (2, 4.0)):
            centre = (5 if label == 1 else 14, *draw.uniform(5, 11, 2))
            mask[((mm - centre) ** 2).sum(-1) < radius**2] = label
        array = (100 * mask + draw.normal(0, 15, shape)).astype(np.int16)
        affine = np.diag([spacing[2], spacing[1], spacing[0], 1.0])
        affine[:3, 3] = draw.uniform(-50, 50, 3)
        nibabel.save(nibabel.Nifti1Image(array.T, affine), root / "imagesTr" / f"case{index}_0000.nii.gz")
        nibabel.save(nibabel.Nifti1Image(mask.T, affine), root / "labelsTr" / f"case{index}.nii.gz")
    return root


@pytest.fixture
def recipe(scans, tiny):
    return VolumeRecipe(
        data=VolumeData(root=str(scans), size=(6, 16, 16), classes=3, patches=2),
        model=Model(name="tiny3d"),
        optimiser=Adam(learning_rate=0.05),
        machine=Machine(accelerator="cpu"),
        epochs=2,
    )


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
