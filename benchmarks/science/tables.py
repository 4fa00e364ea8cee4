"""Fifteen tables, five folds, everybody's defaults: ``python -m benchmarks.science.tables``.

The tables are those that scikit-learn and statsmodels ship; the list was fixed before anything was run on them. All models
have the settings they come with. Those that are not made for columns of any unit (perceptron, ridge, logistic, SVM) have
them in units of their deviations, and perceptron and SVM targets too; without that they would stand for nobody's use.
R2 of a fold is against the mean of its own rows; a log loss is in nats, with probabilities no smaller than 1e-12.
"""

import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.base import BaseEstimator, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, r2_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from benchmarks.science import common
from benchmarks.science.common import Clock, read, write
from edgewise.estimators import KANClassifier, KANRegressor

FOLDS = 5
MOST_ROWS = 2000  # of larger tables so many are drawn, with seed 0
CONSTANT = "constant"  # mean or shares of the training rows: no contender
Rows = tuple[NDArray, NDArray]


def _shipped(name: str, target: str, columns: str) -> Rows:
    """A table of statsmodels, its columns by name."""
    import statsmodels.api

    data = getattr(statsmodels.api.datasets, name).load_pandas().data
    return data[columns.split()].to_numpy(float), data[target].to_numpy(float)


def _cars() -> Rows:
    path = files("statsmodels.gam.tests.results") / "autos.csv"
    data = pd.read_csv(str(path)).replace("?", np.nan)
    columns = ["wb", "length", "width", "height", "weight", "eng_cc", "bore", "stroke", "comp.ratio", "hp", "rpm"]
    data = data[[*columns, "city_mpg"]].apply(pd.to_numeric).dropna()
    return data[columns].to_numpy(float), data["city_mpg"].to_numpy(float)


def _schools() -> Rows:
    import statsmodels.api

    data = statsmodels.api.datasets.star98.load_pandas().data
    above = data.pop("NABOVE")
    return data.drop(columns="NBELOW").to_numpy(float), (above / (above + data["NBELOW"])).to_numpy(float)


def _affairs() -> Rows:
    x, y = _shipped("fair", "affairs", "rate_marriage age yrs_married children religious educ occupation occupation_husb")
    return x, (y > 0).astype(int)


def _made(make: Callable, noise: float) -> Rows:
    return make(n_samples=500, noise=noise, random_state=0)


def _learned(load: Callable) -> Rows:
    return load(return_X_y=True)


REGRESSIONS: dict[str, Callable[[], Rows]] = {
    "diabetes": partial(_learned, datasets.load_diabetes),
    "friedman1": partial(_made, datasets.make_friedman1, 1.0),
    "friedman2": partial(_made, datasets.make_friedman2, 125.0),
    "friedman3": partial(_made, datasets.make_friedman3, 0.1),
    "cars": _cars,
    "health survey": partial(
        _shipped, "randhie", "mdvis", "lncoins idp lpi fmde physlm disea hlthg hlthf hlthp"
    ),
    "investment": partial(_shipped, "grunfeld", "invest", "value capital year"),
    "schools": _schools,
    "food": partial(_shipped, "engel", "foodexp", "income"),
    "credit cards": partial(_shipped, "ccard", "AVGEXP", "AGE INCOME INCOMESQ OWNRENT"),
}  # fmt: skip
CLASSES: dict[str, Callable[[], Rows]] = {
    "breast cancer": partial(_learned, datasets.load_breast_cancer),
    "wine": partial(_learned, datasets.load_wine),
    "iris": partial(_learned, datasets.load_iris),
    "election": partial(_shipped, "anes96", "vote", "popul TVnews selfLR ClinLR DoleLR PID age educ income"),
    "affairs": _affairs,
}


def _scaled(model: BaseEstimator) -> BaseEstimator:
    return make_pipeline(StandardScaler(), model)


def _both_scaled(model: BaseEstimator) -> BaseEstimator:
    return TransformedTargetRegressor(_scaled(model), transformer=StandardScaler())


CONTENDERS: dict[str, tuple[Callable[[], BaseEstimator], Callable[[], BaseEstimator]]] = {
    "KAN": (lambda: KANRegressor(random_state=0), lambda: KANClassifier(random_state=0)),
    "HGB": (lambda: HistGradientBoostingRegressor(random_state=0), lambda: HistGradientBoostingClassifier(random_state=0)),
    "forest": (lambda: RandomForestRegressor(random_state=0), lambda: RandomForestClassifier(random_state=0)),
    "MLP": (
        lambda: _both_scaled(MLPRegressor(random_state=0)),
        lambda: _scaled(MLPClassifier(random_state=0)),
    ),
    "linear": (lambda: _scaled(Ridge()), lambda: _scaled(LogisticRegression())),
    "SVM": (lambda: _both_scaled(SVR()), lambda: _scaled(CalibratedClassifierCV(SVC(random_state=0), ensemble=False))),
    CONSTANT: (DummyRegressor, DummyClassifier),
}


class Fold(NamedTuple):
    train: Rows
    test: Rows


def folds(name: str) -> Iterator[Fold]:
    """The five folds of a table, shuffled with seed 0, classes in equal shares."""
    x, y = (REGRESSIONS | CLASSES)[name]()
    if len(x) > MOST_ROWS:
        chosen = np.random.default_rng(0).choice(len(x), MOST_ROWS, replace=False)
        x, y = x[chosen], y[chosen]
    kind = StratifiedKFold if name in CLASSES else KFold
    for train, test in kind(FOLDS, shuffle=True, random_state=0).split(x, y):
        yield Fold((x[train], y[train]), (x[test], y[test]))


def score(model: BaseEstimator, test: Rows) -> float:
    """R2, or the log loss of classes."""
    x, y = test
    if is_classifier(model):
        return float(log_loss(y, np.clip(model.predict_proba(x), 1e-12, 1), labels=model.classes_))
    return float(r2_score(y, model.predict(x)))


def measure(folder: Path, name: str, contender: str) -> None:
    """The five folds of one table and contender, unless they are there; warnings are kept beside the scores."""
    path = folder / f"{name} {contender}.csv"
    if path.exists():
        return
    torch.set_num_threads(1)
    rows, intervals = [], contender == "KAN" and name in REGRESSIONS
    for number, fold in enumerate(folds(name)):
        model, clock = CONTENDERS[contender][name in CLASSES](), Clock()
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            model.fit(*fold.train)
            seconds = clock.spent
            value = score(model, fold.test)
            covered = np.mean(_covered(model, fold.test)) if intervals else ""
        about = {"table": name, "rows": len(fold.train[1]), "columns": fold.train[0].shape[1], "contender": contender}
        told = " | ".join(sorted({str(w.message) for w in said})) if contender == "KAN" else ""
        rows.append(about | {"fold": number, "score": value, "seconds": seconds, "covered": covered, "said": told})
    write(path, rows)
    print(f"{name}, {contender}: " + " ".join(f"{row['score']:.3f}" for row in rows), flush=True)


def _covered(model: KANRegressor, test: Rows) -> NDArray:
    """Which targets lie in their 90 % intervals."""
    low, high = model.predict_interval(test[0], 0.9).T
    return (low <= test[1]) & (test[1] <= high)


def main() -> None:
    options = common.arguments(__doc__, _options)
    common.say_where()
    folder = options.out / "tables"
    names = ["food", "iris"] if options.quick else options.only or [*REGRESSIONS, *CLASSES]
    if not options.table:
        with ProcessPoolExecutor(options.workers) as pool:
            list(pool.map(partial(_measured, folder), product(names, options.contenders or CONTENDERS)))
    for title, tables in (("R2 (more is better)", REGRESSIONS), ("Log loss (less is better)", CLASSES)):
        _show(title, folder, [name for name in names if name in tables], tables is CLASSES)
    _show_coverage(folder, [name for name in names if name in REGRESSIONS])


def _options(parser) -> None:
    parser.add_argument("--only", nargs="+", choices=[*REGRESSIONS, *CLASSES], metavar="TABLE", help="all by default")
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, help="all by default")
    parser.add_argument("--workers", type=int, default=1, help="processes, each of one thread")
    parser.add_argument("--table", action="store_true", help="only print the tables of what was measured")


def _measured(folder: Path, what: tuple[str, str]) -> None:
    measure(folder, *what)


def _show(title: str, folder: Path, names: list[str], losses: bool) -> None:
    """Means over folds, the worst fold in brackets, and mean ranks; the constant has no rank."""
    rows, ranks, everybody = [], [], [c for c in CONTENDERS if c != CONSTANT]
    for name in names:
        found = {c: _scores(folder / f"{name} {c}.csv") for c in CONTENDERS}
        rows.append(
            [name, *(f"{v.mean():.3f} ({v.max() if losses else v.min():.3f})" if len(v) else "" for v in found.values())]
        )
        if all(len(found[c]) for c in everybody):
            means = np.array([found[c].mean() for c in everybody])
            ranks.append(pd.Series(means if losses else -means).rank().to_numpy())
    if ranks:
        rows.append(["mean rank", *np.mean(ranks, 0).tolist(), ""])
        common.show(title + ", mean of 5 folds and the worst", ["table", *CONTENDERS], rows)


def _show_coverage(folder: Path, names: list[str]) -> None:
    paths = {name: folder / f"{name} KAN.csv" for name in names}
    rows = {name: [float(row["covered"]) for row in read(path)] for name, path in paths.items() if path.exists()}
    common.show("Rows in their 90 % intervals", ["table", "share"], [[n, float(np.mean(c))] for n, c in rows.items()])


def _scores(path: Path) -> NDArray:
    return np.array([float(row["score"]) for row in read(path)]) if path.exists() else np.array([])


if __name__ == "__main__":
    main()
