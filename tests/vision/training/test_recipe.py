import json
import subprocess
import sys
from dataclasses import replace

import pytest

from edgewise._ground.errors import ConfigError
from edgewise.vision.segmentation.decision import Decision
from edgewise.vision.segmentation.recipe import Adam, MaskedData, SegmentationRecipe
from edgewise.vision.training.recipe import Machine, Model, Recipe, differences
from edgewise.vision.training.recipes import create_recipe, list_recipes


@pytest.mark.parametrize("name", list_recipes())
def test_every_recipe_survives_json(name):
    recipe = create_recipe(name)
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_settings_of_every_kind_survive_json():
    recipe = SegmentationRecipe(
        data=MaskedData(root="/tmp", options={"split_by": "grouped", "deep": {"list": [1, 2.5, None]}}, size=(3, 5)),
        model=Model(options={"grid_size": 7}),
        optimiser=Adam(learning_rate=1),
        machine=Machine(devices=2, precision="bf16-mixed"),
        decision=Decision(threshold=(0.4,), smallest=(9,)),
        patience=4,
    )
    again = Recipe.from_dict(recipe.to_dict())
    assert again == recipe
    assert again.data.size == (3, 5)
    assert isinstance(again.optimiser.learning_rate, float)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epoch": 3}, "unknown setting 'epoch'; did you mean 'epochs'?"),
        (
            {"optimiser": {"learning_rte": 1}},
            "unknown setting 'optimiser.learning_rte'; did you mean 'optimiser.learning_rate'?",
        ),
        ({"epochs": "3"}, "epochs is '3' and must be int"),
        ({"epochs": 3.0}, "epochs is 3.0 and must be int"),
        ({"epochs": True}, "epochs is True and must be int"),
        ({"tensorboard": 1}, "tensorboard is 1 and must be bool"),
        ({"optimiser": {"learning_rate": "fast"}}, "optimiser.learning_rate is 'fast' and must be float"),
        ({"data": {"size": [128]}}, "data.size is [128] and must be tuple[int, int]"),
        ({"data": {"size": [128, 1.5]}}, "data.size"),
        ({"data": {"options": []}}, "data.options"),
        ({"data": None}, "data is None and must be an object of settings"),
        ({"machine": {"precision": "16-mixed"}}, "must be one of 32-true, bf16-mixed, 64-true"),
        ({"decision": {"threshold": [0.4, "high"]}}, "decision.threshold is [0.4, 'high'] and must be tuple[float, ...]"),
        ({"decision": {"smallest": [3, 4]}}, "smallest has the 2 numbers (3, 4) and there are 1 foreground classes"),
        ({"patience": "long"}, "patience is 'long' and must be int | None"),
        ({"epochs": 0}, "epochs is 0 and must be at least 1"),
        ({"optimiser": {"learning_rate": -1.0}}, "optimiser.learning_rate is -1.0 and must be above 0"),
        ({"optimiser": {"learning_rate": float("nan")}}, "optimiser.learning_rate is nan and must be above 0"),
        (
            {"task": "classification", "optimiser": {"learning_rate": 5e-6}},
            "final_learning_rate is 1e-05 and must be at most optimiser.learning_rate, 5e-06",
        ),
        ({"task": "classification", "optimiser": {"learning_rate": -1.0}}, "learning_rate is -1.0 and must be above 0"),
        ({"task": "classification", "optimiser": {"epsilon": 0.0}}, "optimiser.epsilon is 0.0 and must be above 0"),
        ({"data": {"size": [0, 8]}}, "data.size is (0, 8) and must be two positive numbers of pixels"),
        ({"model": {"options": {"in_channels": 1}}}, "without in_channels and num_classes"),
        ([], "the recipe is [] and must be an object of settings"),
        ({"optimiser": {"weight_decay": float("inf")}}, "optimiser.weight_decay is inf and must be a finite number"),
        ({"model": {"options": {"a": [1, {"b": float("nan")}]}}}, "model.options.a.1.b is nan and must be a finite"),
        ({"task": []}, "unknown task '[]'"),
        ({"model": {"options": {"name": "unet"}}}, "without name, features_only and out_indices"),
    ],
)
def test_a_wrong_setting_is_named(values, message):
    with pytest.raises(ConfigError) as caught:
        (Recipe if "task" in values else SegmentationRecipe).from_dict(values)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_settings_left_out_keep_their_defaults():
    assert SegmentationRecipe.from_dict({"data": {"name": "busi"}}) == SegmentationRecipe(data=MaskedData(name="busi"))


def test_differences_are_named():
    recipe = SegmentationRecipe()
    other = replace(recipe, seed=7, model=Model(options={"grid_size": 3}))
    assert differences(recipe, other) == ["model.options.grid_size", "seed"]
    assert differences(recipe, recipe) == []


def test_unknown_recipe_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'nuclei'"):
        create_recipe("nucleus")


def test_u_kans_published_numbers():
    recipe = create_recipe("ukan_published")
    rates = recipe.optimiser
    assert (rates.learning_rate, rates.coefficient_learning_rate) == (1e-4, 1e-2)
    assert (rates.weight_decay, rates.final_learning_rate) == (1e-4, 1e-5)
    assert (recipe.epochs, recipe.batch_size, recipe.data.size) == (400, 8, (256, 256))


def test_tyro_shows_what_a_setting_means(capsys):
    tyro = pytest.importorskip("tyro")
    with pytest.raises(SystemExit):
        tyro.cli(SegmentationRecipe, args=["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "Passes over the training images" in shown
    assert tyro.cli(SegmentationRecipe, args=["--data.size", "8", "9", "--patience", "3"]).data.size == (8, 9)


def test_importing_training_imports_no_heavy_package():
    heavy = "{'lightning', 'monai', 'torchmetrics', 'matplotlib', 'PIL', 'sklearn', 'jinja2', 'rich'}"
    code = f"import sys, edgewise.vision; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"augment": {"probability": 0.9}},
            "augment.probability is 0.9 and has no effect where pictures are at most turned",
        ),
        ({"data": {"options": {"channels": 1}}}, "gives channels=1 and data.channels is 3, .* set data.channels"),
        (
            {"task": "generation", "data": {"options": {"channels": 1}}},
            "gives channels=1 and data.channels is 3, .* set data.channels",
        ),
        ({"task": "generation", "judge": {"run": "a", "steps": 9}}, "judge.steps is 9 and has no effect with judge.run"),
        ({"augment": {"pad": 0.2}}, "augment.pad is 0.2 and has no effect with augment.crop 'none': .* choose 'pad'"),
        (
            {"augment": {"crop": "pad", "scale": [0.5, 1]}},
            r"augment.scale is \(0.5, 1.0\) and has no effect with .* 'resized'",
        ),
        ({"augment": {"ratio": [1, 1]}}, "augment.ratio"),
        (
            {"augment": {"jitter": 0.4, "rand_augment": "rand-m9"}},
            "augment.jitter is 0.4 and has no effect with .*rand_augm",
        ),
        ({"mix": {"probability": 0.5}}, "mix.probability is 0.5 and has no effect without mix.mixup and mix.cutmix"),
        ({"mix": {"mixup": 0.8, "switch": 0.1}}, "mix.switch is 0.1 and has no effect without both"),
        ({"optimiser": {"decay": 0.9}}, "optimiser.decay is 0.9 and has no effect with optimiser.schedule 'cosine'"),
        ({"optimiser": {"schedule": "constant", "final_learning_rate": 0.0}}, "choose 'cosine'"),
        ({"optimiser": {"warmup_learning_rate": 0.0}}, "has no effect without optimiser.warmup_epochs"),
    ],
)
def test_a_setting_without_effect_is_refused(values, message):
    classes = (
        {"pad", "scale", "ratio", "jitter"} & set(values.get("augment", ())) or "mix" in values or "optimiser" in values
    )
    with pytest.raises(ConfigError, match=message):
        Recipe.from_dict({"task": "classification" if classes else "segmentation"} | values)


def test_settings_that_have_an_effect_are_taken():
    Recipe.from_dict({"task": "segmentation", "augment": {"probability": 0.9, "noise": 0.1}})
    Recipe.from_dict({"task": "segmentation", "data": {"channels": 1, "options": {"channels": 1}}})
    Recipe.from_dict({"task": "classification", "optimiser": {"schedule": "exponential", "decay": 0.9}})
