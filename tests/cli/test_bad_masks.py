"""Masks, splits and pictures that cannot be used: one sentence with the file and the fix, and the exit code says so."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from edgewise._ground.errors import EdgewiseWarning
from edgewise.cli import main


@pytest.fixture
def write(tmp_path):
    """Twelve pictures of noise whose masks are made of squares of the classes 0, 1 and 2."""

    def run(coded=lambda labels: (labels > 0).astype(np.uint8), depth=np.uint8):
        draw = np.random.default_rng(0)
        for number in range(12):
            labels = np.kron(draw.permutation([0, 1, 2, 0]).reshape(2, 2), np.ones((8, 8), np.uint8)).astype(np.uint8)
            picture = draw.integers(0, 4096 if depth == np.uint16 else 256, (16, 16)).astype(depth)
            for part, pixels in (("images", picture), ("masks", coded(labels))):
                (tmp_path / part).mkdir(exist_ok=True)
                Image.fromarray(pixels).save(tmp_path / part / f"p{number:02d}.png")
        return tmp_path

    return run


def train(root, options, *words):
    settings = f"folder --data.root {root} --data.size 32 32 --epochs 1 --machine.accelerator cpu --model.name ukan"
    given = ["--data.options", json.dumps(options), *words, "--run", str(root / "run")]
    return main(["train", *settings.split(), "--model.options", '{"widths": [8, 8, 8]}', *given])


def colours(labels):
    return np.array([[255, 255, 255], [255, 0, 0], [0, 0, 255]], np.uint8)[labels]


BAD = {
    "labels beyond the classes": (
        {"coded": lambda labels: labels},
        {},
        r"hold class 2 \(as in .*masks/p\d\d\.png\) and data\.classes is 1: set data\.classes to 3",
    ),
    "colours nobody named": (
        {"coded": colours},
        {},
        r"masks such as .*p00\.png hold the colours #0000ff, #ff0000, #ffffff and no black, .* give all of them",
    ),
    "a colour beside those named": (
        {"coded": colours},
        {"mask_values": {"palette": ["#ffffff", "#ff0000"]}},
        r"p00\.png holds #0000ff and its palette has #ffffff, #ff0000: add it",
    ),
    "a split of what is not there": (
        {},
        {"split_file": "split.json"},
        r"split\.json names 1 pictures that are not in .*, the first is 'q1': correct its name",
    ),
    "groups for one side": ({}, {"groups": "(p)\\d+"}, r"groups='\(p\).*' makes 1 groups of 12 pictures .* need one each"),
    "a group that is nearly all": (
        {},
        {"groups": "groups.csv"},
        r"cannot be parted in training, validation and test, and the largest, 'a', has 10 of 12 pictures; add groups",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_learnt_from_is_said_in_a_sentence(case, write, capsys):
    files, options, message = BAD[case]
    root = write(**files)
    (root / "split.json").write_text(json.dumps({"train": ["p00", "q1"], "test": ["p01"]}))
    (root / "groups.csv").write_text("".join(f"p{n:02d},{'abc'[max(0, n - 9)]}\n" for n in range(12)))
    assert train(root, options) == 1
    told = capsys.readouterr().err.strip()
    assert told.startswith("edgewise: error: ")
    assert "\n" not in told
    assert re.search(message, told), told
    assert not (root / "run" / "config.json").exists()


@pytest.mark.slow
def test_twelve_bits_without_a_window_are_said_and_trained_on(write):
    root = write(depth=np.uint16)
    with pytest.warns(EdgewiseWarning, match=r"p00\.png has more than 8 bits and no window, .* and \d+, become 0 and 1"):
        assert train(root, {}) == 0
