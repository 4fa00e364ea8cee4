"""Calls with arguments drawn from what may be and what may not: the rules that the docs state, both ways."""

import copy
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

from edgewise import EdgewiseError
from edgewise.bases import Basis, BSpline, Chebyshev, create_basis, list_bases
from edgewise.estimators import KANClassifier, KANRegressor
from edgewise.kan import KAN
from edgewise.nn import (
    GroupRational,
    KANConv2d,
    KANLinear,
    LowRankAttention,
    SaKANConv1d,
    SaKANLinear,
    refine_grid,
    update_grid,
)

COUNT = st.integers(-2, 6)
SHARE = st.sampled_from([-1.0, -1e-9, 0.0, 0.02, 0.5, 1.0, 1.0 + 1e-9, 2.0, math.nan, math.inf])
END = st.sampled_from([-3.0, -1.0, -0.5, 0.0, 1.0, 2.5, math.nan, math.inf, -math.inf])
Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Rule:
    """Arguments of a call, which of them the docs allow, and what must hold of the result."""

    arguments: dict[str, st.SearchStrategy]
    allowed: Callable[[Arguments], bool]
    call: Callable[..., Any]
    holds: Callable[[Any, Arguments], bool] = lambda result, arguments: True

    def check(self, arguments: Arguments) -> None:
        """Allowed arguments work, and others are refused with a reason.

        Raises:
            AssertionError: It is otherwise.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                result = self.call(**copy.deepcopy(dict(arguments)))
                refused = ""
            except EdgewiseError as error:
                result, refused = None, str(error) or "no reason"
        assert refused != "no reason", f"{dict(arguments)} was refused for no reason"
        assert self.allowed(arguments) == (not refused), f"{dict(arguments)} was {refused or 'taken'}"
        assert refused or self.holds(result, arguments), f"{dict(arguments)} gave a wrong result"


def _layer(kind: Callable[..., torch.nn.Module], x: torch.Tensor, **arguments: Any) -> torch.Tensor:
    return kind(**arguments)(x)


def _finite(result: torch.Tensor, arguments: Arguments) -> bool:
    return bool(result.isfinite().all())


def _domain(a: Arguments) -> bool:
    return math.isfinite(a["lo"]) and math.isfinite(a["hi"]) and a["lo"] < a["hi"]


def _spline(grid_size: int, degree: int, lo: float, hi: float, outside: str, knots: Any) -> torch.Tensor:
    basis = BSpline(grid_size, degree, (lo, hi), outside, knots)
    x = torch.linspace(lo, hi, 9, dtype=torch.float64).unsqueeze(1)
    return basis.evaluate(x, basis.init_state(1, dtype=torch.float64))


def _sums_to_one(values: torch.Tensor, a: Arguments) -> bool:
    return bool((values.sum(-1) - 1).abs().max() < 1e-9) and values.shape[-1] == a["grid_size"] + a["degree"]


def _linear(a: Arguments) -> bool:
    return a["in_features"] >= 1 and a["out_features"] >= 1 and a["columns"] == a["in_features"]


def _conv(in_channels: int, out_channels: int, kernel_size: int, stride: int, padding: int, dilation: int, groups: int):
    x = torch.zeros(1, max(in_channels, 1), 7, 7)
    window = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return KANConv2d(in_channels, out_channels, **window)(x)


def _conv_size(a: Arguments) -> int:
    return (7 + 2 * a["padding"] - a["dilation"] * (a["kernel_size"] - 1) - 1) // max(a["stride"], 1) + 1


def _conv_allowed(a: Arguments) -> bool:
    least = min(a["in_channels"], a["out_channels"], a["kernel_size"], a["stride"], a["dilation"], a["groups"]) >= 1
    if not least or a["padding"] < 0:
        return False
    return not (a["in_channels"] % a["groups"] or a["out_channels"] % a["groups"]) and _conv_size(a) >= 1


def _moved(eps: float, margin: float, rows: int, columns: int, value: float) -> torch.Tensor:
    layer, x = KANLinear(2, 2), torch.linspace(-1, 1, rows * columns).reshape(rows, columns)
    if x.numel():
        x[0, 0] = value
    update_grid(layer, x, eps, margin)
    return layer(torch.zeros(1, 2))


def _moved_allowed(a: Arguments) -> bool:
    shape = a["columns"] == 2 and (a["rows"] >= 2 or (a["rows"] == 1 and math.isfinite(a["value"])))
    return shape and 0 <= a["eps"] <= 1 and 0 <= a["margin"] < math.inf


def _refined(before: int, after: int) -> torch.Tensor:
    layer, x = KANLinear(1, 1, BSpline(before)), torch.linspace(-1, 1, 5).unsqueeze(1)
    old = layer(x)
    refine_grid(layer, after)
    return layer(x) - old


_TABLE = np.random.default_rng(0).uniform(-1, 1, (40, 2))


def _fitted(steps: int, starts: int, grid_updates: int, patience: int | None, penalty: float, lr: float | None, optimizer):
    model, x = KAN([2, 1], grid=1), torch.tensor(_TABLE)
    plan = {"steps": steps, "starts": starts, "grid_updates": grid_updates, "patience": patience, "penalty": penalty}
    model.double().fit((x, x.sum(1, keepdim=True)), **plan, lr=lr, optimizer=optimizer, progress=False)
    return model(x)


def _fit_allowed(a: Arguments) -> bool:
    counts = (
        a["steps"] >= 1 and a["starts"] >= 1 and a["grid_updates"] >= 0 and (a["patience"] is None or a["patience"] >= 1)
    )
    rates = 0 <= a["penalty"] < math.inf and (a["lr"] is None or 0 < a["lr"] < math.inf)
    return counts and rates and not (a["optimizer"] == "lm" and a["lr"] is not None)


def _estimated(kind: type, hidden: tuple[int, ...], grid: int, k: int, steps: int, starts: int) -> torch.Tensor:
    y = _TABLE[:, 0] > 0 if kind is KANClassifier else _TABLE[:, 0]
    model = kind(hidden, grid=grid, k=k, steps=steps, starts=starts, penalty=0.01, random_state=0).fit(_TABLE, y)
    return torch.tensor(np.asarray(model.predict(_TABLE), dtype=float))


def _estimator_allowed(a: Arguments) -> bool:
    return min([1, *a["hidden"]]) >= 1 and a["grid"] >= 1 and 1 <= a["k"] <= 5 and a["steps"] >= 1 and a["starts"] >= 1


def _attention(tokens: int, heads: int, rank: int, there: int) -> torch.Tensor:
    operator = LowRankAttention(tokens, heads, rank=rank)
    return operator(*torch.zeros(3, 1, heads, there, 4))


def _basis(name: str, settings: dict[str, Any]) -> Basis:
    return create_basis(name, **settings)


RULES = {
    "B-splines": Rule(
        {"grid_size": COUNT, "degree": st.integers(-1, 7), "lo": END, "hi": END,
         "outside": st.sampled_from(["zero", "clamp", "linear", "repeat", ""]),
         "knots": st.sampled_from(["uniform", "per-feature", "even"])},
        lambda a: a["grid_size"] >= 1 and 0 <= a["degree"] <= 5 and _domain(a) and a["knots"] != "even"
        and a["outside"] in ("zero", "clamp", "linear") and not (a["outside"] == "linear" and a["degree"] < 2),
        _spline, _sums_to_one,
    ),
    "Chebyshev polynomials": Rule(
        {"degree": COUNT, "lo": END, "hi": END}, lambda a: a["degree"] >= 0 and _domain(a),
        lambda degree, lo, hi: Chebyshev(degree, (lo, hi)).evaluate(torch.zeros(2, 1)), _finite,
    ),
    "bases by name": Rule(
        {"name": st.sampled_from([*list_bases(), "spline", ""]),
         "settings": st.sampled_from([{}, {"colour": 1}, {"domain": (1, 0)}, {"outside": "sideways"}])},
        lambda a: a["name"] in list_bases() and not a["settings"], _basis,
    ),
    "KANLinear": Rule(
        {"in_features": COUNT, "out_features": COUNT, "columns": st.integers(1, 4)}, _linear,
        lambda columns, **a: _layer(KANLinear, torch.zeros(2, columns), **a),
        lambda y, a: y.shape == (2, a["out_features"]) and _finite(y, a),
    ),
    "SaKANLinear": Rule(
        {"in_features": COUNT, "out_features": COUNT, "columns": st.integers(1, 4)}, _linear,
        lambda columns, **a: _layer(SaKANLinear, torch.zeros(2, columns), **a), _finite,
    ),
    "KANConv2d": Rule(
        {"in_channels": COUNT, "out_channels": COUNT, "kernel_size": COUNT, "stride": COUNT, "padding": st.integers(-1, 2),
         "dilation": st.integers(-1, 3), "groups": st.integers(-1, 3)},
        _conv_allowed, _conv, lambda y, a: y.shape == (1, a["out_channels"], _conv_size(a), _conv_size(a)),
    ),
    "SaKANConv1d": Rule(
        {"in_channels": COUNT, "out_channels": COUNT, "kernel_size": COUNT},
        lambda a: min(a["in_channels"], a["out_channels"], a["kernel_size"]) >= 1,
        lambda in_channels, **a: SaKANConv1d(in_channels, **a)(torch.zeros(1, max(in_channels, 1), 7)), _finite,
    ),
    "GroupRational": Rule(
        {"channels": COUNT, "groups": COUNT, "m": st.integers(-1, 6), "n": st.integers(-1, 5),
         "reading": st.sampled_from(["sum", "terms", "both"])},
        lambda a: min(a["channels"], a["groups"], a["m"], a["n"]) >= 1 and a["channels"] % a["groups"] == 0
        and a["reading"] != "both",
        lambda channels, groups, m, n, reading: GroupRational(channels, groups, (m, n), reading=reading, start="identity")(
            torch.ones(2, max(channels, 1))), _finite,
    ),
    "attention of low rank": Rule(
        {"tokens": COUNT, "heads": st.integers(1, 3), "rank": COUNT, "there": st.integers(1, 6)},
        lambda a: min(a["tokens"], a["rank"]) >= 1 and a["tokens"] == a["there"] and a["rank"] <= a["tokens"],
        _attention, _finite,
    ),
    "update_grid": Rule(
        {"eps": SHARE, "margin": SHARE, "rows": st.integers(0, 5), "columns": st.integers(1, 3),
         "value": st.sampled_from([0.0, math.nan, math.inf, -math.inf])},
        _moved_allowed, _moved, _finite,
    ),
    "refine_grid": Rule(
        {"before": st.integers(1, 5), "after": st.integers(-1, 12)}, lambda a: a["after"] >= a["before"], _refined,
        lambda change, a: bool(change.abs().max() < 1e-4) or a["after"] % a["before"] != 0,
    ),
    "KAN": Rule(
        {"width": st.lists(COUNT, max_size=4), "grid": st.one_of(st.none(), COUNT),
         "k": st.one_of(st.none(), st.integers(-1, 7))},
        lambda a: len(a["width"]) >= 2 and min(a["width"], default=0) >= 1 and (a["grid"] is None or a["grid"] >= 1)
        and (a["k"] is None or 0 <= a["k"] <= 5),
        lambda width, grid, k: KAN(width, grid=grid, k=k)(torch.zeros(2, max(width[0], 0))),
        lambda y, a: y.shape == (2, a["width"][-1]) and _finite(y, a),
    ),
    "KAN.fit": Rule(
        {"steps": st.integers(-1, 2), "starts": st.integers(-1, 2), "grid_updates": st.integers(-2, 3),
         "patience": st.sampled_from([None, -1, 0, 1]), "penalty": st.sampled_from([0.0, 1e-3, -1.0, math.nan, math.inf]),
         "lr": st.sampled_from([None, None, 0.01, 0.0, -1.0, math.nan, math.inf]),
         "optimizer": st.sampled_from(["lm", "lbfgs", "adam"])},
        _fit_allowed, _fitted, _finite,
    ),
    **{
        kind.__name__: Rule(
            {"hidden": st.sampled_from([(), (1,), (2,), (0,), (-1,)]), "grid": st.integers(-1, 2), "k": st.integers(-1, 7),
             "steps": st.integers(-1, 2), "starts": st.integers(-1, 2)},
            _estimator_allowed, lambda kind=kind, **a: _estimated(kind, **a), _finite,
        )
        for kind in (KANRegressor, KANClassifier)
    },
}  # fmt: skip
COSTLY = ("KAN.fit", "KANRegressor", "KANClassifier")
