"""Laws of motion from measured series, beside SINDy: ``python -m benchmarks.science.dynamics``.

Van der Pol, Lotka-Volterra and a pendulum with friction, 1000 states each, noise of 0, 1 and 5 % of their spread, four
draws: how often all terms of all laws are right and no others. Both try products of up to three states, sines and cosines.
SINDy is that of pysindy (``pip install pysindy``), with smoothed finite differences and its threshold of 0.1; it is left
out if it is not there.
"""

import importlib.util
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.science import common
from benchmarks.science.common import Clock
from edgewise.physics import discover_dynamics

MOTIONS = {
    "van der Pol": (lambda t, y: [y[1], (1 - y[0] ** 2) * y[1] - y[0]], [2, 0], 20, [{"y"}, {"x", "y", "x**2*y"}]),
    "Lotka-Volterra": (
        lambda t, y: [1.5 * y[0] - y[0] * y[1], -3 * y[1] + y[0] * y[1]],
        [2, 1],
        10,
        [{"x", "x*y"}, {"y", "x*y"}],
    ),
    "pendulum": (lambda t, y: [y[1], -2 * np.sin(y[0]) - 0.2 * y[1]], [2.5, 0], 20, [{"y"}, {"y", "sin(x)"}]),
}
NOISES = (0.0, 0.01, 0.05)


def measured(name: str, noise: float, seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    from scipy.integrate import solve_ivp

    rate, first, end, _ = MOTIONS[name]
    t = np.linspace(0, end, count)
    x = solve_ivp(rate, (0, end), first, t_eval=t, rtol=1e-10, atol=1e-12).y.T
    return t, x + noise * x.std(0) * np.random.default_rng(seed).standard_normal(x.shape)


def ours(t: np.ndarray, x: np.ndarray) -> list[set[str]]:
    found = discover_dynamics(torch.tensor(t), torch.tensor(x), names=("x", "y"))
    return [set(law.terms) for law in found.laws]


def sindy(t: np.ndarray, x: np.ndarray) -> list[set[str]]:
    import pysindy

    waves = [lambda x: np.sin(x), lambda x: np.cos(x)]
    named = [lambda x: f"sin({x})", lambda x: f"cos({x})"]
    parts = [pysindy.PolynomialLibrary(degree=3), pysindy.CustomLibrary(library_functions=waves, function_names=named)]
    slopes, chosen = pysindy.SmoothedFiniteDifference(), pysindy.STLSQ(threshold=0.1)
    model = pysindy.SINDy(
        optimizer=chosen, feature_library=pysindy.GeneralizedLibrary(parts), differentiation_method=slopes
    )
    model.fit(x, t=t[1] - t[0], feature_names=["x", "y"])
    labels = [label.replace(" ", "*").replace("^", "**") for label in model.get_feature_names()]
    return [{label for label, number in zip(labels, row, strict=True) if number} for row in model.coefficients()]


def main() -> None:
    options = common.arguments(__doc__)
    common.say_where()
    draws, count = (1, 200) if options.quick else (4, 1000)
    contenders: dict[str, Callable[[np.ndarray, np.ndarray], list[set[str]]]] = {"ours": ours}
    if importlib.util.find_spec("pysindy"):
        contenders["SINDy"] = sindy
    rows = []
    for name, find in contenders.items():
        for motion in MOTIONS:
            for noise in NOISES:
                clock, right = Clock(), 0
                for seed in range(draws):
                    right += find(*measured(motion, noise, seed, count)) == MOTIONS[motion][3]
                row = {"contender": name, "motion": motion, "noise": noise, "right": right, "of": draws}
                rows.append({**row, "seconds": clock.spent / draws})
                print(rows[-1], flush=True)
    common.write(options.out / "dynamics.csv", rows)
    common.show("Laws of motion", ("", "motion", "noise", "right", "of", "seconds"), [list(row.values()) for row in rows])


if __name__ == "__main__":
    main()
