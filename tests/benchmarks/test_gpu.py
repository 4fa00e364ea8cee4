"""What can be tested of the benchmark for GPUs where there is none."""

import time
from functools import partial

import pytest
import torch

from edgewise.bases import BSpline
from edgewise.nn import GroupRational, KANLinear
from tests.ops.triton_errors import DEVICE, needs_triton

pytest.importorskip("filelock")
pytest.importorskip("triton", reason="PyTorch's wheels for Linux bring it")

from benchmarks.gpu import __main__ as command
from benchmarks.gpu import correctness, goals, memory, running, speed, tables
from benchmarks.gpu.results import Results, failure

TINY = (partial(KANLinear, 1, 2, BSpline(1, 1)), (3, 1))


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path / "out" / "gpu.json", "a GPU")


# Goals


def rows(**numbers) -> dict:
    return {"rows": {name: {"ms": value, "spread": 0.1, "saved": value * 1e6} for name, value in numbers.items()}}


GOAL = goals.Goal("a step", "speed: it", "ms", 1.25, "theirs")


@pytest.mark.parametrize(("ours", "verdict"), [(1.2, "holds"), (1.25, "holds"), (1.26, "falls short")])
def test_a_goal_is_judged_by_the_ratio(ours, verdict):
    found, said = GOAL.judge({"speed: it": rows(edgewise=2 * ours, theirs=2.0)})
    assert found == verdict
    assert said.startswith(f"{ours:.2f}x, {2 * ours:.4g} ms against 2 ms")


@pytest.mark.parametrize(("ours", "verdict"), [(0.05, "holds"), (0.051, "falls short")])
def test_a_goal_may_be_a_time(ours, verdict):
    goal = goals.Goal("forward", "speed: it", "ms", 0.05)
    assert goal.judge({"speed: it": rows(edgewise=ours)})[0] == verdict


@pytest.mark.parametrize(
    ("records", "why"),
    [
        ({}, "time ran out"),
        ({"speed: it": {"failed": "no registers"}}, "no registers"),
        ({"speed: it": {"rows": {"edgewise": {"ms": 1.0}, "theirs": {"note": "out of memory"}}}}, "theirs: out of memory"),
    ],
)
def test_a_goal_without_numbers_says_why(records, why):
    found, said = GOAL.judge(records)
    assert (found, why in said) == ("not measured", True)


def test_each_goal_asks_for_what_is_measured():
    """Their units run, their contestants take part."""
    units = command.all_units()
    assert {goal.unit for goal in goals.GOALS} <= set(units)
    in_races = {speed.MATMULS, *speed.ATTENTION, *speed.SEGMENTATION, *memory.LAYER}
    assert {goal.against for goal in goals.GOALS} <= in_races | {None}
    assert speed.MATMULS in speed.products(speed.WIDE, speed.step, torch.float32, torch.device("cpu"))


# What is done is not done again, and what fails costs nothing else


def test_a_second_call_does_what_is_left(results):
    calls = []

    def launch(names, seconds):
        calls.append(list(names))
        results.keep(names[0], {"rows": {}})
        return 0 if len(calls) == 1 else None  # the second one runs out of time

    running.run_all(["a", "b", "c"], results, launch, time.monotonic() + 60)
    assert calls == [["a", "b", "c"], ["b", "c"]]
    assert running.without_record("abc", results) == ["c"]
    assert running.without_record("abc", Results(results.path, "another GPU")) == ["a", "b", "c"]


def test_nothing_starts_after_the_end(results):
    running.run_all(["a"], results, lambda *_: pytest.fail("launched"), time.monotonic() - 1)
    assert results.all() == {}


def test_a_unit_that_ends_its_process_has_failed_and_the_others_run(results):
    def launch(names, seconds):
        for name in names:
            if name == "b":
                return -6
            results.keep(name, {})
        return 0

    running.run_side_by_side(["a", "b", "c", "d"], results, launch, time.monotonic() + 60)
    assert set(results.all()) == {"a", "b", "c", "d"}
    assert "exit code -6" in str(failure(results.all()["b"]))
    assert not any(failure(results.all()[name]) for name in "acd")


@pytest.mark.filterwarnings("default")
def test_an_error_is_a_record_and_the_next_one_runs(results, capsys):
    units = {"a": lambda device: 1 / 0, "b": lambda device: {"rows": {}}}
    running.run_here(units, results, torch.device("cpu"))
    assert failure(results.all()["a"]) == "ZeroDivisionError: division by zero"
    assert failure(results.all()["b"]) is None


def test_a_dead_device_ends_the_process(results, monkeypatch, capsys):
    monkeypatch.setattr(running, "works", lambda device: False)
    running.run_here({"a": lambda device: 1 / 0, "b": lambda device: {}}, results, torch.device("cpu"))
    assert list(results.all()) == ["a"]


# The command


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_and_ends(capsys, tmp_path):
    assert command.main(["--out", str(tmp_path / "gpu.json")]) == 0
    assert capsys.readouterr().out.startswith("skipped: no GPU is here")
    assert not list(tmp_path.iterdir())


def test_the_interpreter_proves_nothing_of_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    assert "unset it" in str(command.reason_to_skip(torch.device("cuda")))


@pytest.mark.parametrize(("fails", "minutes", "code"), [((), 8, 0), (("memory: ViT-Tiny",), 8, 1), ((), 0, 2)])
def test_the_exit_code_and_the_tables(fails, minutes, code, monkeypatch, tmp_path, capsys):
    """On a GPU that is made up, whose numbers are all one."""

    def launcher(results):
        def launch(names, seconds):
            for name in names:
                ones = dict.fromkeys((speed.OURS, *tables.FIRST, memory.LINEAR), 1.0)
                results.keep(name, {"failed": "no memory"} if name in fails else rows(**ones))
                for row in results.all()[name].get("rows", {}).values():
                    row["spread"] = 0.0
            return 0

        return launch

    monkeypatch.setattr(command, "reason_to_skip", lambda device: None)
    monkeypatch.setattr(command, "here", lambda device: "a GPU, torch 2")
    units = dict.fromkeys([*(goal.unit for goal in goals.GOALS), "right: KANLinear, float32", "memory: ViT-Tiny"])
    monkeypatch.setattr(command, "all_units", lambda: units)
    monkeypatch.setattr(command, "in_another_process", launcher)
    assert command.main(["--out", str(tmp_path / "gpu.json"), "--minutes", str(minutes)]) == code
    text = (tmp_path / "gpu.md").read_text()
    assert text.startswith("a GPU, torch 2\n")
    assert ("memory: ViT-Tiny: no memory" in text) == bool(fails)
    assert ("Time ran out" in text) == (code == 2)
    if code != 2:
        assert "ALL U-KAN beside U-KAN, step | holds | 1.00x" in text
        assert "256 x 784 -> 64, TF32, forward | falls short | 1 ms, asked for at most 0.05 ms" in text


# Correctness, in the interpreter


@needs_triton
@pytest.mark.parametrize("name", ["float32", pytest.param("autocast", marks=pytest.mark.slow)])
def test_a_right_layer_is_right(name):
    record = correctness.check(*TINY, correctness.NUMBERS[name], DEVICE)
    assert failure(record) is None
    assert set(record["errors"]) == {"output", "x", "coef", "base_weight"}
    assert record["plain"].keys() == record["errors"].keys()


@needs_triton
def test_a_layer_without_a_kernel_is_no_success():
    record = correctness.check(lambda: KANLinear(2, 3, "sine"), (5, 2), correctness.NUMBERS["float32"], DEVICE)
    assert failure(record) == "the forward pass launched no kernel; the backward pass launched no kernel"


@pytest.mark.slow
@needs_triton
def test_wrong_numbers_are_found(monkeypatch):
    from edgewise.ops.rational import triton_kernels as kernels

    backward, calls = kernels.backward, []

    def wrong(*operands):
        dx, da, db = backward(*operands)
        calls.append(1)
        return dx * (1 + 1e-3), da, db + 1e-7 * len(calls)

    monkeypatch.setattr(kernels, "backward", wrong)
    record = correctness.check(lambda: GroupRational(4, 2), (5, 4), correctness.NUMBERS["float32"], DEVICE)
    assert "x: error 1.0e-03, plain has" in str(failure(record))
    assert "denominator: other bits in a second run" in str(failure(record))
    assert "numerator" not in str(failure(record))


def test_the_table_of_errors_names_the_worst():
    record = {"errors": {"x": 1e-7, "output": 3e-7}, "plain": {"x": 1e-7, "output": 2e-7}}
    (text,) = tables.correctness({"right: KANLinear, float32": record})
    assert "| KANLinear, float32 | 3.0e-07 | output | 2.0e-07 | right" in text


def test_bytes_that_are_saved():
    """Of a dense layer and of the fused one, the input alone: 4 rows of 3 numbers."""
    models = {speed.OURS: partial(KANLinear, 3, 2), memory.LINEAR: partial(torch.nn.Linear, 3, 2)}
    found = memory.measure(models, (4, 3), torch.float32, torch.device("cpu"))["rows"]
    assert found[memory.LINEAR]["saved"] == 4 * 3 * 4
    assert found["lean"]["saved"] == 4 * 3 * 4 < found["plain"]["saved"]


def test_a_race_goes_on_without_those_who_cannot(monkeypatch):
    monkeypatch.setattr(speed, "Moment", time.perf_counter)

    def missing():
        raise ImportError("not\n installed")

    found = speed.timed({"edgewise": lambda: int, "pykan": missing}, rounds=2)["rows"]
    assert found["edgewise"]["ms"] > 0
    assert found["pykan"] == {"note": "ImportError: not installed"}
    with pytest.raises(ImportError):
        speed.timed({"edgewise": missing})
