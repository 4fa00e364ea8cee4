"""A run goes on with the pictures that it was started with, and is scored on those that were held out then."""

import shutil
from dataclasses import replace

import pytest

from edgewise._ground.errors import ConfigError, DataError, EdgewiseWarning
from edgewise.vision import RunFolder, evaluate, train, write_report
from edgewise.vision.training.reopen import reopen
from tests.vision.training.test_run import StopAfter, assert_same_run


@pytest.fixture
def mine(discs, tmp_path):
    """A folder of one's own, to be changed."""
    return shutil.copytree(discs, tmp_path / "mine")


@pytest.fixture
def own(recipe, mine):
    return replace(recipe, data=replace(recipe.data, root=str(mine)), epochs=2)


def delete(root, name):
    for part in ("images", "masks"):
        (root / part / f"{name}.png").unlink()


def add(root, name):
    for part in ("images", "masks"):
        shutil.copy(root / part / f"{name}.png", root / part / "99.png")


def change(root, name):
    shutil.copy(root / "masks" / "00.png", root / "masks" / f"{name}.png")


@pytest.mark.parametrize("happens", [delete, add, change])
def test_neither_scored_nor_resumed_on_other_pictures(own, mine, tmp_path, happens):
    train(own, tmp_path / "run", progress=False)
    with pytest.raises(InterruptedError):
        train(own, tmp_path / "stopped", progress=False, callbacks=[StopAfter(0)])
    happens(mine, "07")
    asked = [
        lambda: evaluate(tmp_path / "run"),
        lambda: write_report([tmp_path / "run"], tmp_path / "report.html"),
        lambda: train(own, tmp_path / "stopped", resume=True, progress=False),
        lambda: reopen(tmp_path / "run").batches(2, 2),
    ]
    for ask in asked:
        with pytest.raises(DataError, match="is not as it was when the run was started"):
            ask()
    assert len(RunFolder(tmp_path / "stopped").read_metrics()) == 1


def test_the_sides_stay_when_the_table_of_groups_is_edited(own, mine, tmp_path):
    table = mine / "patients.csv"
    table.write_text("".join(f"{number:02d},{number // 3}\n" for number in range(30)))
    own = replace(own, data=replace(own.data, options={"groups": "patients.csv"}))
    train(own, tmp_path / "whole", progress=False)
    with pytest.raises(InterruptedError):
        train(own, tmp_path / "run", progress=False, callbacks=[StopAfter(0)])
    before = evaluate(tmp_path / "whole")
    table.write_text("".join(f"{number:02d},{number % 10}\n" for number in range(30)))
    after = evaluate(tmp_path / "whole")
    assert (after.scores, [case.id for case in after.cases]) == (before.scores, [case.id for case in before.cases])
    train(own, tmp_path / "run", resume=True, progress=False)
    assert_same_run(tmp_path / "whole", tmp_path / "run")
    train(own, tmp_path / "new", progress=False)
    with pytest.raises(ConfigError, match="the same pictures on each side"):
        write_report([tmp_path / "whole", tmp_path / "new"], tmp_path / "report.html")


def test_a_run_whose_list_is_lost_says_so(own, tmp_path):
    train(own, tmp_path / "run", progress=False)
    RunFolder(tmp_path / "run").pictures.unlink()
    with pytest.warns(EdgewiseWarning, match="keeps no list of its pictures"):
        evaluate(tmp_path / "run")
