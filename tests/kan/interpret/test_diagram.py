"""How names are written beside the nodes of a diagram."""

import matplotlib.pyplot as plt
import pytest

from edgewise.kan.interpret._diagram import SIZE, _extent, _write_names


def written(name: str, width: float) -> tuple[float, float]:
    """Size of the letters and angle of a name beside one that is as long, on a line of some width."""
    figure, axes = plt.subplots()
    try:
        _write_names(axes, [name, name], [(0.0, 0.0), (1.0, 0.0)], "top", width)
        text = axes.texts[0]
        return text.get_fontsize(), text.get_rotation()
    finally:
        plt.close(figure)


@pytest.mark.parametrize("share", [1.1, 0.999, 0.9, 0.8, 0.7, 0.667])
def test_names_that_fit_when_they_are_a_third_smaller_stay_level(share):
    name = "temperature"
    width = share * _extent(name)[0] * 2 / 0.95  # such that each name has this share of the room it would like
    size, angle = written(name, width)
    assert size == pytest.approx(SIZE * min(1, share))
    assert angle == 0


@pytest.mark.parametrize("share", [0.66, 0.3])
def test_wider_ones_stand_upright_and_no_smaller(share):
    size, angle = written("temperature", share * _extent("temperature")[0] * 2 / 0.95)
    assert size == pytest.approx(SIZE * 2 / 3)
    assert angle == 90
