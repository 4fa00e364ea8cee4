"""A multilayer perceptron under a clock: several sizes race, the best goes on; by Adam and L-BFGS, or by our own solver."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap
from torch.nn.functional import mse_loss

from benchmarks.science.common import Clock, Result, Samples, count, rmse
from edgewise.kan.fitting import LBFGS, Adam
from edgewise.kan.fitting.damped import Damped, Expansion, least_squares

SIZES = ((20, 20), (50, 50), (50, 50, 50), (100, 100))
SMALL = ((10, 10), (20, 20), (15, 15, 15), (30, 30))  # a step of Levenberg-Marquardt costs the cube of the parameters
ADAM_SHARE = 0.3  # of the time in which the sizes race
Steps = Callable[[nn.Module, Samples, Clock, float], Iterator[None]]


def race_mlp(train: Samples, test: Samples, seconds: float, sizes: Sequence[Sequence[int]] = SIZES) -> Result:
    """Adam, then L-BFGS with a strong-Wolfe line search."""
    return _race("MLP", train, test, seconds, sizes, adam_and_lbfgs)


def race_mlp_marquardt(train: Samples, test: Samples, seconds: float, sizes: Sequence[Sequence[int]] = SMALL) -> Result:
    """Levenberg-Marquardt, as our networks are fitted: what is left of the difference is that of the networks."""
    return _race("MLP, LM", train, test, seconds, sizes, marquardt)


def _race(contender: str, train: Samples, test: Samples, seconds: float, sizes, steps: Steps) -> Result:
    """Half of the time for all sizes, the other half for the one with the lowest validation error.

    As for pykan, the best test error that is ever reached counts, and measuring costs no time.
    """
    fitted, held = train.split(len(train.x) * 5 // 6)
    clock, result = Clock(seconds), Result(contender)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        nets = [perceptron(train.x.shape[1], size, train.y.shape[1]) for size in sizes]
    running = [steps(net, fitted, clock, seconds / 2 / len(nets)) for net in nets]
    for place, (net, run) in enumerate(zip(nets, running, strict=True), 1):
        _follow(net, run, clock, seconds / 2 * place / len(nets), test, result)
    best = min(range(len(nets)), key=lambda i: rmse(nets[i], held))
    _follow(nets[best], running[best], clock, seconds, test, result)
    result.seconds = clock.spent
    return result


def _follow(net: nn.Module, run: Iterable[None], clock: Clock, until: float, test: Samples, result: Result) -> None:
    while clock.spent < until and next(run, "end") is None:
        with clock.stopped():
            error = rmse(net, test)
            result.trail.append((clock.spent, count(net), error))
            if error < result.rmse:
                sizes = [layer.out_features for layer in net if isinstance(layer, nn.Linear)]
                result.rmse, result.parameters, result.shape = error, count(net), str([test.x.shape[1], *sizes])


def perceptron(into: int, hidden: Sequence[int], out: int) -> nn.Sequential:
    sizes, layers = [into, *hidden, out], []
    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b), nn.Tanh()]
    return nn.Sequential(*layers[:-1]).double()


def adam_and_lbfgs(net: nn.Module, train: Samples, clock: Clock, share: float) -> Iterator[None]:
    """Adam for a part of the first share of the time, then L-BFGS for as long as it is asked to."""

    def objective() -> Tensor:
        return mse_loss(net(train.x), train.y)

    adam, start = Adam(net, objective), clock.spent
    while clock.spent < start + ADAM_SHARE * share:
        for _ in range(20):
            adam.step()
        yield
    lbfgs = LBFGS(net, objective)
    while True:
        lbfgs.step()
        yield


def marquardt(net: nn.Module, train: Samples, clock: Clock, share: float) -> Iterator[None]:
    """Levenberg-Marquardt until no step lowers the loss."""
    solver = MLPMarquardt(net, train)
    while not solver.stuck:
        solver.step()
        yield


class MLPMarquardt(Damped):
    """The damped steps of our fits for a perceptron."""

    def __init__(self, net: nn.Module, data: Samples):
        self.net, self.data = net, data
        super().__init__()

    def expansion(self) -> Expansion:
        named = {name: p.detach() for name, p in self.net.named_parameters()}

        def at(parameters: dict[str, Tensor], row: Tensor) -> Tensor:
            return functional_call(self.net, parameters, (row.unsqueeze(0),)).squeeze(0)

        found = vmap(jacrev(at), (None, 0))(named, self.data.x)
        rows = torch.cat([found[name].flatten(2).flatten(0, 1) for name in named], 1)
        residual = (self.net(self.data.x) - self.data.y).flatten()
        return least_squares([(rows, residual, list(self.net.parameters()))], len(residual))

    def value(self) -> float:
        return float(mse_loss(self.net(self.data.x), self.data.y))
