"""The contract of bases, generated for every registered one; and for B-splines of every degree, on all kinds of knots."""

import importlib
import inspect
import pkgutil
from dataclasses import replace

import pytest
import torch

import edgewise.bases
from edgewise.bases import (
    Basis,
    Bernstein,
    BSpline,
    Gegenbauer,
    Gram,
    Hermite,
    Jacobi,
    Laguerre,
    Legendre,
    Rational,
    ReLUKAN,
    Squashed,
    Wavelet,
    create_basis,
    list_bases,
)
from edgewise.bases.basis import BASES
from edgewise.bases.wavelet import KINDS
from edgewise.testing import BasisContract
from tests.contract.oracles import ORACLES, bspline, oracle_of


class Learned:
    """Numbers that learn are no longer what they start from, nor the same for all features."""

    def state(self, dtype=torch.float64):
        state = super().state(torch.float64)
        for name, tensor in state.items():
            if isinstance(tensor, torch.nn.Parameter):
                state[name] = torch.nn.Parameter(tensor.detach() + 0.3 * torch.randn_like(tensor))
        return {name: tensor.detach().to(dtype) for name, tensor in state.items()}


def contract(title: str, basis: Basis) -> type:
    (name,) = (name for name in BASES if BASES[name] is type(basis))
    return type(f"Test_{title}", (Learned, BasisContract), {"basis": basis, "oracle": staticmethod(oracle_of(name, basis))})


for registered in list_bases():
    globals()[f"Test_{registered}"] = contract(registered, create_basis(registered))
    moved = replace(create_basis(registered), domain=(-0.5, 3.0))
    globals()[f"Test_{registered}_on_another_domain"] = pytest.mark.slow(contract(registered, moved))

SETTINGS = {
    "bernstein_of_degree_9": Bernstein(9),
    "gegenbauer_of_steep_weight": Gegenbauer(7, alpha=-0.3),
    "gram_of_degree_1": Gram(1),
    "gram_on_few_points": Gram(7, num_points=8),
    "hermite_of_degree_8": Hermite(8),
    "jacobi_of_opposite_exponents": Jacobi(6, alpha=0.3, beta=-0.3),
    "jacobi_of_steep_weight": Jacobi(6, alpha=-0.9, beta=2.0),
    "laguerre_of_degree_9": Laguerre(9),
    "legendre_of_degree_0": Legendre(0),
    "rational_of_odd_degrees": Rational(2, 3),
    "relu_kan_of_power_4": ReLUKAN(3, span=2, power=4),
    "sigmoid_of_wavelets": Squashed(Wavelet("dog", num_wavelets=3), by="sigmoid"),
    "arctan_of_splines": Squashed(BSpline(knots="per-feature"), by="arctan"),
} | {f"wavelet_{kind}": Wavelet(kind, num_wavelets=3) for kind in KINDS}
for title, basis in SETTINGS.items():
    globals()[f"Test_{title}"] = pytest.mark.slow(contract(title, basis))
    globals()[f"Test_{title}"].test_compiled_equals_eager = None  # the code of the settings above


class Spline:
    def oracle(self, x, knots=None):
        return bspline(self.basis, x, knots)


class OnUniformKnots(Spline):
    def breaks(self, state):
        lo, hi = self.basis.domain
        steps = torch.arange(-self.basis.degree, self.basis.grid_size + self.basis.degree + 1, dtype=torch.float64)
        return (lo + steps * (hi - lo) / self.basis.grid_size).unsqueeze(-1).repeat(1, self.features)


class OnRandomKnots(Spline):
    def state(self, dtype=torch.float64):
        knots = super().state()["knots"]
        spacing = knots.diff(dim=-1)
        moved = knots[:, :1] + (spacing * (0.3 + 1.4 * torch.rand_like(spacing))).cumsum(-1)
        return {"knots": torch.cat([knots[:, :1], moved], -1).to(dtype)}


class OnCoincidingKnots(Spline):
    """Double knots inside for the first feature, all outer knots at the ends for the second, evenly spaced for others."""

    def state(self, dtype=torch.float64):
        knots = super().state()["knots"]
        degree = self.basis.degree
        knots[0, degree + 2] = knots[0, degree + 1]
        knots[1, :degree], knots[1, -degree - 1 :] = knots[1, degree], knots[1, -degree - 1]
        return {"knots": knots.to(dtype)}

    test_compiled_equals_eager = None  # the code of random knots

    def breaks(self, state):
        return torch.empty(0, self.features)


for degree in range(6):
    for kind, knots, where in (
        ("uniform", "uniform", OnUniformKnots),
        ("random", "per-feature", OnRandomKnots),
        ("coinciding", "per-feature", OnCoincidingKnots),
    ):
        spline = BSpline(grid_size=4, degree=degree, domain=(-1, 2), knots=knots)
        title = f"Test_bspline_of_degree_{degree}_on_{kind}_knots"
        globals()[title] = type(title, (where, BasisContract), {"basis": spline})
        if degree not in (0, 3):
            globals()[title].test_compiled_equals_eager = None
            globals()[title] = pytest.mark.slow(globals()[title])


def test_every_registered_basis_has_an_oracle():
    assert set(ORACLES) == set(list_bases())


OTHERS = {"basis", "spline_derivatives"}  # what families stand on, and what is known of one
FAMILIES = [m.name for m in pkgutil.iter_modules(edgewise.bases.__path__) if m.name not in OTHERS and m.name[0] != "_"]


@pytest.mark.parametrize("module", FAMILIES)
def test_every_module_is_exported_and_registered(module):
    found = importlib.import_module(f"edgewise.bases.{module}")
    made = [c for _, c in inspect.getmembers(found, inspect.isclass) if c.__module__ == found.__name__]
    families = [c for c in made if issubclass(c, Basis)]
    assert families
    for family in families:
        assert family.__name__ in edgewise.bases.__all__
        assert family in [BASES[name] for name in BASES]
