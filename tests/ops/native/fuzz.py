"""Random layers and inputs, NaN and infinities among them, under AddressSanitizer: ``make fuzz``.

The kernels are built once more, with every access checked, and called with sizes about the lengths of vectors, blocks and
tiles. Any access out of range ends the process with a report. ``--seconds`` says how long to go on (60).
"""

import os
import random
import subprocess
import sys
import time

SANITISED = "-fsanitize=address -g -O1"


def start_over() -> None:
    """The sanitiser has to be loaded before all else, and with it what throws exceptions."""
    ask = ["c++", "-print-file-name=libasan.so"], ["c++", "-print-file-name=libstdc++.so.6"]
    libraries = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() for command in ask]
    options = "detect_leaks=0:abort_on_error=0:exitcode=99"
    environment = {**os.environ, "LD_PRELOAD": ":".join(libraries), "ASAN_OPTIONS": options, "EDGEWISE_BACKEND": "native"}
    sys.exit(subprocess.run([sys.executable, *sys.argv], env=environment, check=False).returncode)


def main(seconds: float) -> None:
    import torch

    from edgewise.ops.native import build

    build._FLAGS += SANITISED.split()
    from edgewise.bases import BSpline
    from edgewise.nn import KANConv1d, KANConv2d, KANLinear, SaKANConv2d, SaKANLinear

    def number(most: int) -> int:
        return random.choice(
            [1, 2, 3, random.randint(1, most), random.choice([7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 127, 129])]
        )

    def draw(layer) -> None:
        with torch.no_grad():
            for p in layer.parameters():
                p.normal_()

    def make(dtype):
        degree = random.randint(1, 5)
        basis = BSpline(
            random.choice([1, 2, 5, 20, 130]), degree, random.choice([(-1, 1), (0, 1e-3), (-1e30, 1e30)]),
            random.choice(["zero", "clamp"] + ["linear"] * (degree > 1)), random.choice(["uniform", "per-feature"]),
        )  # fmt: skip
        common = {
            "basis": basis,
            "base": random.choice(["silu", "gelu", "relu", "tanh", "identity"]),
            "dtype": dtype,
            "init": draw,
        }
        kind = random.choice([KANLinear, SaKANLinear, KANConv1d, KANConv2d, SaKANConv2d])
        if kind in (KANLinear, SaKANLinear):
            sizes = number(70), number(140)
            layer, shape = kind(*sizes, **common), (random.choice([0, number(1200)]), sizes[0])
        else:
            space = kind.space
            groups = random.choice([1, 1, 2, 3])
            channels = groups * random.choice([1, 2, 5, 16, 17])
            out = channels if random.random() < 0.5 else groups * random.choice([1, 3, 16])
            kernel = random.randint(1, 3)
            layer = kind(
                channels, out, kernel, stride=random.randint(1, 2), padding=random.randint(0, 2), groups=groups,
                dilation=random.randint(1, 2), padding_mode=random.choice(["zeros", "silent", "replicate"]), **common,
            )  # fmt: skip
            shape = (
                random.choice([0, 1, 3]),
                channels,
                *(random.randint(5, 40 if space == 1 else 20) for _ in range(space)),
            )
        for knots in layer.state.buffers():
            knots.copy_((knots + (knots[:, -1:] - knots[:, :1]) * torch.randn_like(knots) * 0.1).sort(-1)[0])
            if random.random() < 0.3:
                knots[:, random.randint(0, knots.shape[1] - 1) :] = knots[:, -1:]
        return layer, shape

    from edgewise.ops import native

    native.load()
    end, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        random.seed(rounds)
        torch.manual_seed(rounds)
        layer, shape = make(random.choice([torch.float32, torch.float64, torch.bfloat16]))
        x = torch.randn(shape).to(next(layer.parameters()).dtype) * random.choice([1e-3, 1, 1e6, 1e38])
        odd = torch.rand(shape) < random.choice([0, 0.01, 0.9])
        x = torch.where(
            odd, torch.tensor(random.choice([float("nan"), float("inf"), -float("inf"), 1.0, -1.0])).to(x.dtype), x
        )
        x.requires_grad_(random.random() < 0.9)
        if x.dim() == 4 and random.random() < 0.3:
            x = x.detach().to(memory_format=torch.channels_last).requires_grad_()
        layer(x).sum().backward()
        rounds += 1
    print(f"{rounds} random layers, nothing out of range")


if __name__ == "__main__":
    if "asan" not in os.environ.get("LD_PRELOAD", ""):
        start_over()
    main(float(sys.argv[sys.argv.index("--seconds") + 1]) if "--seconds" in sys.argv else 60.0)
