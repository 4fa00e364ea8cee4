"""pykan's sparsity penalty and scores, in its definitions: ``python -m benchmarks.science.penalties``.

One layer of 256 -> 256, 1000 rows, float32. The network is made by pykan and read by us, so the numbers are compared too.
"""

import time
from statistics import median

import torch

from benchmarks.science import common
from benchmarks.science.pykan import NoPykan, pykan
from edgewise.kan.interpret import Sparsity, attribute
from edgewise.kan.interpret.sparsity import METRICS
from edgewise.kan.pykan import from_pykan


def timed(f, rounds: int) -> float:
    """Milliseconds, the median of so many calls after one that does not count."""
    f()
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        f()
        found.append((time.perf_counter() - start) * 1e3)
    return median(found)


def main() -> None:
    options = common.arguments(__doc__)
    common.say_where()
    size, rounds = (64, 1) if options.quick else (256, 3)
    rows = []
    try:
        with pykan(torch.float32) as kan:
            theirs = kan.KAN(width=[size, size], grid=5, k=3, seed=0, auto_save=False)
            x = torch.rand(1000, size) * 2 - 1
            model = from_pykan(theirs)
            theirs(x)
            theirs.attribute()
            theirs.node_attribute()

            def compare(name: str, mine, other, rounds_other: int) -> None:
                a, b = mine(), other()
                apart = ((a - b).abs().max() / b.abs().max()).item()
                own, others = timed(mine, 3 * rounds), timed(other, rounds_other)
                rows.append({"what": name, "ours, ms": own, "pykan, ms": others, "ratio": others / own, "apart": apart})

            def their_penalty(metric: str) -> torch.Tensor:
                theirs(x)
                if metric.endswith("backward"):
                    theirs.attribute()
                if metric == "node_backward":
                    theirs.node_attribute()
                return theirs.get_reg(metric, 1.0, 2.0, 0.0, 0.0)

            for metric in METRICS:
                sparsity = Sparsity(1.0, metric=metric)
                compare(
                    metric,
                    lambda s=sparsity: s(model, model.trace(x)).detach(),
                    lambda m=metric: their_penalty(m).detach(),
                    rounds,
                )

            def with_gradient(penalty, network) -> torch.Tensor:
                network.zero_grad()
                value = penalty()
                value.backward()
                return value.detach()

            sparsity = Sparsity(1.0)
            compare(
                "edge_forward_spline_n and its gradient",
                lambda: with_gradient(lambda: sparsity(model, model.trace(x)), model),
                lambda: with_gradient(lambda: their_penalty("edge_forward_spline_n"), theirs), rounds,
            )  # fmt: skip

            def their_scores() -> torch.Tensor:
                theirs(x)
                theirs.attribute()
                return theirs.edge_scores[0].detach()

            compare("edge scores", lambda: attribute(model, x).edge_scores[0], their_scores, rounds)
    except NoPykan as reason:
        print(reason)
    common.write(options.out / "penalties.csv", rows)
    common.show(
        f"Penalties and scores, {size} -> {size}", list(rows[0]) if rows else [""], [list(r.values()) for r in rows]
    )


if __name__ == "__main__":
    main()
