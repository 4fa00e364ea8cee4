"""What learnable attention and rational functions cost: ``python benchmarks/attention.py`` tests them, then times them.

ViT-Tiny at 224 x 224, forward and backward, in float32 and in interleaved rounds: softmax written out in PyTorch, the
fused one of PyTorch (``scaled_dot_product_attention``), and learnable attention; beside the time the bytes that autograd
saves for the backward pass. Then the group rational beside GELU. With them goes ``attention.csv``.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from layers import CONSOLE, ROOT, new_table, number, say_busy, say_where, test_ops, write
from racing import inputs, race, step
from torch import nn

from edgewise.analysis import saved_bytes
from edgewise.bases import Basis, BSpline, Fourier, GaussianRBF
from edgewise.cli._allocator import keep_freed_memory
from edgewise.models import create_model
from edgewise.nn import GroupRational

TESTS = ["tests/nn/test_attention.py", "tests/nn/test_rational.py"]
WRITTEN_OUT = "softmax, written out"
Row = dict[str, object]


def main() -> None:
    """Test, measure, print, write."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each race")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    parser.add_argument("--batch", type=int, default=8, help="images in a batch of ViT-Tiny")
    parser.add_argument("--rows", type=int, default=64, help="batch of the activations, times 1000 tokens of 512 channels")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/out", help="folder of the CSV file")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    test_ops(*TESTS)
    say_where()
    say_busy()
    keep_freed_memory()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for title, measure in (
        (f"ViT-Tiny, {options.batch} images of 224 x 224", attention_rows(options.batch, options.rounds)),
        (f"activation, [{options.rows}, 1000, 512]", activation_rows(options.rows, options.rounds)),
    ):
        table = new_table(f"\n{title}: a step, and what it saves", "", "ms", "times", "MB", "times")
        for row in measure:
            rows.append({"workload": title} | row)
            table.add_row(
                row["name"], number(row["ms"], row["spread"]), f"{row['time_ratio']:.2f}x",
                number(row["mb"], None), f"{row['bytes_ratio']:.2f}x",
            )  # fmt: skip
        CONSOLE.print(table)
    write(options.out / "attention.csv", rows)
    say_busy()


def softmax(fused: bool) -> nn.Module:
    """ViT-Tiny as timm has it, with attention written out or fused."""
    model = create_model("vit_tiny")
    for block in model.blocks:
        block.attn.fused_attn = fused
    return model


def learnable(basis: Basis, **options) -> nn.Module:
    return create_model("vit_tiny_karat", basis=basis, **options)


def attention_rows(batch: int, rounds: int) -> Iterator[Row]:
    makers = {
        WRITTEN_OUT: lambda: softmax(fused=False),
        "softmax, fused": lambda: softmax(fused=True),
        "Fourier, G=3, r=12": lambda: learnable(Fourier(3)),
        "Fourier, G=3, r=12, universal": lambda: learnable(Fourier(3), sharing="universal"),
        "Fourier, G=11, r=12": lambda: learnable(Fourier(11)),
        "B-splines, G=5, r=12": lambda: learnable(BSpline(5)),
        "Gaussians, 8, r=12": lambda: learnable(GaussianRBF(8)),
    }
    return _rows(makers, inputs(batch, 3, 224, 224), rounds)


def activation_rows(batch: int, rounds: int) -> Iterator[Row]:
    makers = {
        "GELU": nn.GELU,
        "SiLU": nn.SiLU,
        "group rational": lambda: GroupRational(512),
        "group rational, sum of absolute terms": lambda: GroupRational(512, reading="terms"),
    }
    return _rows(makers, inputs(batch, 1000, 512) * 3, rounds)


def _rows(makers: Mapping[str, Callable[[], nn.Module]], x: torch.Tensor, rounds: int) -> Iterator[Row]:
    """Each beside the first."""
    models = {name: make() for name, make in makers.items()}
    saved = {name: saved_bytes(model, x.clone().requires_grad_()) for name, model in models.items()}
    times = race({name: step(model, x) for name, model in models.items()}, rounds)
    first = next(iter(models))
    for name, timing in times.items():
        yield {
            "name": name, "ms": timing.median * 1e3, "spread": timing.spread * 1e3,
            "time_ratio": timing.median / times[first].median,
            "mb": saved[name] / 1e6, "bytes_ratio": saved[name] / saved[first],
        }  # fmt: skip


if __name__ == "__main__":
    main()
