"""How a set is read, as a run notes it and reads by it again: the rule for its masks, their classes, its grey levels."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from edgewise.vision.data.dataset import SegmentationSet
from edgewise.vision.data.intensity import scale_from
from edgewise.vision.data.legend import Legend
from edgewise.vision.data.pixels import is_deep
from edgewise.vision.data.sample import Sample, Scale
from edgewise.vision.data.stating import coding_from


@dataclass(frozen=True)
class Levels:
    """Which intensities become 0 and 1 in the pictures of a run.

    Attributes:
        window: The two intensities; None: the whole range of a file's type.
        shallow: Whether the window is that of files of 8 bits too.
        scale: The rule by which they are found from each picture, in place of a window.
    """

    window: tuple[float, float] | None = None
    shallow: bool = False
    scale: Scale | None = None

    @classmethod
    def noted(cls, facts: Mapping[str, Any]) -> Self:
        """What :func:`facts_of` noted."""
        window = tuple(facts["window"]) if facts.get("window") else None
        return cls(window, facts.get("window_of") == "all", scale_from(facts.get("scale")))

    def sample(self, path: Path) -> Sample:
        """A picture file as it is read."""
        window = self.window if self.window and (self.shallow or is_deep(path)) else None
        return Sample(path.stem, path, window=window, scale=self.scale)

    def scaling(self) -> dict[str, Any]:
        """The same for whoever reads files without edgewise, in plain JSON values: what becomes 0 and 1 in each type."""
        if self.scale is not None:
            return {**self.scale.to_dict(), "clip": True}
        deep, shallow = self.window, self.window if self.shallow else None
        numbers = {"uint8": shallow or (0, 255), "uint16": deep or (0, 65535), "float": deep or (0, 1)}
        return {"kind": "window", **{name: list(ends) for name, ends in numbers.items()}, "clip": True}


def facts_of(dataset: SegmentationSet) -> dict[str, Any]:
    """How a set is read, in plain JSON values.

    Returns:
        ``masks``, the rule by which all masks are read; ``window``, the intensities of deep pictures that become 0 and 1;
        ``window_of``, whether that is for ``all`` pictures or for ``deep`` ones; ``scale``, the rule by which each picture
        is scaled instead; ``legend``, names and colours of classes. None where samples differ in it, have none, or nobody
        said.
    """
    windows, scales = ({getattr(sample, name) for sample in dataset} - {None} for name in ("window", "scale"))
    shallow = any(sample.window and not is_deep(sample.image) for sample in dataset)
    return {
        "masks": dataset.coding.to_dict() if dataset.coding else None,
        "window": windows.pop() if len(windows) == 1 else None,
        "window_of": "all" if shallow else "deep",
        "scale": scales.pop().to_dict() if len(scales) == 1 else None,
        "legend": dataset.legend.to_dict() if dataset.legend else None,
    }


def read_by(dataset: SegmentationSet, facts: Mapping[str, Any]) -> SegmentationSet:
    """The set, read as :func:`facts_of` noted it of another or of an earlier state of it.

    Args:
        dataset: The set.
        facts: What that gave, or a part of it; None leaves as it is.
    """
    coding = coding_from(facts["masks"]) if facts.get("masks") else None
    levels = Levels.noted(facts)

    def read(sample: Sample) -> Sample:
        rule = {"coding": coding or sample.coding}
        if levels.scale is not None:
            return replace(sample, **rule, window=None, scale=levels.scale)
        if levels.window is not None and (levels.shallow or sample.window or is_deep(sample.image)):
            return replace(sample, **rule, window=levels.window, scale=None)
        return replace(sample, **rule)

    legend = Legend.from_dict(facts["legend"]) if facts.get("legend") else dataset.legend
    return replace(dataset, samples=tuple(map(read, dataset)), legend=legend)
