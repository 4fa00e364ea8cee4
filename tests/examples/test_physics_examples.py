"""The examples of physics at a small size, and the formulas they are measured by."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from edgewise._ground.cache import cache_folder

EXAMPLES = Path(__file__).parents[2] / "examples"
BURGERS = cache_folder() / "Burgers.npz"  # examples/dataset/Burgers.npz of the source archive of deepxde 1.15.0


def example(name: str) -> dict:
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


@pytest.mark.slow
def test_poisson(tmp_path):
    error = example("poisson")["main"](15, (2, 4, 1), degree=4, grids=(4, 8), steps=10, picture=tmp_path / "p.png")
    assert error < 3e-3
    assert (tmp_path / "p.png").stat().st_size > 10_000


@pytest.mark.slow
def test_burgers(tmp_path):
    small = {"width": (2, 4, 1), "stages": ((2, 5), (1, 8)), "points": 300, "steps": 10}
    error = example("burgers")["main"](0.1 / np.pi, picture=tmp_path / "b.png", **small)
    assert error < 2e-2
    assert (tmp_path / "b.png").stat().st_size > 10_000


def test_continual_learning(tmp_path):
    splines, dense = example("continual_learning")["main"](3, 200, grid=120, steps=150, picture=tmp_path / "c.png")
    assert splines < 1e-5
    assert dense > 0.05
    assert (tmp_path / "c.png").stat().st_size > 10_000


@pytest.mark.slow
def test_continual_learning_at_the_size_of_pykan():
    splines, dense = example("continual_learning")["main"]()
    assert splines < 5e-6
    assert dense > 0.1


def test_the_code_in_the_page_runs():
    page = (EXAMPLES.parent / "docs" / "physics.md").read_text(encoding="utf-8")
    known, unknown, *others = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    names = {}
    exec(compile(known, "physics.md", "exec"), names)
    assert names["course"].test_rmse[-1] < 1e-6
    exec(compile(unknown, "physics.md", "exec"), names)
    error = names["standard_errors"](names["model"], names["problem"], measured=["data"])["k"].item()
    assert abs(names["model"].k.item() - 4) < 2 * error < 0.04
    for block in others:
        exec(compile(block, "physics.md", "exec"), names)
    assert names["error"] < 1e-4
    assert names["miss"] < 1e-3
    assert names["drift"] < 5e-3
    hunt = solve_ivp(
        lambda _, y: [y[0] * (1.5 - y[1]), y[1] * (y[0] - 3)],
        (0, 10),
        [2, 1],
        t_eval=names["ticks"][:, 0].numpy(),
        rtol=1e-10,
        atol=1e-12,
    )
    np.testing.assert_allclose(names["populations"].numpy(), hunt.y.T, rtol=0, atol=1e-4)
    np.testing.assert_allclose(names["at_once"].numpy(), hunt.y.T, rtol=0, atol=1e-4)
    assert names["course"].reached["law"][-1] == 10
    assert [set(law.terms) for law in names["found"].laws] == [{"hare", "hare*lynx"}, {"lynx", "hare*lynx"}]


def cole_hopf(*arguments, **options):
    return example("burgers")["cole_hopf"](*arguments, **options)


def test_the_formula_fulfils_burgers_equation():
    viscosity, h = 0.05, 1e-3
    x, t = np.meshgrid(np.linspace(-0.9, 0.9, 7), np.linspace(0.1, 0.9, 5))

    def u(dx=0.0, dt=0.0):
        return cole_hopf(x + dx, t + dt, viscosity)

    by_t = (8 * (u(dt=h) - u(dt=-h)) - (u(dt=2 * h) - u(dt=-2 * h))) / (12 * h)
    by_x = (8 * (u(h) - u(-h)) - (u(2 * h) - u(-2 * h))) / (12 * h)
    twice = (16 * (u(h) + u(-h)) - (u(2 * h) + u(-2 * h)) - 30 * u()) / (12 * h**2)
    np.testing.assert_allclose(by_t + u() * by_x, viscosity * twice, rtol=0, atol=1e-7)


def test_the_formula_starts_from_a_sine_and_is_odd():
    x = np.linspace(-1, 1, 21)
    np.testing.assert_allclose(cole_hopf(x, 0 * x, 0.01 / np.pi), -np.sin(np.pi * x), rtol=0, atol=1e-13)
    at = cole_hopf(x, 0 * x + 0.5, 0.01 / np.pi)
    np.testing.assert_allclose(at, -at[::-1], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("x", "t"), [(0.02, 0.4), (0.3, 0.9), (-0.7, 0.1)])
def test_the_quadrature_is_the_integral(x, t):
    viscosity = 0.01 / np.pi

    def density(z):
        y = x - 2 * np.sqrt(viscosity * t) * z
        return np.exp(-(np.cos(np.pi * y) + 1) / (2 * np.pi * viscosity) - z**2)

    def flow(z):
        return np.sin(np.pi * (x - 2 * np.sqrt(viscosity * t) * z)) * density(z)

    above, below = (quad(f, -12, 12, limit=500, epsabs=0, epsrel=1e-11, points=[-6, 0, 6])[0] for f in (flow, density))
    assert cole_hopf(x, t, viscosity) == pytest.approx(-above / below, abs=1e-9)


@pytest.mark.skipif(not BURGERS.is_file(), reason=f"no {BURGERS}")
def test_the_formula_is_the_reference_others_use():
    data = np.load(BURGERS)
    x, t = np.meshgrid(data["x"][:, 0], data["t"][:, 0], indexing="ij")
    np.testing.assert_allclose(cole_hopf(x, t, 0.01 / np.pi), data["usol"], rtol=0, atol=1e-9)
