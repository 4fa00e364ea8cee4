"""Files as they may arrive: cut off, of another kind, with cells that are no numbers."""

import json
from pathlib import Path

import numpy as np
import torch
from hypothesis import strategies as st
from PIL import Image

from edgewise import EdgewiseError
from edgewise.io import load_model, save_model
from edgewise.kan import KAN
from edgewise.kan.tables import read_table
from edgewise.vision.data.sample import Sample
from edgewise.vision.training.recipe import Recipe

_CELLS = st.one_of(
    st.floats(width=32).map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(
        ["", "NA", "nan", "inf", "1,5", "1.5.2", '"', '"1"', "1_0", "٣", " 2 ", "1e400", "-", "x\ty", "2024-12-31"]
    ),
    st.text(max_size=4),
)
TABLES = st.tuples(
    st.lists(st.one_of(st.sampled_from(["a", "b", "y", "T [K]", ""]), st.text(max_size=5)), min_size=1, max_size=4),
    st.lists(st.lists(_CELLS, max_size=5), max_size=6),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
    st.sampled_from(["refuse", "drop", "median"]),
)


def check_table(drawn: tuple[list[str], list[list[str]], str, str, str], folder: Path) -> None:
    """A table is read as what Python says its cells are, or refused."""
    header, rows, separator, end, missing = drawn
    path = folder / "table.csv"
    path.write_bytes(end.join(separator.join(cells) for cells in [header, *rows]).encode("utf-8", "surrogatepass"))
    try:
        table = read_table(path, "y", missing=missing)
    except EdgewiseError:
        return
    assert np.isfinite(table.x).all()
    assert np.isfinite(table.y).all()
    assert table.x.shape == (len(table.y), len(table.names))
    assert (np.ptp(table.x, 0) > 0).all()


CHANGES = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=4), st.floats(0, 1)


def check_weights(changes: list[tuple[float, int]], share: float, folder: Path) -> None:
    """A damaged file of weights is refused; one that is whole gives the same numbers."""
    torch.manual_seed(0)
    model, path = KAN([2, 1]), folder / "model.safetensors"
    save_model(model, path)
    whole = path.read_bytes()
    data = bytearray(whole[: max(1, round(share * len(whole)))])
    for place, byte in changes:
        data[int(place * len(data))] = byte
    path.write_bytes(data)
    try:
        loaded = load_model(path)
    except EdgewiseError:
        return
    assert all(torch.equal(t, loaded.state_dict()[name]) for name, t in model.state_dict().items())


def check_recipe(text: str) -> None:
    """What is read as a recipe is one whose settings survive being written."""
    try:
        values = json.loads(text)
    except ValueError:
        return
    try:
        recipe = Recipe.from_dict(values)
    except EdgewiseError:
        return
    assert Recipe.from_dict(recipe.to_dict()) == recipe


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 5), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=2)),
    max_leaves=4,
)
_KEYS = ["task", "data", "model", "optimiser", "machine", "epochs", "batch_size", "seed", "patience", "name", "size"]
_BRANCH = st.dictionaries(st.sampled_from(_KEYS), _JSON, max_size=4)
RECIPES = st.one_of(
    _JSON,
    _BRANCH,
    _BRANCH.map(lambda values: {"task": "segmentation", **values}),
    _BRANCH.map(lambda values: {"task": "classification", "data": values}),
    _BRANCH.map(lambda values: {"task": "segmentation", "model": values}),
).map(lambda values: json.dumps(values))


PICTURES = st.tuples(
    st.sampled_from(["png", "tif", "bmp", "gif", "jpg"]),
    st.sampled_from(["L", "RGB", "RGBA", "P", "1", "I;16", "LA", "CMYK", "F"]),
    st.integers(1, 9),
    st.integers(1, 9),
    st.floats(0, 1),
    st.integers(0, 2**32 - 1),
)


def check_picture(drawn: tuple[str, str, int, int, float, int], folder: Path) -> None:
    """A picture is read as numbers from 0 to 1 of its own size, or refused with its name."""
    kind, mode, height, width, share, seed = drawn
    random = np.random.default_rng(seed)
    path = folder / f"picture.{kind}"
    pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    try:
        picture = Image.fromarray(pixels)
        picture = picture.convert(mode) if mode != "I;16" else Image.fromarray(pixels[..., 0].astype(np.uint16) * 200)
        picture.save(path)
    except (OSError, ValueError):
        return  # which this format cannot hold
    whole = path.read_bytes()
    path.write_bytes(whole if share > 0.5 else whole[: int(2 * share * len(whole))])
    try:
        values = Sample("p", path).read_image()
    except EdgewiseError:
        return
    assert values.shape[1:] == (height, width)
    assert ((values >= 0) & (values <= 1)).all()
