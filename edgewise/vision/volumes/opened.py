"""A predictor of scans with what its run knows of files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from edgewise._ground.errors import DataError
from edgewise.vision.segmentation.inference.drawn import Colour
from edgewise.vision.segmentation.inference.predicting import MaskPredictor
from edgewise.vision.volumes.finding import Scan
from edgewise.vision.volumes.sample import VolumeSample
from edgewise.vision.volumes.volume import Volume


@dataclass(frozen=True)
class OpenedVolumes:
    """What makes masks of files of scans.

    Attributes:
        predictor: What makes masks of scans.
        read: How scans are read: settings of :class:`VolumeSample`.
        channels: How many a scan has.
        colours: Of each foreground class.
        classes: Names of the classes, the background's first.
    """

    predictor: MaskPredictor
    read: dict[str, Any]
    channels: int
    colours: Sequence[Colour] = field(repr=False)
    classes: tuple[str, ...] = ()

    @property
    def levels(self) -> tuple[Any, ...]:
        """Which intensities become 0 and 1."""
        return self.read["window"], self.read["scale"]

    def scan(self, scan: Scan) -> Volume:
        """A scan in [0, 1] as training saw it.

        Raises:
            DataError: A file cannot be used, or there are other channels.
        """
        volume = VolumeSample(scan.name, scan.path, others=scan.others, **self.read).read_image()
        if len(volume.array) != self.channels:
            raise DataError(
                f"{scan.path} has {len(volume.array)} channels and the run was trained on {self.channels}; give as many"
            )
        return volume
