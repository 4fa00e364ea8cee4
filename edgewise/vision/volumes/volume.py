"""A scan in memory: its numbers, and where in the body each of them lies."""

from dataclasses import dataclass

import numpy as np

from edgewise._ground.optional import require

AXES = "LPS"
"""The directions in which x, y and z grow in what networks see: to the left, the back and the head, as in DICOM."""


@dataclass(frozen=True, eq=False)
class Volume:
    """Numbers on a grid in space.

    Attributes:
        array: ``(C, D, H, W)``: channels, slices, rows, columns.
        affine: ``(4, 4)``, of NIfTI: from the voxel ``(x, y, z, 1)``, counted along W, H and D, to millimetres to the
            right, the front and the head.

    Example:
        >>> Volume(np.zeros((1, 20, 64, 48)), np.diag([0.7, 0.8, 3.0, 1])).spacing
        (3.0, 0.8, 0.7)
    """

    array: np.ndarray
    affine: np.ndarray

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Millimetres from voxel to voxel along D, H and W."""
        return spacing_of(self.affine)

    def turned(self) -> "Volume":
        """The same with axes along those of the body, as near as may be, by mirrors and swaps alone; see :data:`AXES`.

        A scan and the same scan after a conversion, which may mirror its rows, then are the same array.
        """
        orientations = require("nibabel.orientations", extra="volumes")
        turn = orientations.ornt_transform(_axes_of(self.affine), orientations.axcodes2ornt(tuple(AXES)))
        moved = self.affine @ orientations.inv_ornt_aff(turn, self.array.shape[:0:-1])
        return Volume(_apply(turn, self.array), moved)

    def turned_back(self, array: np.ndarray) -> np.ndarray:
        """What belongs to the voxels of :meth:`turned`, ``(C, D, H, W)``, in the order of this volume's own voxels."""
        orientations = require("nibabel.orientations", extra="volumes")
        turn = orientations.ornt_transform(orientations.axcodes2ornt(tuple(AXES)), _axes_of(self.affine))
        return _apply(turn, array)


def spacing_of(affine: np.ndarray) -> tuple[float, float, float]:
    """Millimetres from voxel to voxel along slices, rows and columns of a grid with this affine."""
    x, y, z = np.linalg.norm(affine[:3, :3], axis=0).tolist()
    return z, y, x


def _axes_of(affine: np.ndarray) -> np.ndarray:
    return require("nibabel.orientations", extra="volumes").io_orientation(affine)


def _apply(turn: np.ndarray, array: np.ndarray) -> np.ndarray:
    """Mirrors and swaps of (x, y, z), which are the last three axes from the back."""
    turned = require("nibabel.orientations", extra="volumes").apply_orientation(array.T, turn)
    return np.ascontiguousarray(turned.T)
