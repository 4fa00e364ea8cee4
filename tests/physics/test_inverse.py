"""Unknowns of equations from exact values, as near as the splines allow; the numbers are those of the closed forms."""

import math

import pytest
import torch
from torch import nn

from edgewise.kan import KAN
from edgewise.physics import Problem, Separable, Term, solve


class Model(nn.Module):
    def __init__(self, net, **unknowns):
        super().__init__()
        self.net = net
        for name, value in unknowns.items():
            setattr(self, name, value if isinstance(value, nn.Module) else nn.Parameter(torch.tensor(value)))
        self.double()

    def forward(self, x):
        return self.net(x)


@pytest.mark.parametrize("start", [3.0, 1.0])
def test_a_stiffness_from_twenty_values(start):
    """u'' + k u = 0 with u = sin 2x: k = 4."""
    torch.manual_seed(0)
    x, model = torch.linspace(0, 3, 80).double().unsqueeze(1), Model(KAN([1, 1], grid=20, k=5), k=start)
    law = Term("law", x, lambda u: u.d(0, 0) + model.k * u.value)
    solve(model, Problem([law, Term("data", x[::4], lambda u: u.value, torch.sin(2 * x[::4, 0]))]))
    assert model.k.item() == pytest.approx(4, abs=1e-6)


def test_a_diffusion_coefficient():
    """u_t = D u_xx with two modes that fade, D = 0.3."""
    torch.manual_seed(0)
    ticks = torch.linspace(0, 1, 21).double()
    x, data = torch.cartesian_prod(ticks, ticks), torch.rand(100, 2).double()

    def exact(p):
        first, second = (torch.exp(-0.3 * (m * math.pi) ** 2 * p[:, 1]) * torch.sin(m * math.pi * p[:, 0]) for m in (1, 2))
        return first + second / 2

    model = Model(Separable(2, rank=4, grid=10), diffusion=1.0)
    law = Term("law", x, lambda u: u.d(1) - model.diffusion * u.d(0, 0))
    problem = Problem([law, Term("data", data, lambda u: u.value, exact(data))])
    solve(model, problem, grids=(10, 20), steps=25, starts=3)
    assert model.diffusion.item() == pytest.approx(0.3, rel=1e-4)


def test_a_source():
    """u'' = s(x) with u = sin(pi x) + 0.3 sin(3 pi x)."""
    torch.manual_seed(0)
    x, new = (torch.linspace(0, 1, n).double().unsqueeze(1) for n in (101, 501))

    def wave(m, x):
        return torch.sin(m * math.pi * x[:, 0])

    model = Model(KAN([1, 1], grid=20, k=5), source=KAN([1, 1], grid=8, k=5))
    law = Term("law", x, lambda u: u.d(0, 0) - model.source(u.x)[:, 0])
    data = x[::2]
    solve(model, Problem([law, Term("data", data, lambda u: u.value, wave(1, data) + 0.3 * wave(3, data))]))
    exact = -(math.pi**2) * (wave(1, new) + 2.7 * wave(3, new))
    assert (model.source(new)[:, 0] - exact).norm() < 1e-3 * exact.norm()
