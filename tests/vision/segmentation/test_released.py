"""Published sets, in their released form and made small, train as a folder and by their own recipe."""

from dataclasses import replace

import pytest

from edgewise.vision import Machine, Model, create_recipe, train
from edgewise.vision.training.folder import RunFolder
from tests.vision.data.released import FORMS


@pytest.mark.parametrize("form", FORMS)
def test_nothing_has_to_be_renamed(form, tmp_path, networks):
    make, name, _ = FORMS[form]
    make(tmp_path / "set")
    for recipe in (create_recipe("folder"), create_recipe(name)):
        data = replace(recipe.data, root=str(tmp_path / "set"), size=(16, 16))
        settings = {"model": Model(name="tiny"), "machine": Machine(accelerator="cpu"), "epochs": 1, "batch_size": 4}
        result = train(replace(recipe, data=data, **settings), tmp_path / recipe.data.name, progress=False)
        assert result.epochs == 1
        sides = RunFolder(tmp_path / recipe.data.name).read_inventory().sides
        assert all(sides[side] for side in ("train", "validation", "test"))
        if name == "folder":
            break
