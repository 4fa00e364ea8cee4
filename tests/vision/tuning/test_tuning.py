import json
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from statistics import median

import numpy as np
import optuna
import pytest
import torch
from optuna.distributions import FloatDistribution
from optuna.pruners import MedianPruner
from optuna.trial import FixedTrial
from PIL import Image
from safetensors.torch import load_file

from edgewise._ground.errors import CheckpointError, ConfigError, NonFiniteError
from edgewise.bases import BSpline, Squashed, create_basis, list_bases
from edgewise.models import create_model
from edgewise.vision import (
    AdamW,
    ClassificationRecipe,
    LabelledData,
    Machine,
    Model,
    RunFolder,
    SegmentationRecipe,
    create_recipe,
    evaluate,
)
from edgewise.vision.segmentation.augment import MaskedAugment
from edgewise.vision.segmentation.decision import Decision
from edgewise.vision.training.callbacks import KeepRun
from edgewise.vision.tuning import PRUNERS, Space, command_line, read_tuning, tune, write_tuning_report
from edgewise.vision.tuning.figures import history, importance_bars, slices
from edgewise.vision.tuning.options import TunableOptions, sized
from edgewise.vision.tuning.trials import _importances

SIDE = 6
SPACE = Space(bases=("bspline", "chebyshev"), functions=(4, 9), learning_rate=(1e-4, 3e-2))
TRIALS = 6


def eager(epochs):
    """Prunes from the second trial and the first epoch on."""
    return MedianPruner(n_startup_trials=1, n_warmup_steps=0)


@pytest.fixture(scope="session")
def gratings(tmp_path_factory):
    """A folder of noisy stripes, 6 x 6, lying and standing, 30 of each."""
    root = tmp_path_factory.mktemp("gratings")
    for turn, name in enumerate(("lying", "standing")):
        (root / name).mkdir()
        for number in range(30):
            draw = np.random.default_rng((turn, number))
            stripes = np.indices((SIDE, SIDE))[turn] % 2 * 2 - 1
            pixels = 128 + 20 * stripes + draw.normal(0, 50, (SIDE, SIDE))
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(root / name / f"{number:02d}.png")
    return root


@pytest.fixture(scope="session")
def grating_recipe(gratings):
    data = {"root": str(gratings), "options": {"channels": 1}, "size": (SIDE, SIDE), "classes": 2, "validation": 0.4}
    return ClassificationRecipe(
        data=LabelledData(name="imagefolder", **data),
        model=Model(name="kan", options={"width": [SIDE * SIDE, 4, 2]}),
        optimiser=AdamW(learning_rate=3e-3),
        machine=Machine(accelerator="cpu"),
        epochs=3,
        seed=1,  # of which some trials are pruned and some complete
        batch_size=12,
    )


def search(recipe, path, **options):
    return tune(recipe, path, **{"trials": TRIALS, "space": SPACE, "start": "mnist", "progress": False, **options})


@pytest.fixture(scope="module")
def undisturbed(grating_recipe, tmp_path_factory):
    """A study of six trials that nothing interrupts, and its folder."""
    path = tmp_path_factory.mktemp("undisturbed") / "study"
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRUNERS, "median", eager)
        tuning = search(grating_recipe, path)
    torch.set_num_threads(threads)
    return tuning, path


@pytest.fixture(scope="module")
def by_rungs(grating_recipe, tmp_path_factory):
    """A study of six longer trials under Hyperband, and its folder."""
    path = tmp_path_factory.mktemp("by_rungs") / "study"
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    tuning = search(replace(grating_recipe, epochs=9), path, pruner="hyperband")
    torch.set_num_threads(threads)
    return tuning, path


@pytest.fixture
def pruned_early(monkeypatch):
    monkeypatch.setitem(PRUNERS, "median", eager)


def runs_of(path):
    return [RunFolder(run) for run in sorted((path / "trials").iterdir())]


def test_each_trial_is_a_run_of_what_was_drawn(undisturbed, grating_recipe):
    tuning, path = undisturbed
    assert [run.path.name for run in runs_of(path)] == [f"{index:04d}" for index in range(TRIALS)]
    own = {"basis": "bspline", "functions": 8, "width": 1.0, "learning_rate": 3e-3, "coefficient_factor": 1.0}
    assert tuning.trials[0].settings == own
    for trial, run in zip(tuning.trials, runs_of(path), strict=True):
        recipe, result = run.read_recipe(), run.read_result()
        settings = dict(trial.settings)
        assert recipe == replace(SPACE.suggest(FixedTrial(settings), grating_recipe), machine=recipe.machine)
        assert (trial.score, trial.parameters) == (result.best, result.parameters)
        assert trial.epochs == result.epochs == len(run.read_metrics())
        network = create_model("kan", **recipe.model.options)
        assert sum(p.numel() for p in network.parameters()) == result.parameters
        assert network[0].edge.basis.num_functions == settings["functions"]
        assert network.width == [SIDE * SIDE, round(4 * settings["width"]), 2]
    assert tuning.best.score == max(trial.score for trial in tuning.trials if trial.state == "complete")
    assert evaluate(tuning.best_run).scores["top1"] > 0.5
    assert read_tuning(path) == tuning


def test_what_lags_behind_the_median_is_pruned_and_its_weights_are_deleted(undisturbed):
    tuning, path = undisturbed
    before, pruned = [], 0
    for trial, run in zip(tuning.trials, runs_of(path), strict=True):
        scores = [line["val_accuracy"] for line in run.read_metrics()]
        stop = None
        for epoch in range(len(scores) if any(other["complete"] for other in before) else 0):
            others = [other["scores"][epoch] for other in before if len(other["scores"]) > epoch and other["complete"]]
            if epoch + 1 < 3 and max(scores[: epoch + 1]) < median(others):
                stop = epoch + 1
                break
        assert trial.state == ("complete" if stop is None else "pruned")
        assert len(scores) == (stop or 3)
        assert run.model.exists() == run.checkpoint.exists() == (stop is None)
        before.append({"scores": scores, "complete": stop is None})
        pruned += stop is not None
    assert 1 <= pruned < TRIALS - 1


def test_a_page_tells_of_it(undisturbed, tmp_path):
    tuning, path = undisturbed
    write_tuning_report(path)
    page = (path / "report.html").read_text()
    assert all(f"{trial.score:.4f}" in page for trial in tuning.trials)
    assert page.count("data:image/svg+xml;base64,") == 2 + bool(tuning.importances)
    assert f"edgewise train mnist --run {path}-best" in page
    assert sum(tuning.importances.values()) == pytest.approx(1 if tuning.importances else 0)


def test_what_the_score_depends_on_is_important():
    floats = {name: FloatDistribution(1e-3, 1.0, log=True) for name in ("learning_rate", "width")}
    study = optuna.create_study(direction="maximize")
    draw = np.random.default_rng(0)
    for number in range(24):
        params = {name: float(10 ** draw.uniform(-3, 0)) for name in floats}
        score = float(np.log10(params["learning_rate"]))
        study.add_trial(optuna.trial.create_trial(params=params, distributions=floats, value=score))
        if number < 3:
            assert _importances(study) == {}
    found = _importances(study)
    assert found["learning_rate"] > 0.8
    assert sum(found.values()) == pytest.approx(1)
    (axes,) = importance_bars(found).axes
    assert [bar.get_width() for bar in axes.patches] == sorted(found.values())
    assert [label.get_text() for label in axes.get_yticklabels()] == ["width", "learning rate"]


def test_figures_hold_the_scores(undisturbed):
    tuning, _ = undisturbed
    complete = [trial for trial in tuning.trials if trial.state == "complete"]
    (axes,) = history(tuning, "validation accuracy").axes
    np.testing.assert_array_equal(axes.get_lines()[0].get_ydata(), np.maximum.accumulate([t.score for t in complete]))
    dots = {dots.get_label(): dots.get_offsets().tolist() for dots in axes.collections}
    assert dots["complete"] == [[trial.index, trial.score] for trial in complete]
    assert dots["pruned"] == [[trial.index, trial.score] for trial in tuning.trials if trial.state == "pruned"]
    rows = slices(tuning, "validation accuracy").axes
    assert [axes.get_xlabel() for axes in rows] == [
        "basis", "functions", "width", "learning rate", "coefficient factor"
    ]  # fmt: skip
    dots = {dots.get_label(): dots.get_offsets().tolist() for dots in rows[3].collections}
    assert dots["complete"] == [[trial.settings["learning_rate"], trial.score] for trial in complete]


KILLED = """
import json, os, signal, sys, torch
from optuna.pruners import MedianPruner
from edgewise.vision import Recipe
from edgewise.vision.segmentation.augment import MaskedAugment
from edgewise.vision.training.callbacks import KeepRun
from edgewise.vision.tuning import PRUNERS, Space, tune

torch.set_num_threads(1)
PRUNERS["median"] = lambda epochs: MedianPruner(n_startup_trials=1, n_warmup_steps=0)
recipe, space, path, pruner = json.loads(sys.argv[1])
keep, calls = KeepRun.on_train_epoch_end, []

def keep_and_die(self, trainer, module):
    keep(self, trainer, module)
    calls.append(0)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

KeepRun.on_train_epoch_end = keep_and_die
space = Space(**{name: value and tuple(value) for name, value in space.items()})
tune(Recipe.from_dict(recipe), path, trials=6, space=space, pruner=pruner, start="mnist", progress=False)
"""


def same(found, path, undisturbed):
    tuning, original = undisturbed
    assert found.trials == tuning.trials
    assert [run.path.name for run in runs_of(path)] == [run.path.name for run in runs_of(original)]
    for one, other in zip(runs_of(path), runs_of(original), strict=True):
        assert one.model.exists() == other.model.exists()
        if one.model.exists():
            first, second = load_file(one.model), load_file(other.model)
            assert all(torch.equal(first[name], second[name]) for name in second)


@pytest.mark.slow
@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_a_study_that_was_killed_goes_on_to_the_same_end(pruner, pruned_early, tmp_path, request):
    original = request.getfixturevalue({"median": "undisturbed", "hyperband": "by_rungs"}[pruner])
    recipe, path = original[0].recipe, tmp_path / "study"
    words = json.dumps([recipe.to_dict(), asdict(SPACE), str(path), pruner])
    assert subprocess.run([sys.executable, "-c", KILLED, words], timeout=300).returncode == -signal.SIGKILL
    assert [trial.state for trial in read_tuning(path).trials] == ["running"]
    assert not RunFolder(path / "trials" / "0000").result.exists()
    same(search(recipe, path, pruner=pruner), path, original)


class Died(BaseException):
    """What ends a process, here within a test."""


def dies_at(monkeypatch, epochs, after=True):
    """Let the training die at a count of epochs over all runs, before or after its files are written."""
    keep, left = KeepRun.on_train_epoch_end, [epochs]

    def keep_or_die(self, trainer, module):
        left[0] -= 1
        if left[0] == 0 and not after:
            raise Died
        keep(self, trainer, module)
        if left[0] == 0:
            raise Died

    monkeypatch.setattr(KeepRun, "on_train_epoch_end", keep_or_die)


@pytest.mark.slow
def test_a_death_between_a_pruning_and_its_note_changes_nothing(
    undisturbed, grating_recipe, pruned_early, tmp_path, monkeypatch
):
    tuning, _ = undisturbed
    pruned = next(index for index, trial in enumerate(tuning.trials) if trial.state == "pruned")
    dies_at(monkeypatch, sum(trial.epochs for trial in tuning.trials[: pruned + 1]))
    with pytest.raises(Died):
        search(grating_recipe, tmp_path / "study")
    left = RunFolder(tmp_path / "study" / "trials" / f"{pruned:04d}")
    assert len(left.read_metrics()) == tuning.trials[pruned].epochs
    assert left.checkpoint.exists()
    same(search(grating_recipe, tmp_path / "study"), tmp_path / "study", undisturbed)


def test_a_run_whose_process_dies_each_time_has_failed_and_the_rest_goes_on(grating_recipe, tmp_path):
    path = tmp_path / "study"
    for _ in range(3):
        with pytest.MonkeyPatch.context() as patch:
            dies_at(patch, 1, after=False)
            with pytest.raises(Died):
                search(grating_recipe, path, trials=2)
    tuning = search(grating_recipe, path, trials=2)
    assert [trial.state for trial in tuning.trials] == ["failed", "complete"]
    assert tuning.trials[0].reason == "its process died several times"
    assert "Trial 0000 failed" in write_and_read(path)


def write_and_read(path):
    write_tuning_report(path)
    return (path / "report.html").read_text()


def test_a_diverging_trial_fails_and_the_rest_goes_on(grating_recipe, tmp_path, monkeypatch):
    from edgewise.vision.training import run

    fit, calls = run._fit, []

    def diverge_second(*arguments):
        calls.append(0)
        if len(calls) == 2:
            raise NonFiniteError("the loss is nan\nmore of it")
        return fit(*arguments)

    monkeypatch.setattr(run, "_fit", diverge_second)
    tuning = search(grating_recipe, tmp_path / "study", trials=3)
    assert [trial.state for trial in tuning.trials] == ["complete", "failed", "complete"]
    assert tuning.trials[1].reason == "the loss is nan"


@pytest.mark.slow
def test_hyperband_stops_runs_on_its_rungs(by_rungs):
    tuning, _ = by_rungs
    assert {trial.epochs for trial in tuning.trials if trial.state == "complete"} == {9}
    stopped = [trial.epochs for trial in tuning.trials if trial.state == "pruned"]
    assert stopped
    assert set(stopped) <= {1, 3}  # the least resource times powers of the reduction factor


def test_another_study_and_other_files_are_refused(undisturbed, grating_recipe, tmp_path, pruned_early):
    _, path = undisturbed
    with pytest.raises(CheckpointError, match="holds a study with another recipe: go on with its own"):
        search(replace(grating_recipe, epochs=2), path)
    with pytest.raises(CheckpointError, match="another space and pruner"):
        search(grating_recipe, path, space=Space(), pruner="none")
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(CheckpointError, match=r"is not empty and holds no study \(note.txt\)"):
        search(grating_recipe, tmp_path)
    with pytest.raises(CheckpointError, match="holds no study"):
        read_tuning(tmp_path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"model": Model(name="vit_micro")}, "model 'vit_micro' has neither basis nor width to tune: .* learning rates"),
        ({"model": Model(name="kan", options={"width": [7, 4, 2]})}, "cannot take pictures"),
        ({"model": Model(name="kam")}, "did you mean 'kan'"),
        ({"machine": Machine(devices=2)}, "machine.devices is 2 and must be 1"),
    ],
)
def test_a_recipe_that_cannot_be_tuned_leaves_nothing_behind(grating_recipe, tmp_path, changes, told):
    with pytest.raises(ConfigError, match=told):
        search(replace(grating_recipe, **changes), tmp_path / "study")
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"bases": ("bsplin",)}, "unknown basis 'bsplin'; did you mean 'bspline'"),
        ({"bases": ("squashed",)}, "unknown basis"),
        ({"bases": ()}, "space.bases"),
        ({"functions": (9, 4)}, "space.functions is"),
        ({"width": (0.0, 1.0)}, "space.width"),
        ({"learning_rate": (1e-3, float("inf"))}, "space.learning_rate"),
    ],
)
def test_an_impossible_space_is_refused(options, told):
    with pytest.raises(ConfigError, match=told):
        Space(**options)


@pytest.mark.parametrize("name", [name for name in list_bases() if name != "squashed"])
def test_a_basis_of_so_many_functions(name):
    basis = create_basis(name)
    assert sized(basis, basis.num_functions) == basis
    for functions in (9, 12):
        assert functions - 1 <= sized(basis, functions).num_functions <= functions
    assert sized(basis, 1).num_functions == min(sized(basis, n).num_functions for n in range(1, 8))


# For each way that a model names its functions and widths: the recipe's own setting draws the network that it has.
@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("kan", {"width": [64, 6, 2], "grid": 4, "k": 2}),
        ("cheby_kan", {"width": [64, 16, 2]}),
        ("fourier_kan", {"width": [64, 6, 2], "num_frequencies": 3}),
        ("fast_kan", {"width": [64, 6, 2]}),
        ("conv_kan", {"widths": [6], "hidden": [5], "basis": {"name": "bspline", "grid_size": 4}}),
        ("vgg_kan", {"widths": [4, 8], "depths": [1, 1]}),
        ("cnn", {"width": 8}),
        ("mlp", {"width": [64, 6, 2]}),
    ],
)
def test_the_recipe_itself_lies_in_its_space(model, options):
    from edgewise.vision.classification.network import create_classifier

    data = LabelledData(size=(8, 8), channels=1, classes=2)
    recipe = ClassificationRecipe(data=data, model=Model(name=model, options=options))
    space = Space(functions=(2, 30), bases=tuple(n for n in list_bases() if n != "squashed")).fitted(recipe)
    own = space.own(recipe)
    again = space.suggest(FixedTrial(own), recipe)
    assert again.optimiser == recipe.optimiser
    shapes = [{k: v.shape for k, v in create_classifier(r.model, data).state_dict().items()} for r in (recipe, again)]
    assert shapes[0] == shapes[1]
    if "width" in own:
        wider = space.suggest(FixedTrial({**own, "width": 2.0}), recipe)
        counts = [sum(p.numel() for p in create_classifier(r.model, data).parameters()) for r in (recipe, wider)]
        assert counts[1] > 1.6 * counts[0]


def test_segmentation_has_a_rate_of_coefficients():
    recipe = create_recipe("busi")
    space = Space().fitted(recipe)
    drawn = {"basis": "fourier", "functions": 9, "width": 0.5, "learning_rate": 2e-3, "coefficient_factor": 4.0}
    changed = space.suggest(FixedTrial(drawn), recipe)
    assert (changed.optimiser.learning_rate, changed.optimiser.coefficient_learning_rate) == (2e-3, 8e-3)
    assert changed.model.options["widths"] == [64, 80, 128]
    assert changed.model.options["basis"]["num_frequencies"] == 4
    assert space.own(recipe)["coefficient_factor"] == 5.0
    assert changed.data == recipe.data
    plain = Space().fitted(replace(recipe, model=Model(name="unet")))
    assert (plain.bases, plain.functions, plain.coefficient_factor) == (None, None, None)


def test_what_squashed_inputs_before_does_so_after():
    made = TunableOptions(Model(name="resnet_kan")).with_basis("legendre", 5)["basis"]
    assert (made["name"], made["basis"]["name"], made["basis"]["degree"]) == ("squashed", "legendre", 4)
    options = {"width": [4, 3, 2], "basis": {"name": "squashed", "basis": {"name": "bspline", "grid_size": 7}}}
    tunable = TunableOptions(Model(name="kan", options=options))
    assert (tunable.bases, tunable.functions) == ([BSpline(7)], 10)
    assert isinstance(create_model("kan", **options)[0].edge.basis, Squashed)


def test_nodes_that_multiply_stay_and_layers_that_differ_are_no_own_setting():
    tunable = TunableOptions(Model(name="kan", options={"width": [4, [6, 2], 1], "grid": [3, 5]}))
    assert tunable.scaled(0.5) == {"width": [4, [3, 1], 1]}
    assert len(tunable.bases) == 2
    recipe = ClassificationRecipe(model=Model(name="kan", options={"width": [784, 6, 10], "grid": [3, 5]}))
    assert Space().own(recipe) is None
    assert tunable.with_basis("bspline", 6) == {
        "basis": {**asdict(BSpline(3, outside="linear")), "name": "bspline", "domain": [-1.0, 1.0]}, "grid": None
    }  # fmt: skip


def test_a_recipe_as_words_names_what_differs_from_a_registered_one():
    recipe = replace(create_recipe("glas"), patience=3, tensorboard=True)
    data = replace(recipe.data, root="my data", size=(64, 32), options={"a": 1})
    augment = MaskedAugment(preset="strong", scale=(0.9, 1.1))
    words = command_line(replace(recipe, data=data, augment=augment), "runs/x")
    assert words == (
        "edgewise train glas --run runs/x --data.root 'my data' --data.options '{\"a\": 1}' --data.size 64 32 "
        "--patience 3 --tensorboard --augment.preset strong --augment.scale 0.9 1.1"
    )
    decided = replace(recipe, patience=None, decision=Decision((0.3,), largest_component=False))
    words = command_line(replace(decided, seed=3), "a", start="glas")
    assert words == (
        "edgewise train glas --run a --seed 3 --tensorboard --decision.threshold 0.3 --decision.largest-component False"
    )
    assert command_line(SegmentationRecipe(), "a", start="busi").startswith(
        "edgewise train busi --run a --data.name nuclei"
    )
