"""jaxkan on Allen-Cahn and Burgers: ``python -m benchmarks.science.peers_fronts [--seconds 600]``.

The equations, reference solutions and lattice of fronts.py, and jaxkan 0.3.7, a package on JAX (``pip install
jaxkan==0.3.7``), on the processor and one thread. It is used as its authors do in their tutorial on such equations and in
their paper (arXiv:2510.23501): a residual-gated network of 2 blocks of 8 nodes, Chebyshev polynomials of degree 5 behind
sines, values that hold exactly at the rim, all times at once; batches of 4,096 points of a lattice of 128 x 128, drawn anew
every 2,000 steps where the equation fails; weights for points that fail, for early times, and for law and start; Adam from
1e-3 with a rate that falls to a two-hundredth by the end of the time, in single precision. Compiling is not counted.
"""

import importlib.util
import math
import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.science import common, fronts
from benchmarks.science.common import Clock, Result

SIDE, BATCH, PARTS, STARTS = 128, 4096, 32, 64
REDRAWN, ANNEALED = 2000, 1000  # steps between
FALLEN = 0.005  # the rate at the end, relative to its begin
TRIED = 20  # steps, to see how many there will be


def made(ring: bool, seed: int) -> Callable:
    """Their network with values that hold exactly at the rim."""
    import jax.numpy as jnp
    from flax import nnx
    from jaxkan.models.RGAKAN import RGAKAN

    class OnAnInterval(nnx.Module):
        def __init__(self, network: nnx.Module):
            self.network = network

        def __call__(self, x):
            return (1 - x[:, 1:] ** 2) * self.network(x)

    network = RGAKAN(
        n_in=2,
        n_out=1,
        n_hidden=8,
        num_blocks=2,
        D=5,
        sine_D=5,
        init_scheme={"type": "glorot_fine"},
        alpha=0.0,
        beta=0.0,
        period_axes={1: (jnp.pi, False)} if ring else None,
        seed=seed,
    )
    return network if ring else OnAnInterval(network)


class Training:
    """Their steps of Adam, with all their weights."""

    def __init__(self, case: fronts.Case, steps: int, seed: int):
        import jax
        import jax.numpy as jnp
        import optax
        import torch
        from flax import nnx
        from jaxkan.pikan import adaptive, pde, sampling

        self.law = pde.get_ac_res() if case.ring else pde.get_burgers_res(fronts.VISCOSITY)
        self.model, self.seed, self.adaptive, self.step = made(case.ring, seed), seed, adaptive, 0
        rate = optax.exponential_decay(1e-3, steps, FALLEN)
        self.optimizer = nnx.Optimizer(self.model, optax.adam(rate), wrt=nnx.Param)
        self.pool = sampling.get_collocs_grid([(0, 1, SIDE), (-1, 1, SIDE)])
        self.begin = sampling.get_collocs_grid([(0, 0, 1), (-1, 1, STARTS)])
        self.values = jnp.array(case.start(torch.tensor(np.asarray(self.begin)[:, 1:])).numpy())[:, None]
        self.of_pool, self.of_begin = jnp.ones((len(self.pool), 1)), jnp.ones((STARTS, 1))
        self.balance = jnp.ones(()), jnp.ones(())
        self.rows = adaptive.get_colloc_indices(self.pool, BATCH, None, seed)
        self.of_rows, before = self.of_pool[self.rows], jnp.tril(jnp.ones((PARTS, PARTS)), -1)

        def failing(found, weights):
            """Residuals under weights that grow where they stay large, and these weights."""
            weights = adaptive.update_rba_weights(found, weights, 0.999, 0.01)
            return weights * found, weights

        def law(model, x, weights):
            found, weights = failing(self.law(model, x), weights)
            parts = (found.reshape(PARTS, -1) ** 2).mean(1)
            return (adaptive.get_causal_weights(parts, before, 1.0) * parts).mean(), weights

        def start(model, x, values, weights):
            found, weights = failing(model(x) - values, weights)
            return (found**2).mean(), weights

        def step(model, optimizer, x, begin, values, of_rows, of_begin, balance):
            (_, of_rows), by_law = nnx.value_and_grad(law, has_aux=True)(model, x, of_rows)
            (_, of_begin), by_start = nnx.value_and_grad(start, has_aux=True)(model, begin, values, of_begin)
            optimizer.update(model, jax.tree.map(lambda a, b: balance[0] * a + balance[1] * b, by_law, by_start))
            return by_law, by_start, of_rows, of_begin

        self._step, self._residuals = nnx.jit(step), nnx.jit(self.law)

    def advance(self) -> None:
        *gradients, self.of_rows, self.of_begin = self._step(
            self.model,
            self.optimizer,
            self.pool[self.rows],
            self.begin,
            self.values,
            self.of_rows,
            self.of_begin,
            self.balance,
        )
        self.step += 1
        if self.step % ANNEALED == 0:
            self.balance = self.adaptive.lr_anneal(gradients, self.balance, 0.9)
        if self.step % REDRAWN == 0:
            left = self._residuals(self.model, self.pool)
            seed = self.seed + self.step
            self.rows, self.of_pool, _ = self.adaptive.get_rad_indices(
                self.pool, left, self.rows, self.of_rows, self.of_pool, BATCH, 1.0, 1.0, seed
            )
            self.of_rows = self.of_pool[self.rows]

    def wait(self) -> None:
        """Until what was asked for is computed."""
        self.of_rows.block_until_ready()

    def error(self, expected: np.ndarray) -> float:
        t, x = np.meshgrid(fronts.TIMES, fronts.PLACES)
        found = np.asarray(self.model(np.stack([t.ravel(), x.ravel()], 1).astype(np.float32)))
        return float(np.linalg.norm(found.reshape(expected.shape) - expected) / np.linalg.norm(expected))


def jaxkan(case: fronts.Case, seconds: float, seed: int) -> Iterator[Result]:
    """What it has reached at each quarter of the time."""
    from jaxkan.models.utils import count_params

    trial = Training(case, 1, seed)
    trial.advance()
    trial.wait()
    started = time.process_time()
    for _ in range(TRIED):
        trial.advance()
    trial.wait()
    steps = max(TRIED, math.ceil(TRIED * seconds / (time.process_time() - started)))
    training, expected, clock = Training(case, steps, seed), case.reference(), Clock()
    with clock.stopped():
        training.advance()
        training.wait()
    quarters = [round(steps * part / 4) for part in (1, 2, 3, 4)]
    while training.step < steps:
        training.advance()
        if training.step in quarters:
            training.wait()
            spent = clock.spent
            with clock.stopped():
                name, shape = f"{case.name}, jaxkan", f"2 blocks of 8, {training.step} steps"
                yield Result(name, training.error(expected), shape, count_params(training.model), spent)


def add(parser: ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=600.0, help="of the processor, for each equation")
    parser.add_argument("--seed", type=int, default=42, help="of the first guess")
    parser.add_argument("--only", choices=[case.name for case in fronts.CASES], help="one equation")


def main() -> None:
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    options = common.arguments(__doc__, add)
    if importlib.util.find_spec("jaxkan") is None:
        sys.exit("jaxkan is not installed: pip install jaxkan==0.3.7")
    common.say_where()
    results = []
    for case in fronts.CASES:
        if options.only in (None, case.name):
            for result in jaxkan(case, 5.0 if options.quick else options.seconds, options.seed):
                print(result.row(), flush=True)
                results.append(result)
    common.report(options, "peers_fronts", "Fronts, a peer", ("", "shape", "parameters", "relative L2", "seconds"), results)


if __name__ == "__main__":
    main()
