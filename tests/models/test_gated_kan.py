"""The residual-gated deep KAN, against its formulas in plain numpy."""

import math

import numpy as np
import pytest
import torch

from edgewise import ConfigError
from edgewise.models import GatedKAN, create_model
from edgewise.physics import Box, Problem, Term, solve


def chebyshev(layer, x):
    """Sums over edges of Chebyshev series of tanh."""
    coef = layer.coef.detach().numpy()  # (in, K, out)
    t = np.tanh(x)
    return sum(np.polynomial.chebyshev.chebval(t[:, i], coef[i]).T for i in range(len(coef)))


def sines(layer, x):
    coef, state = layer.coef.detach().numpy(), {n: p.detach().numpy() for n, p in layer.state.named_parameters()}
    values = np.sin(x[:, :, None] * state["frequency"] + state["phase"])  # (N, in, K)
    return np.einsum("nik,iko->no", values, coef)


def test_the_formula():
    torch.manual_seed(0)
    model = GatedKAN((3, 5, 2), blocks=2, alpha=0.3).double()
    with torch.no_grad():
        for block, beta in zip(model.blocks, (0.6, 1.2), strict=True):
            block.beta.fill_(beta)
    x = torch.randn(7, 3).double()
    z = sines(model.sines, x.numpy())
    u, v = chebyshev(model.u, z), chebyshev(model.v, z)
    for block in model.blocks:
        alpha, beta = block.alpha.item(), block.beta.item()
        h = chebyshev(block.first, z)
        inner = beta * (h * u + (1 - h) * v) + (1 - beta) * z
        h = chebyshev(block.second, inner)
        z = alpha * (h * u + (1 - h) * v) + (1 - alpha) * z
    np.testing.assert_allclose(model(x).detach().numpy(), chebyshev(model.last, z), rtol=1e-10, atol=1e-12)


def test_as_many_numbers_as_its_layers():
    """A layer of n nodes has n n 6 coefficients, the sines 2 K for each input beside theirs, a block two numbers."""
    model = create_model("gated_kan", width=[2, 8, 1], blocks=3)
    expected = (2 * 5 * 8 + 2 * 2 * 5) + 2 * 8 * 8 * 6 + 3 * (2 * 8 * 8 * 6 + 2) + 8 * 6
    assert sum(p.numel() for p in model.parameters()) == expected


def spread(alpha, blocks=10):
    """The spread of values and gradients after the blocks, in units of that before, over five draws."""
    found = []
    for seed in range(5):
        torch.manual_seed(seed)
        model = GatedKAN((2, 32, 1), blocks=blocks, alpha=alpha).double()
        x = model.sines(torch.randn(300, 2).double()).detach().requires_grad_()
        u, v = model.u(x).detach(), model.v(x).detach()
        y = x
        for block in model.blocks:
            y = block(y, u, v)
        change = torch.randn_like(y)
        (gradient,) = torch.autograd.grad(y, x, change)
        found.append([(y.std() / x.std()).item(), (gradient.std() / change.std()).item()])
    return np.mean(found, 0)


def test_values_and_gradients_pass_through_ten_closed_blocks_unchanged():
    np.testing.assert_allclose(spread(0.0), 1, rtol=1e-12)


def test_values_and_gradients_keep_their_size_through_ten_blocks_that_open():
    assert (spread(0.1) > 0.25).all()
    assert (spread(0.1) < 2).all()
    value, _ = spread(0.5)
    assert 0.5 < value < 2


@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_a_small_poisson_equation(alpha):
    """u'' = -pi^2 sin(pi x), 0 at the ends."""
    torch.manual_seed(3)
    model, box = GatedKAN((1, 4, 1), blocks=1, alpha=alpha).double(), Box([-1], [1])
    x, ends = box.inside(450), torch.tensor([[-1.0], [1.0]])
    force = -(math.pi**2) * torch.sin(math.pi * x[:, 0])
    problem = Problem([Term("law", x, lambda u: u.laplacian(), force), Term("ends", ends, lambda u: u.value)])
    solve(model, problem, steps=20)
    new = box.inside(100, seed=1)
    assert (model(new)[:, 0] - torch.sin(math.pi * new[:, 0])).abs().max() < 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": (2, 1)}, r"inputs, nodes of hidden layers and outputs, such as \(2, 16, 1\), got \[2, 1\]"),
        ({"blocks": 0}, "blocks is a whole number of at least 1, got 0"),
        ({"alpha": 1.5}, "alpha is a share from 0 to 1, got 1.5"),
        ({"alpha": math.nan}, "alpha is a share from 0 to 1, got nan"),
        ({"width": (2, 0, 1)}, "at least 1"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        GatedKAN(**options)
