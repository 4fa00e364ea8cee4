"""From a scan to its mask slice by slice: by a trained network of pictures."""

from pathlib import Path

from torch import Tensor

from edgewise.vision.segmentation.decision import Decision
from edgewise.vision.segmentation.inference.predicting import MaskPredictor
from edgewise.vision.segmentation.inference.turned import Turned
from edgewise.vision.segmentation.predict import Predictor
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.volumes.sliced.plane import Plane
from edgewise.vision.volumes.sliced.recipe import SliceRecipe
from edgewise.vision.volumes.volume import Volume


class SlicePredictor(MaskPredictor):
    """A predictor of pictures as a function from a scan to the class of each of its voxels.

    Args:
        predictor: Sees each slice by itself.
        plane: How scans are cut.
    """

    def __init__(self, predictor: MaskPredictor, plane: Plane):
        super().__init__(predictor.decision, predictor.symmetry)
        self.predictor, self.plane = predictor, plane

    @classmethod
    def from_run(
        cls, run_dir: str | Path, device: str = "cpu", decision: Decision | None = None, turned: bool = False
    ) -> "SlicePredictor":
        """The best epoch of a run.

        Args:
            run_dir: The run.
            device: Where to compute.
            decision: What is made of the probabilities; where it says nothing, what the run says.
            turned: Whether slices are seen turned and flipped too, as in training.

        Raises:
            CheckpointError: There is no run, it has done no epoch yet, or its model is corrupted.
            ConfigError: Slices were neither turned nor flipped in training, and are to be.
        """
        predictor = Predictor.from_run(run_dir, device, decision)
        return cls(Turned(predictor) if turned else predictor, RunFolder(run_dir).read_recipe(SliceRecipe).data.cut)

    def probabilities(self, image: Volume) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride] (of volumes)
        """The probability of each class ``(classes, D, H, W)`` of a scan in [0, 1]; of one foreground ``(1, D, H, W)``.

        Raises:
            NonFiniteError: The network's answer holds a NaN or an infinity.
        """
        pictures = self.plane.pictures(image)
        return self.plane.restore([self.predictor.probabilities(picture.numpy()) for picture in pictures], image)
