import copy
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise._ground.errors import ConfigError, DataError, NonFiniteError
from edgewise.bases import BSpline, Chebyshev
from edgewise.kan import FUNCTIONS, KAN, register_function
from edgewise.kan.functions import function, select
from edgewise.kan.interpret.curves import edge_curve
from edgewise.kan.interpret.symbolic import Candidate, auto_symbolic, choose, pareto, suggest_symbolic
from edgewise.testing import assert_within

RANGES = {  # of a x + b for x from 0 to 1, wide enough that no other function passes for it
    "sqrt": (0.02, 4.0), "x^1.5": (0.0, 4.0), "1/sqrt(x)": (0.1, 5.0), "log": (0.05, 5.0), "1/x": (0.1, 3.0),
    "1/x^2": (0.2, 3.0), "1/x^3": (0.3, 3.0), "1/x^4": (0.4, 3.0), "1/x^5": (0.5, 3.0), "tan": (-1.4, 1.3),
    "arcsin": (-0.99, 0.98), "arccos": (-0.98, 0.99), "arctanh": (-0.98, 0.97), "sin": (-4.0, 3.0), "cos": (-2.0, 4.0),
    "gaussian": (-1.5, 3.0), "exp": (-3.0, 3.0), "tanh": (-2.0, 4.0), "arctan": (-2.0, 6.0), "abs": (-2.0, 1.5),
}  # fmt: skip


def with_edge(name: str, dtype=torch.float64, c: float = -1.5, d: float = 0.25) -> KAN:
    """One edge with that function, on inputs from 0 to 1."""
    low, high = RANGES.get(name, (-2.0, 3.0))
    model = KAN([1, 1], symbolic=True).to(dtype)
    model.fix_symbolic(0, 0, 0, name, (high - low, low, c, d))
    return model


def names(candidates) -> list[str]:
    return [c.name for c in candidates]


SMOOTH = [f.name for f in select(None) if f.name not in ("0", "sgn")]


@pytest.mark.parametrize(
    ("name", "dtype"),
    [*((name, torch.float64) for name in SMOOTH), *((name, torch.float32) for name in ("x", "sqrt", "exp", "sin", "abs"))],
)
def test_suggests_the_function_of_an_edge_and_its_numbers(name, dtype):
    model, x = with_edge(name, dtype), torch.rand(300, 1, dtype=dtype)
    before = copy.deepcopy(model.state_dict())
    tried = list(dict.fromkeys([name, "x", "sin", "gaussian", "1/x"]))
    candidates = suggest_symbolic(model, x, 0, 0, 0, tried, top=100)
    assert set(names(candidates)) == set(tried)
    assert [c.error for c in candidates] == sorted(c.error for c in candidates)
    own = next(c for c in candidates if c.name == name)
    assert own.error < 1e-6
    assert own.r2 == 1 - own.error
    a, b, c, d = own.affine
    t = x.double().squeeze(1)
    curve = edge_curve(copy.deepcopy(model).double()[0], 0, 0, t).detach()
    assert ((c * function(name)(a * t + b) + d - curve) / curve.std()).abs().max() < 2e-2
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())


def numeric(function, dtype=torch.float64, basis=BSpline(30, 3), domain=(0.0, 1.0)) -> KAN:  # noqa: B008 (frozen)
    """One edge whose spline is a function."""
    model = KAN([1, 1], basis, base=None).to(dtype)
    t = torch.linspace(-1, 1, 400, dtype=torch.float64).unsqueeze(1)
    matrix = model[0].edge_features(t.to(dtype))[:, 0].double()
    with torch.no_grad():
        model[0].coef.copy_((torch.linalg.pinv(matrix) @ function(t)).unsqueeze(0))
    return model


@pytest.mark.parametrize(("basis", "dtype"), [(BSpline(30, 3), torch.float32), (Chebyshev(12), torch.float64)], ids=str)
def test_a_spline_becomes_the_formula_it_has_learned(basis, dtype):
    model, x = numeric(lambda t: 2 * torch.sin(3 * t + 0.5) - 1, dtype, basis), 2 * torch.rand(200, 1, dtype=dtype) - 1
    (choice,) = auto_symbolic(model, x)
    assert (choice.layer, choice.into, choice.out) == (0, 0, 0)
    assert choice.candidate.name == "sin"
    assert set(names(choice.candidates)) == set(names(select(None)))
    assert not model[0].mask.any()
    assert model[0].symbolic.name(0, 0) == "sin"
    assert_within(model(x).detach(), 2 * torch.sin(3 * x + 0.5) - 1, 1e-3)
    assert auto_symbolic(model, x) == []  # nothing numeric is left


def test_of_equally_good_ones_the_simplest_and_of_equally_simple_ones_the_first():
    x = 2 * torch.rand(200, 1).double() - 1
    found = auto_symbolic(numeric(lambda t: 3 * t + 1), x, ["x^2", "sin", "x", "tanh"])[0].candidate
    assert found.name == "x"
    assert found.affine == pytest.approx((1, 0, 3, 1), abs=1e-9)
    shifted = numeric(lambda t: torch.cos(3 * t))  # a sine too
    assert auto_symbolic(shifted, x, ["cos", "sin"])[0].candidate.name == "cos"
    shifted.unfix_symbolic(0, 0, 0)
    assert auto_symbolic(shifted, x, ["sin", "cos"])[0].candidate.name == "sin"


def test_how_much_a_simpler_function_may_cost():
    x, tried = 2 * torch.rand(300, 1).double() - 1, ["x", "tan", "exp"]
    curved = numeric(lambda t: t + 0.02 * t**3)
    errors = {c.name: c.error for c in suggest_symbolic(curved, x, 0, 0, 0, tried)}
    assert errors["x"] > 1e-6
    ratio = errors["x"] / max(min(errors.values()), 1e-9)
    assert auto_symbolic(copy.deepcopy(curved), x, tried, worse=ratio * 1.01)[0].candidate.name == "x"
    assert auto_symbolic(copy.deepcopy(curved), x, tried, worse=ratio * 0.99)[0].candidate.name != "x"


@pytest.mark.parametrize(("bend", "name"), [(3e-4, "x"), (6e-4, "exp")])
def test_a_line_is_one_up_to_what_a_spline_can_be_known(bend, name):
    """A line leaves bend^2 / 15 of the variance over: beyond ten times 1e-9 a function that leaves less is better."""
    x = 2 * torch.rand(300, 1).double() - 1
    bent = numeric(lambda t: torch.exp(bend * t) / bend)
    found = {c.name: c for c in suggest_symbolic(bent, x, 0, 0, 0, ["x", "exp"])}
    assert found["x"].error == pytest.approx(bend**2 / 15, rel=0.05)
    assert found["exp"].error < 1e-12
    assert auto_symbolic(bent, x, ["x", "exp"])[0].candidate.name == name


def test_an_edge_is_judged_where_its_samples_are():
    """A line where 400 rows are, and waves where one is: a line."""
    x = torch.cat([-torch.rand(400, 1), torch.ones(1, 1)]).double()
    model = numeric(lambda t: torch.where(t < 0, t, t + 1.4 * torch.sin(4 * t)), basis=BSpline(60, 3))
    (choice,) = auto_symbolic(model, x, ["x"], min_r2=0.8)
    assert choice.candidate is not None
    assert choice.candidate.affine[2] == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("slope", [2.0, 3.0, 5.0])
def test_and_a_little_where_there_are_none(slope):
    """Rows at five even places cannot tell a slow wave from a fast one: what lies between them does."""
    x = torch.linspace(-1, 1, 5).double().repeat(30).unsqueeze(1)
    wave = numeric(lambda t: torch.cos(slope * t + 0.3), basis=BSpline(60, 3))
    (best,) = suggest_symbolic(wave, x, 0, 0, 0, ["cos"])
    assert abs(best.affine[0]) == pytest.approx(slope, abs=1e-3)


def test_an_edge_that_nothing_fits_stays_as_it_is():
    model, x = numeric(lambda t: torch.sin(12 * t) + torch.sin(5 * t)), 2 * torch.rand(300, 1).double() - 1
    before = copy.deepcopy(model.state_dict())
    (choice,) = auto_symbolic(model, x, ["x", "x^2", "exp"])
    assert choice.candidate is None
    assert len(choice.candidates) == 3
    assert max(c.r2 for c in choice.candidates) < 0.8
    assert all(torch.equal(t, before[n]) for n, t in model.state_dict().items() if n in before)
    (choice,) = auto_symbolic(model, x, ["x", "x^2", "exp"], min_r2=0.0)
    assert choice.candidate is not None


def test_only_numeric_edges_that_are_not_cut_are_chosen_for():
    model, x = KAN([3, [1, 1], 1]).double(), torch.rand(100, 3, dtype=torch.float64)
    mask = torch.ones(3, 3, dtype=torch.bool)
    mask[0, 0] = mask[2, 1] = False
    model[0].set_mask(mask)
    model.fix_symbolic(0, 2, 1, "gaussian", (2.0, 0.0, 1.0, 0.0))
    choices = auto_symbolic(model, x, ["x", "x^2"], min_r2=0.0)
    assert [(c.layer, c.out, c.into) for c in choices] == [
        (0, 0, 1), (0, 0, 2), (0, 1, 0), (0, 1, 1), (0, 2, 0), (0, 2, 2), (1, 0, 0), (1, 0, 1),
    ]  # fmt: skip
    assert model[0].symbolic.name(1, 2) == "gaussian"
    assert model[0].symbolic.affine[1, 2].tolist() == [2, 0, 1, 0]
    assert not model[0].mask.any()
    assert model(x).isfinite().all()


def test_from_data_to_the_formula():
    """exp(sin(pi x) + y^2): fitted, named, and fitted again, to the last digits."""
    torch.manual_seed(1)
    x = 2 * torch.rand(1000, 2, dtype=torch.float64) - 1
    y = torch.exp(torch.sin(torch.pi * x[:, 0]) + x[:, 1] ** 2)
    model = KAN([2, 1, 1], grid=5).double()
    model.fit((x, y), optimizer="lm", steps=30, starts=2)
    found = {(c.layer, c.into): c.candidate.name for c in auto_symbolic(model, x)}
    assert found == {(0, 0): "sin", (0, 1): "x^2", (1, 0): "exp"}
    history = model.fit((x, y), optimizer="lm", steps=20, grid_updates=0)
    assert history.rmse[-1] < 1e-10
    assert abs(model[0].symbolic.affine[0, 0, 0].item()) == pytest.approx(torch.pi, rel=1e-8)


def test_a_constant_edge_becomes_a_constant():
    for dtype in (torch.float32, torch.float64):
        model = KAN([2, 1], base=None).to(dtype)
        with torch.no_grad():
            model[0].coef.copy_(torch.tensor([0.7, 0.0]).view(2, 1, 1).expand(2, 8, 1))
        choices = auto_symbolic(model, 2 * torch.rand(100, 2, dtype=dtype) - 1, ["x", "0", "sin"])
        assert names(c.candidate for c in choices) == ["0", "0"]
        for choice, value in zip(choices, (0.7, 0.0), strict=True):
            assert choice.candidate.affine == pytest.approx((1, 0, 0, value), abs=1e-6)
        assert_within(model(torch.rand(5, 2, dtype=dtype)).detach(), torch.full((5, 1), 0.7, dtype=dtype), 1e-6)


def test_inputs_that_never_change_are_survived():
    model, x = KAN([2, 2, 1]).double(), torch.rand(100, 2, dtype=torch.float64)
    x[:, 1] = 0.3
    before = model(x).detach()
    for choice in auto_symbolic(model, x, ["x", "x^2", "sin", "log"]):
        assert choice.candidate is None or torch.tensor(choice.candidate.affine).isfinite().all()
    assert (model(x) - before).std() < 0.2 * before.std()


def test_edges_behind_numbers_that_are_not_finite():
    """A logarithm that some rows leave undefined: the edge behind it is fitted where it has inputs."""
    model, x = KAN([1, 1, 1]).double(), torch.rand(200, 1, dtype=torch.float64) - 0.3
    model.fix_symbolic(0, 0, 0, "log", (1.0, 0.0, 0.2, 0.0))
    tried = ["x", "x^2", "sin", "gaussian"]
    best = suggest_symbolic(model, x, 1, 0, 0, tried)[0]
    assert best.r2 > 0.9
    assert len(suggest_symbolic(model, x[x < 0].unsqueeze(1), 1, 0, 0, tried)) == 4  # and where it has none, by its curve


def test_restricted_libraries_and_how_many():
    model, x = with_edge("sin"), torch.rand(100, 1, dtype=torch.float64)
    assert set(names(suggest_symbolic(model, x, 0, 0, 0, ["exp", "x^2"]))) == {"exp", "x^2"}
    assert names(suggest_symbolic(model, x, 0, 0, 0, [FUNCTIONS["sin"]])) == ["sin"]
    assert len(suggest_symbolic(model, x, 0, 0, 0)) == 5
    assert len(suggest_symbolic(model, x, 0, 0, 0, ["x", "x^2", "x^3"], top=2)) == 2


def test_a_registered_function_is_found():
    register_function("bump", lambda t: 1 / (1 + t**4), 3, "1/(1 + x**4)")
    try:
        model, x = (
            numeric(lambda t: 2 / (1 + (3 * t + 0.5) ** 4), basis=BSpline(60, 3)),
            2 * torch.rand(300, 1).double() - 1,
        )
        (choice,) = auto_symbolic(model, x)
        assert choice.candidate.name == "bump"
        a, b, c, _ = choice.candidate.affine
        assert (abs(a), a * b, c) == pytest.approx((3, 1.5, 2), rel=0.01)
    finally:
        FUNCTIONS.pop("bump")


def test_columns_that_the_network_looks_at_and_tables_of_other_types():
    model = KAN([1, 1], inputs=[2], symbolic=True)
    model.fix_symbolic(0, 0, 0, "exp", (2.0, 0.0, 1.0, 0.0))
    x = torch.rand(100, 4, dtype=torch.float64)
    assert suggest_symbolic(model, x.numpy(), 0, 0, 0, ["x", "exp"])[0].error < 1e-8
    assert model[0].coef.dtype == torch.float32


@pytest.mark.parametrize("edge", [(2, 0, 0), (-1, 0, 0), (0, 2, 0), (0, 0, 3), (0, -1, 0)])
def test_edges_that_are_not_there_are_refused(edge):
    with pytest.raises(ConfigError, match=r"layer must be from 0 to 1|no edge from input"):
        suggest_symbolic(KAN([2, 3, 1]), torch.rand(10, 2), *edge)


@pytest.mark.parametrize(
    "call", [auto_symbolic, lambda *arguments: suggest_symbolic(*arguments[:2], 0, 0, 0, *arguments[2:])]
)
def test_what_cannot_be_read_is_refused_and_the_model_untouched(call):
    model = KAN([2, 3, 1])
    before = copy.deepcopy(model.state_dict())
    for x, error in (
        (torch.rand(10, 3), ConfigError),
        (torch.rand(0, 2), DataError),
        (torch.rand(10, 2).log_().fill_(torch.nan), NonFiniteError),
    ):
        with pytest.raises(error):
            call(model, x)
    with pytest.raises(ConfigError, match="unknown function 'sinus'"):
        call(model, torch.rand(10, 2), ["x", "sinus"])
    assert list(model.state_dict()) == list(before)
    assert all(torch.equal(t, before[n]) for n, t in model.state_dict().items())


CANDIDATES = st.lists(
    st.builds(
        Candidate,
        st.text("abc", min_size=1, max_size=2),
        st.sampled_from([0.0, 1e-12, 1e-6, 0.1, 0.5, 1.0, float("inf")]),
        st.integers(0, 4),
        st.just((1.0, 0.0, 1.0, 0.0)),
    ),
    max_size=8,
)


@given(CANDIDATES)
@settings(max_examples=200, deadline=None)
def test_front_of_pareto(candidates):
    marked = pareto(candidates)
    assert [(c.name, c.error, c.complexity) for c in marked] == [(c.name, c.error, c.complexity) for c in candidates]
    front = [(c.complexity, c.error) for c in marked if c.efficient]
    for c in marked:  # each is on the front, or beaten by one that is
        beats = [f for f in front if f[0] <= c.complexity and f[1] <= c.error and f != (c.complexity, c.error)]
        assert c.efficient == (not beats)
    steps = sorted(set(front))
    assert all(a[0] < b[0] and a[1] > b[1] for a, b in pairwise(steps))


@given(CANDIDATES, st.sampled_from([1.0, 10.0, 1e3]))
@settings(max_examples=200, deadline=None)
def test_choice(candidates, worse):
    chosen = choose(candidates, worse)
    finite = [c for c in candidates if c.error < float("inf")]
    if not finite:
        assert chosen is None
        return
    best = max(min(c.error for c in finite), 1e-9)
    allowed = [c for c in finite if c.error <= worse * best]
    assert chosen is next(c for c in allowed if c.complexity == min(a.complexity for a in allowed))


def test_an_edge_with_a_curve_and_a_formula_gets_one_for_both():
    model, x = KAN([1, 1], base=None).double(), 2 * torch.rand(100, 1).double() - 1
    with torch.no_grad():
        model[0].coef.copy_(torch.linspace(0, 1, 8).reshape(1, 8, 1))  # a straight line
    model.fix_symbolic(0, 0, 0, "x", (1.0, 0.0, 2.0, 5.0))
    model[0].set_mask(torch.ones(1, 1, dtype=torch.bool))
    before = model(x).detach()
    assert [choice.taken.name for choice in auto_symbolic(model, x)] == ["x"]
    assert not model[0].mask.any()
    assert torch.allclose(model(x), before)
