"""KAN layers where dense ones stood: fit exp(sin(pi x) + y^2) with a network of one's own.

Run it with ``python examples/layer_in_a_model.py``; it takes a few seconds.
"""

import torch
from torch import nn

from edgewise.bases import BSpline
from edgewise.nn import KANLinear, parameter_kinds


class Surface(nn.Module):
    def __init__(self, hidden: int = 8):
        super().__init__()
        self.inner = KANLinear(2, hidden, basis=BSpline(grid_size=8))
        self.outer = KANLinear(hidden, 1, basis=BSpline(grid_size=8, domain=(-3, 3)))

    def forward(self, points):
        return self.outer(self.inner(points)).squeeze(-1)


def main() -> float:
    torch.manual_seed(0)
    points = torch.rand(2000, 2) * 2 - 1
    values = (torch.sin(torch.pi * points[:, 0]) + points[:, 1] ** 2).exp()
    train, test = slice(0, 1500), slice(1500, None)

    model = Surface()
    kinds = parameter_kinds(model)  # coefficients of edge functions like a larger step than dense weights
    groups = {rate: [] for rate in (3e-2, 1e-2)}
    for name, parameter in model.named_parameters():
        groups[3e-2 if kinds[name] == "coefficient" else 1e-2].append(parameter)
    optimiser = torch.optim.Adam([{"params": group, "lr": rate} for rate, group in groups.items()])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 500)
    for _ in range(500):
        optimiser.zero_grad()
        nn.functional.mse_loss(model(points[train]), values[train]).backward()
        optimiser.step()
        schedule.step()

    with torch.no_grad():
        error = (model(points[test]) - values[test]).square().mean().sqrt().item()
    print(f"rms of the values {values.std():.2f}, rms error on new points {error:.4f}")
    return error


if __name__ == "__main__":
    main()
