from dataclasses import replace

import numpy as np
import pytest

from edgewise.vision.data import describe


def test_numbers(make_set, save):
    dataset = make_set(4, citation="us")
    small = replace(
        dataset[0],
        image=save("small.png", np.arange(8, dtype=np.uint8).reshape(2, 4)),
        masks=(save("none.png", np.zeros((2, 4), bool)),),
    )
    twin = replace(dataset[1], image=dataset[2].image)
    summary = describe(replace(dataset, samples=(small, twin, *dataset.samples[2:])))
    masks = [sample.read_mask().mean() for sample in dataset]
    assert summary["foreground"] == pytest.approx(sum(masks[1:]) / 4)
    assert (summary["smallest"], summary["largest"]) == (0, max(masks[1:]))
    assert (summary["name"], summary["samples"], summary["channels"], summary["citation"]) == ("toy", 4, 1, "us")
    assert summary["sizes"] == {(32, 32): 3, (2, 4): 1}
    assert summary["empty_masks"] == 1
    assert [pair[:2] for pair in summary["duplicates"]] == [("s01", "s02")]
