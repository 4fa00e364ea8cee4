"""Training as a film: the diagram of a network at one snapshot after the other."""

import copy
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require
from edgewise.kan.interpret._diagram import new_figure
from edgewise.kan.interpret.plot import plot
from edgewise.kan.network import Network

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation


class Recorder:
    """A callback that keeps copies of a network while it is fitted, for :func:`animate`.

    Args:
        every: Steps from one copy to the next; the first is at step 0.

    Attributes:
        snapshots: Title and network of each copy.

    Raises:
        ConfigError: ``every`` is below 1.

    Example:
        >>> from edgewise.kan import KAN
        >>> model, recorder = KAN([2, 1]), Recorder(every=2)
        >>> for step in range(5):
        ...     recorder(model, step, None)
        >>> [title for title, _ in recorder.snapshots]
        ['step 0', 'step 2', 'step 4']
    """

    def __init__(self, every: int = 1):
        if every < 1:
            raise ConfigError(f"every must be at least 1 step, got {every}")
        self.every = every
        self.snapshots: list[tuple[str, Network]] = []

    def __call__(self, model: Network, step: int, history: object) -> None:
        if step % self.every == 0:
            snapshot = copy.deepcopy(model)
            snapshot.zero_grad(set_to_none=True)
            self.snapshots.append((f"step {step}", snapshot))


def animate(
    snapshots: Sequence[Network | tuple[str, Network]],
    x: Tensor,
    path: str | Path | None = None,
    fps: float = 5,
    *,
    scores: Sequence[Tensor] | None = None,
    beta: float = 3.0,
    top: int | None = None,
    names: Sequence | None = None,
    out_names: Sequence | None = None,
    samples: bool = False,
) -> "FuncAnimation":
    """An animation with the diagram of each snapshot, as :func:`plot` draws it.

    Args:
        snapshots: Networks, or titles and networks, such as ``recorder.snapshots`` of a :class:`Recorder`.
        x: Samples, ``(N, inputs)``.
        path: A ``.gif`` to write.
        fps: Snapshots a second.
        scores: How much the edges matter, as for :func:`plot`; so are all that follow.
        beta: How fast edges become opaque.
        top: How many edges of each layer to draw.
        names: For the columns of ``x``.
        out_names: For the outputs.
        samples: Draw samples on the curves.

    Returns:
        The animation; it can also be saved in other formats, or shown in a notebook by its ``to_jshtml()``.

    Raises:
        ConfigError: No snapshots, ``fps`` not above 0, or a path that does not end in ``.gif``.

    Example:
        >>> from edgewise.kan import KAN
        >>> import torch
        >>> animation = animate([("before", KAN([2, 1])), ("after", KAN([2, 1]))], torch.rand(10, 2), fps=2)
        >>> len(list(animation.new_frame_seq()))
        2
    """
    frames = [snapshot if isinstance(snapshot, tuple) else (None, snapshot) for snapshot in snapshots]
    if not frames or not fps > 0:
        raise ConfigError(f"an animation needs snapshots and fps above 0, got {len(frames)} and fps={fps}")
    if path is not None and Path(path).suffix.lower() != ".gif":
        raise ConfigError(f"an animation is written as a .gif, got {str(path)!r}; save what is returned in other formats")
    draw_in = partial(plot, x=x, scores=scores, beta=beta, top=top, names=names, out_names=out_names, samples=samples)
    sizes = [draw_in(model, title=title).get_size_inches() for title, model in frames]
    figure = new_figure((max(width for width, _ in sizes), max(height for _, height in sizes)))

    def draw(number: int) -> list:
        figure.clear()
        title, model = frames[number]
        draw_in(model, title=title, ax=figure.add_axes((0, 0, 1, 1)))
        return figure.axes

    film = require("matplotlib.animation", extra="science")
    animation = film.FuncAnimation(figure, draw, len(frames), interval=1000 / fps, cache_frame_data=False)
    figure.canvas.draw()  # the first frame: an animation that is never drawn warns when it goes
    if path is not None:
        animation.save(path, writer=film.PillowWriter(fps=fps))
    return animation
