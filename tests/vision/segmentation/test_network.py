import re

import pytest

from edgewise._ground.errors import ConfigError
from edgewise.models.registry import MODELS
from edgewise.models.takes import NoisyPictures, Pictures, Rows, Volumes
from edgewise.vision import LabelledData, Model
from edgewise.vision.classification.network import create_classifier
from edgewise.vision.segmentation.network import create_segmenter

DENSE = MODELS.that(lambda takes: isinstance(takes, Pictures) and takes.dense)
OTHERS = [name for name in MODELS if name not in DENSE]
WHAT = {
    Rows: "takes rows of numbers",
    Pictures: "makes logits for a picture as a whole",
    Volumes: "makes logits for each voxel of a volume",
    NoisyPictures: "finds the noise in pictures",
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_model_that_does_not_segment_says_what_it_takes_and_which_do(name):
    what = WHAT[type(MODELS.takes_of(name))]
    with pytest.raises(ConfigError, match=f"model '{name}' {what}, .*: choose one of {', '.join(DENSE)}$"):
        create_segmenter(Model(name=name), 1, 1, (32, 32))


@pytest.mark.parametrize("name", ["unet", "mlp", "cnn"])
def test_a_model_that_takes_no_volumes_is_told_those_that_do(name):
    known = MODELS.that(lambda takes: isinstance(takes, Volumes))
    with pytest.raises(ConfigError, match=rf"logits for each voxel, takes=Volumes\(\): choose one of {', '.join(known)}$"):
        create_segmenter(Model(name=name), 1, 1, (32, 32, 32))


@pytest.mark.parametrize("name", DENSE)
def test_a_model_that_segments_names_no_picture(name):
    with pytest.raises(ConfigError, match=f"model '{name}' makes logits for each pixel of a picture, .*: choose .*mlp"):
        create_classifier(Model(name=name), LabelledData())


@pytest.mark.parametrize(
    ("name", "size", "told"),
    [
        ("ukan", (63, 65), "63 x 65 pixels (image sides must be multiples of 32"),
        ("gram_unet", (4, 40), "4 x 40 pixels ("),
        ("ukan3d", (32, 9, 40), "take volumes of 1 channels and 32 x 9 x 40 voxels ("),
    ],
)
def test_sides_that_it_cannot_take_are_told_at_once(name, size, told):
    with pytest.raises(ConfigError, match=re.escape(told)):
        create_segmenter(Model(name=name, options={"widths": [8, 8, 8]} if "ukan" in name else {}), 1, 1, size)
