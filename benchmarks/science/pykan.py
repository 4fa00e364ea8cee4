"""pykan 0.2.8 with its side effects contained, and its standard procedure under a clock."""

import importlib
import os
import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import numpy as np
import torch
from torch import nn

from benchmarks.science.common import Clock, Result, Samples, rmse

INSTALL = "not installed (pip install --no-deps pykan==0.2.8; pip install pandas)"
GRIDS = (3, 5, 10, 20, 50, 100)


class NoPykan(Exception):
    """It cannot take part; the message is what its row says."""


class _TimeIsUp(Exception):
    pass


@contextmanager
def pykan(dtype: torch.dtype = torch.double) -> Iterator[ModuleType]:
    """The module ``kan``, whose constructor seeds all global generators, writes files and prints: none of it gets out.

    Its numbers are of the default type, which is ``dtype`` meanwhile.

    Raises:
        NoPykan: It, or what it imports, is missing.
    """
    before = torch.get_default_dtype(), np.random.get_state(), random.getstate()  # noqa: NPY002 (its generator)
    with (
        TemporaryDirectory() as folder, chdir(folder), torch.random.fork_rng(), warnings.catch_warnings(),
        redirect_stdout(StringIO()), redirect_stderr(StringIO()),
    ):  # fmt: skip
        warnings.simplefilter("ignore")
        Path("model").mkdir()  # what refines and prunes asks for it
        os.environ.setdefault("MPLBACKEND", "agg")  # it imports pyplot
        torch.set_default_dtype(dtype)
        try:
            yield _imported()
        finally:
            torch.set_default_dtype(before[0])
            np.random.set_state(before[1])  # noqa: NPY002
            random.setstate(before[2])


def _imported() -> ModuleType:
    try:
        return importlib.import_module("kan")
    except ImportError as error:
        raise NoPykan(f"{INSTALL}: {error}") from error


def dataset(train: Samples, test: Samples) -> dict[str, torch.Tensor]:
    return {"train_input": train.x, "train_label": train.y, "test_input": test.x, "test_label": test.y}


def refined(model: nn.Module, grid: int) -> nn.Module:
    """The same on a finer grid, as its ``refine`` makes it from the samples it saw last."""
    model.save_act = model.symbolic_enabled = True  # a fit that was stopped leaves them off
    model(model.cache_data)
    model = model.refine(grid)
    model.auto_save = False
    return model


def count(model: nn.Module) -> int:
    """What it trains: coefficients, and two scales an edge."""
    return sum(p.numel() for layer in model.act_fun for p in (layer.coef, layer.scale_base, layer.scale_sp))


def race_pykan(
    train: Samples, test: Samples, width: Sequence[int], seconds: float, grids: Sequence[int] = GRIDS, seed: int = 0
) -> Result:
    """Its standard procedure, LBFGS on ever finer grids, each for an equal share of what is left of the time.

    The best test error that it ever reaches counts, which is more than anyone could know; measuring it costs it no time,
    and a step that has begun may end.
    """
    result = Result("pykan")
    try:
        with pykan() as kan:
            clock = Clock(seconds)
            model = kan.KAN(width=list(width), grid=grids[0], k=3, seed=seed, auto_save=False)
            for place, grid in enumerate(grids):
                if clock.left <= 0:
                    break
                model = refined(model, grid) if place else model
                fit_until(model, train, clock, clock.spent + clock.left / (len(grids) - place), test, result, grid)
            result.seconds = clock.spent
    except NoPykan as reason:
        result.note = str(reason)
    return result


def fit_until(
    model: nn.Module, train: Samples, clock: Clock, until: float, test: Samples, result: Result, grid: int
) -> None:
    """Fit until so many seconds are spent, and note the best test error."""

    def measure() -> torch.Tensor:
        with clock.stopped():
            error = rmse(model, test)
            result.trail.append((clock.spent, count(model), error))
            if error < result.rmse:
                result.rmse, result.parameters = error, count(model)
                result.shape = f"{[sum(n) for n in model.width]}, G={grid}"
        if clock.spent > until:
            raise _TimeIsUp
        return torch.tensor(error)

    fit_with(model, train, measure)


def fit_with(model: nn.Module, train: Samples, measure: Callable[[], torch.Tensor]) -> None:
    """Fit until ``measure``, which is called after each step, says that the time is up."""
    few = Samples(*(t[:10] for t in train))  # pykan measures a test error of its own: on few rows, or it would cost time
    try:
        model.fit(dataset(train, few), opt="LBFGS", steps=1_000_000, metrics=[measure])
    except _TimeIsUp:
        model.save_act = model.symbolic_enabled = True
