"""Which tiles the kernels work in: chosen by the kind of numbers and the shape, once for all launches of that shape."""

from dataclasses import dataclass, replace
from functools import lru_cache

import torch

from edgewise.ops.triton.availability import interpreted


@dataclass(frozen=True)
class Tiles:
    """A program makes ``rows`` x ``columns`` results, and walks its sums ``depth`` terms at a time.

    Args:
        rows: A power of two from 16 on, as are the next two.
        columns: Of the results.
        depth: Of the sums.
        warps: Groups of 32 threads (64 on AMD) that share a program.
        stages: Steps of a sum whose operands are on their way at once.
    """

    rows: int
    columns: int
    depth: int
    warps: int
    stages: int


SMALL = Tiles(32, 32, 16, 1, 1)  # for the interpreter, which has no registers to fill
_HALF = (Tiles(128, 256, 64, 8, 3), Tiles(128, 128, 64, 8, 3), Tiles(64, 64, 64, 4, 3), Tiles(32, 32, 32, 4, 3))
_FULL = (Tiles(128, 256, 32, 8, 3), Tiles(128, 128, 32, 8, 3), Tiles(64, 64, 32, 4, 3), Tiles(32, 32, 32, 4, 3))
TILES: dict[tuple[str, bool], tuple[Tiles, ...]] = {  # of a kernel, for numbers of 16 bits or not: large ones first
    ("forward", True): _HALF,
    ("forward", False): _FULL,
    ("weights", True): _HALF,
    ("weights", False): _FULL,
    ("input", True): _HALF[1:],  # in the largest ones its slopes would not find registers enough
    ("input", False): _FULL[1:],
}
"""The tiles of each kernel. Change a row to try others; :func:`tiles_for` forgets what it chose by ``cache_clear()``."""


@lru_cache(maxsize=1024)
def tiles_for(kernel: str, rows: int, columns: int, dtype: torch.dtype, device: torch.device) -> Tiles:
    """The largest tiles of which there are enough to keep all multiprocessors busy, or else the smallest."""
    if interpreted():
        return SMALL
    choices = TILES[kernel, dtype.itemsize == 2]
    if torch.version.hip:
        choices = tuple(map(on_amd, choices))
    for tiles in choices:
        programs = -(-rows // tiles.rows) * -(-columns // tiles.columns)
        if tiles.rows <= rows and tiles.columns <= columns and programs >= processors(device):
            return tiles
    return choices[-1]


def on_amd(tiles: Tiles) -> Tiles:
    """There local memory holds one step of operands, with the next one on its way in registers, which are soon spent."""
    return replace(tiles, depth=32, stages=2)


def functions_at_once(count: int) -> int:
    """How many functions of an input are beside each other in the columns of a product: a power of two."""
    return 1 << (count - 1).bit_length() if count <= 16 else 8


def parts_for(tiles: Tiles, rows: int, columns: int, steps: int, device: torch.device) -> int:
    """Into how many parts the sums are cut, so that small layers keep a GPU busy; a second pass adds the parts."""
    programs = -(-rows // tiles.rows) * -(-columns // tiles.columns)
    return max(1, min(2 * processors(device) // programs, steps // 4))


@lru_cache
def processors(device: torch.device) -> int:
    """How many multiprocessors a device has; under the interpreter a few, to try what many are for."""
    return torch.cuda.get_device_properties(device).multi_processor_count if device.type == "cuda" else 4
