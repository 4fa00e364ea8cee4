import gc
from itertools import pairwise

import pytest
import torch
from matplotlib import pyplot
from matplotlib.animation import AbstractMovieWriter
from PIL import Image

from edgewise._ground.errors import ConfigError
from edgewise.kan import KAN
from edgewise.kan.interpret.animate import Recorder, animate
from edgewise.kan.interpret.plot import plot


def trained(steps=6, every=2):
    model, recorder, x = KAN([2, 2, 1]), Recorder(every), 2 * torch.rand(40, 2) - 1
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for step in range(steps):
        recorder(model, step, [])
        optimizer.zero_grad()
        (model(x) - x.prod(1, keepdim=True)).square().mean().backward()
        optimizer.step()
    return model, recorder, x


class Reader(AbstractMovieWriter):
    """Writes down the texts of each frame."""

    def setup(self, fig, outfile, dpi=None):
        self.fig, self.frames = fig, []

    def grab_frame(self, **options):
        (ax,) = self.fig.axes
        self.frames.append([text.get_text() for text in ax.texts])

    def finish(self):
        pass


def filmed(animation):
    reader = Reader()
    animation.save("nowhere", writer=reader)
    return reader.frames


def test_recorder_keeps_the_networks_of_its_steps():
    model, recorder, _ = trained()
    assert [title for title, _ in recorder.snapshots] == ["step 0", "step 2", "step 4"]
    kept = [network for _, network in recorder.snapshots]
    coefs = [network[0].coef for network in [*kept, model]]
    assert all((a - b).abs().max() > 0.01 for a, b in pairwise(coefs))
    assert all(p.grad is None for network in kept for p in network.parameters())
    assert model[0].coef.grad is not None


def test_gif_has_a_frame_for_each_snapshot(tmp_path):
    _, recorder, x = trained()
    animate(recorder.snapshots, x, tmp_path / "training.gif", fps=4)
    with Image.open(tmp_path / "training.gif") as film:
        frames = [(film.seek(n), film.convert("RGB").tobytes())[1] for n in range(film.n_frames)]
        assert film.info["duration"] == 250
    assert len(set(frames)) == 3
    assert [p.name for p in tmp_path.iterdir()] == ["training.gif"]


def test_frames_show_title_and_network():
    model, recorder, x = trained()
    animation = animate(recorder.snapshots, x, names=["mass", "speed"])
    assert filmed(animation) == [["mass", "speed", "$y_1$", title] for title, _ in recorder.snapshots]
    assert filmed(animate([model, model], x)) == [["$x_1$", "$x_2$", "$y_1$"]] * 2


def test_networks_of_several_shapes_fit_in_one_film(tmp_path):
    wide, x = KAN([2, 8, 1]), torch.rand(10, 2)
    animate([wide, KAN([2, 1])], x, tmp_path / "shrinking.gif")
    with Image.open(tmp_path / "shrinking.gif") as film:
        assert film.size == tuple(round(100 * side) for side in plot(wide, x).get_size_inches())


def test_no_window_and_no_warning_when_it_goes():
    animation = animate([KAN([2, 1])], torch.rand(10, 2))
    assert pyplot.get_fignums() == []
    del animation
    gc.collect()  # pytest fails on a warning from it


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: animate([], torch.rand(3, 2)), "needs snapshots and fps above 0, got 0 and fps=5"),
        (lambda: animate([KAN([2, 1])], torch.rand(3, 2), fps=0), "got 1 and fps=0"),
        (lambda: animate([KAN([2, 1])], torch.rand(3, 2), "a.mp4"), "written as a .gif, got 'a.mp4'"),
        (lambda: Recorder(0), "every must be at least 1 step, got 0"),
    ],
)
def test_what_cannot_be_shown_is_refused(call, message):
    with pytest.raises(ConfigError, match=message):
        call()
