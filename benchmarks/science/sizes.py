"""Very many rows, and very rare classes: ``python -m benchmarks.science.sizes``.

100,000 rows of 10 columns and two smooth targets, beside gradient boosting: R2 on 20,000 other rows, whose targets have no
noise. Then eight draws of 1500 rows of which 2.5 % are positive: the area under the curve (AUC) on 20,000 other rows,
beside that of the true probabilities. Settings as they come; seconds of the processor, of one thread.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score

from benchmarks.science import common
from benchmarks.science.common import Clock
from edgewise.estimators import KANClassifier, KANRegressor

ROWS, NEW, COLUMNS = 100_000, 20_000, 10
DRAWS, FEW = 8, 1500
TARGETS: dict[str, tuple[str, Callable[[NDArray], NDArray]]] = {
    "friedman1": (
        "10 sin(pi a b) + 20 (c - 1/2)^2 + 10 d + 5 e, noise 1",
        lambda x: 10 * np.sin(np.pi * x[0] * x[1]) + 20 * (x[2] - 0.5) ** 2 + 10 * x[3] + 5 * x[4],
    ),
    "waves of products": (
        "sin(6 a b) + sin(6 c d) + sin(6 e f) + sin(6 g h) + sin(6 i j), noise 0.3",
        lambda x: np.sin(6 * x[::2] * x[1::2]).sum(0),
    ),
}
NOISE = {"friedman1": 1.0, "waves of products": 0.3}


def many(name: str, count: int) -> list[object]:
    """R2 and seconds of both on one target."""
    draw = np.random.default_rng(0)
    x, new = draw.uniform(size=(count, COLUMNS)), draw.uniform(size=(NEW, COLUMNS))
    truth = TARGETS[name][1]
    y, row = truth(x.T) + NOISE[name] * draw.normal(size=count), [name]
    for model in (KANRegressor(random_state=0), HistGradientBoostingRegressor(random_state=0)):
        clock = Clock()
        model.fit(x, y)
        row += [f"{r2_score(truth(new.T), model.predict(new)):.4f}", clock.spent]
    return row


def rare(seed: int) -> list[object]:
    """The AUC of both, and of the true probabilities."""
    draw = np.random.default_rng(seed)

    def rows(count: int) -> tuple[NDArray, NDArray, NDArray]:
        x = draw.uniform(-1, 1, (count, 3))
        share = 1 / (1 + np.exp(-(4 * x[:, 0] * x[:, 1] - 5 + 2 * x[:, 2])))
        return x, draw.uniform(size=count) < share, share

    (x, y, _), (new, wanted, share) = rows(FEW), rows(NEW)
    models = (KANClassifier(random_state=0), HistGradientBoostingClassifier(random_state=0))
    told = [model.fit(x, y).predict_proba(new)[:, 1] for model in models]
    return [f"{seed}: {y.sum()} positive", *(f"{roc_auc_score(wanted, p):.3f}" for p in (*told, share))]


def main() -> None:
    options = common.arguments(__doc__)
    common.say_where()
    count, draws = (10_000, 2) if options.quick else (ROWS, DRAWS)
    for name, (formula, _) in TARGETS.items():
        print(f"{name}: {formula}")
    columns = ["target", "KAN, R2", "seconds", "HGB, R2", "seconds"]
    common.show(f"{count} rows of {COLUMNS} columns", columns, (many(name, count) for name in TARGETS))
    common.show("AUC at 2.5 % positives", ["draw", "KAN", "HGB", "truth"], (rare(seed) for seed in range(draws)))


if __name__ == "__main__":
    main()
