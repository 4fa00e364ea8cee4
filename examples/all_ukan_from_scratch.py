"""ALL U-KAN from scratch: a segmentation network of Kolmogorov-Arnold layers only, in one file read from top to bottom.

A U-shaped network first makes a picture small, to see what is in it, and then large again, to say where. U-KAN (Li et
al., arXiv:2406.02918) puts Kolmogorov-Arnold (KAN) layers at the bottom of the U. ALL U-KAN (Qiu et al., arXiv:2602.03156)
puts them everywhere: no fully connected layer and no convolution is left. Two ideas make this possible:

* SaKAN: a KAN layer has a function for each edge. Here all edges that end in one output share one function.
* Grad-Free Spline: the gradient does not go back through the splines, so their inner steps need no memory.

Of the paper only the abstract and reviews could be read. The formula of the shared layer is the reading that fits its
published numbers of parameters. This file needs only torch. Its network has the names, the weights and the values of
``edgewise.create_model("all_ukan")``: a ``state_dict`` of one loads into the other. Run
``python examples/all_ukan_from_scratch.py``: it learns to find ellipses in noisy pictures, in half a minute on one core.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CELLS, DEGREE = 5, 3
BUMPS = CELLS + DEGREE


# STEP 1. B-splines: bumps in a row on [-1, 1]. Any sum of them is a smooth curve. The recursion of Cox and de Boor starts
# from boxes and blends neighbours; `kan_from_scratch.py` explains it line by line.
def bspline_basis(x: Tensor) -> Tensor:
    """The value of each bump at each number: ``(...) -> (..., BUMPS)``."""
    knots = torch.arange(-DEGREE, CELLS + DEGREE + 1, dtype=x.dtype, device=x.device) * (2 / CELLS) - 1
    x = x.unsqueeze(-1)
    bumps = ((knots[:-1] <= x) & (x < knots[1:])).to(x.dtype)
    for d in range(1, DEGREE + 1):
        start, end = knots[: -d - 1], knots[d + 1 :]
        rise = (x - start) / (knots[d:-1] - start)
        fall = (end - x) / (end - knots[1:-d])
        bumps = rise * bumps[..., :-1] + fall * bumps[..., 1:]
    return bumps


# STEP 2. The fully connected layer.
#     y_o = sum_i w_oi silu(x_i) + sum_i lambda_i phi_o(x_i),        phi_o(t) = sum_k c_ok B_k(t)
# Why share phi_o? A plain KAN layer has BUMPS + 1 = 9 numbers for each edge; this one has 1 for each edge (w) and a few for
# each node (lambda, c). And since all inputs pass through the same phi_o, it learns from all of them.
# The sums may change places: sum_i lambda_i phi_o(x_i) = sum_k c_ok S_k with S_k = sum_i lambda_i B_k(x_i). The S_k are the
# same for all outputs, so the splines cost next to nothing beside the matrix w.
# Why may the gradient skip the splines? Their coefficients still learn exactly. Only the gradient to x leaves them out;
# it has another way back, through w and silu.
class SaKANLinear(nn.Module):
    """``(..., into) -> (..., out)``."""

    def __init__(self, into: int, out: int, grad_free: bool):
        super().__init__()
        self.grad_free = grad_free
        self.coef = nn.Parameter(0.1 * torch.randn(out, BUMPS))  # c
        self.mix = nn.Parameter(torch.randn(into) / math.sqrt(into))  # lambda
        self.base_weight = nn.Parameter(torch.randn(out, into) * math.sqrt(3 / into))  # w; silu makes N(0, 1) smaller

    def forward(self, x: Tensor) -> Tensor:
        bumps = bspline_basis(x.detach() if self.grad_free else x)
        sums = torch.einsum("...ik,i->...k", bumps, self.mix)  # S
        return F.linear(F.silu(x), self.base_weight) + F.linear(sums, self.coef)


# STEP 3. The convolution. It is the same layer at each place of the picture; its inputs i are all channels of all pixels in
# a small window. So S_k is a convolution of "picture k" (bump k of each pixel) with the lambdas as its kernel.
# With groups, the channels are split into groups that do not meet, and each group has lambdas of its own.
class SaKANConv2d(nn.Module):
    """``(N, into, H, W) -> (N, out, H', W')``."""

    def __init__(self, into: int, out: int, size: int, grad_free: bool, stride: int = 1, groups: int = 1):
        super().__init__()
        self.grad_free, self.padding, self.window = grad_free, size // 2, {"stride": stride, "groups": groups}
        edges = into // groups * size**2  # that end in one output
        self.coef = nn.Parameter(0.1 * torch.randn(out, BUMPS))
        self.mix = nn.Parameter(torch.randn(groups, into // groups, size, size) / math.sqrt(edges))
        self.base_weight = nn.Parameter(torch.randn(out, into // groups, size, size) * math.sqrt(3 / edges))

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, [self.padding] * 4)  # first: a pixel of the border is an input like any other, with phi(0)
        bumps = bspline_basis(x.detach() if self.grad_free else x).movedim(-1, 1)  # (N, BUMPS, into, H, W)
        sums = F.conv2d(bumps.flatten(0, 1), self.mix, **self.window).unflatten(0, (-1, BUMPS))
        shared = torch.einsum("nkghw,gok->ngohw", sums, self.coef.unflatten(0, (len(self.mix), -1)))
        return F.conv2d(F.silu(x), self.base_weight, **self.window) + shared.flatten(1, 2)


# STEP 4. The blocks of U-KAN. The splines live on [-1, 1] and a little beyond, so norms keep the numbers near that size.
class ConvPair(nn.Sequential):
    """Twice a convolution, a norm and ReLU: ``(N, into, H, W) -> (N, out, H, W)``."""

    def __init__(self, into: int, between: int, out: int, grad_free: bool):
        super().__init__(
            SaKANConv2d(into, between, 3, grad_free), nn.BatchNorm2d(between), nn.ReLU(),
            SaKANConv2d(between, out, 3, grad_free), nn.BatchNorm2d(out), nn.ReLU(),
        )  # fmt: skip


class Mixing(nn.Module):
    """Mix the channels of each pixel, then each channel with its neighbours: ``(N, H, W, width)``, in and out."""

    def __init__(self, width: int, grad_free: bool):
        super().__init__()
        self.channels = SaKANLinear(width, width, grad_free)
        self.neighbours = SaKANConv2d(width, width, 3, grad_free, groups=width)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, tokens: Tensor) -> Tensor:
        return F.relu(self.norm(self.neighbours(self.channels(tokens).movedim(-1, 1)))).movedim(1, -1)


class TokenStage(nn.Module):
    """Three mixings beside a shortcut; where `into` is given, first a step to half the size: ``(N, into, H, W)``."""

    def __init__(self, width: int, grad_free: bool, into: int | None = None):
        super().__init__()
        self.embed = nn.Identity() if into is None else SaKANConv2d(into, width, 3, grad_free, stride=2)
        self.embed_norm = nn.Identity() if into is None else nn.LayerNorm(width)
        self.block_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.block = nn.Sequential(*(Mixing(width, grad_free) for _ in range(3)))

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed_norm(self.embed(x).movedim(1, -1))  # channels last: (N, H, W, width)
        return self.norm(tokens + self.block(self.block_norm(tokens))).movedim(-1, 1)


# STEP 5. The U. Each stage down halves the picture; each stage up doubles it. The way up has lost the fine detail, so it
# adds what the way down saw at the same size.
class AllUKAN(nn.Module):
    """``(N, in_channels, H, W) -> (N, num_classes, H, W)`` logits, H and W multiples of 32."""

    def __init__(self, in_channels: int = 3, num_classes: int = 1, widths=(128, 160, 256), grad_free: bool = True):
        super().__init__()
        c, t1, t2 = widths
        self.encoder1 = ConvPair(in_channels, c // 8, c // 8, grad_free)
        self.encoder2 = ConvPair(c // 8, c // 4, c // 4, grad_free)
        self.encoder3 = ConvPair(c // 4, c, c, grad_free)
        self.tokens1 = TokenStage(t1, grad_free, into=c)
        self.tokens2 = TokenStage(t2, grad_free, into=t1)
        self.decoder1 = ConvPair(t2, t2, t1, grad_free)
        self.tokens3 = TokenStage(t1, grad_free)
        self.decoder2 = ConvPair(t1, t1, c, grad_free)
        self.tokens4 = TokenStage(c, grad_free)
        self.decoder3 = ConvPair(c, c, c // 4, grad_free)
        self.decoder4 = ConvPair(c // 4, c // 4, c // 8, grad_free)
        self.decoder5 = ConvPair(c // 8, c // 8, c // 8, grad_free)
        self.head = SaKANConv2d(c // 8, num_classes, 1, grad_free)

    def forward(self, x: Tensor) -> Tensor:
        down1 = F.max_pool2d(self.encoder1(x), 2)  # 1/2 of the size
        down2 = F.max_pool2d(self.encoder2(down1), 2)  # 1/4
        down3 = F.max_pool2d(self.encoder3(down2), 2)  # 1/8
        down4 = self.tokens1(down3)  # 1/16
        x = self.tokens2(down4)  # 1/32
        x = self.tokens3(double(self.decoder1(x)) + down4)
        x = self.tokens4(double(self.decoder2(x)) + down3)
        x = double(self.decoder3(x)) + down2
        x = double(self.decoder4(x)) + down1
        return self.head(double(self.decoder5(x)))


def double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear")


# STEP 6. Pictures: an ellipse, a tilt of the light that is stronger than the ellipse is bright, and noise. A threshold on
# the brightness cannot find the ellipse; a network must look at shapes.
def draw(count: int, side: int) -> tuple[Tensor, Tensor]:
    """Pictures and masks, both ``(count, 1, side, side)``."""
    line = torch.linspace(-1, 1, side)
    y, x = torch.meshgrid(line, line, indexing="ij")
    middle_x, middle_y, tilt_x, tilt_y = (torch.rand(4, count, 1, 1) - 0.5).unbind()
    angle, long, short = math.pi * torch.rand(count, 1, 1), *(0.25 + 0.35 * torch.rand(2, count, 1, 1)).unbind()
    along = (x - middle_x) * angle.cos() + (y - middle_y) * angle.sin()
    across = (y - middle_y) * angle.cos() - (x - middle_x) * angle.sin()
    mask = ((along / long) ** 2 + (across / short) ** 2 < 1).float().unsqueeze(1)
    light = (2 * (tilt_x * x + tilt_y * y)).unsqueeze(1)
    return 0.5 * mask + light + 0.2 * torch.randn_like(mask), mask


# STEP 7. Is Grad-Free Spline worth it? We count what a forward pass must store for the way back.
def stored_bytes(network: nn.Module, x: Tensor) -> int:
    """Bytes of the tensors that autograd holds after a pass, each counted once."""
    stored = {}
    hooks = lambda t: stored.setdefault(t.untyped_storage().data_ptr(), t), lambda t: t  # going in, coming out
    with torch.autograd.graph.saved_tensors_hooks(*hooks):
        network(x)
    return sum(tensor.untyped_storage().nbytes() for tensor in stored.values())


# STEP 8. Training, as for any other network, and a look at the result.
def overlap(scores: Tensor, masks: Tensor) -> float:
    """Intersection over union of all pixels: 1 is perfect."""
    found, true = scores > 0, masks > 0.5
    return ((found & true).sum() / (found | true).sum()).item()


def show(*pictures: Tensor) -> None:
    """Print pictures of numbers from 0 to 1, ``(side, side)``, side by side."""
    small = [F.interpolate(picture[None, None], size=(16, 32), mode="area")[0, 0] for picture in pictures]
    for rows in zip(*small, strict=True):
        print("  ".join("".join(" .:-=+*#"[int(7.99 * number)] for number in row.clamp(0, 1)) for row in rows))


def main(steps: int = 80, side: int = 64, batch: int = 8, widths=(32, 40, 64)) -> tuple[list[float], float]:
    """The loss of each step, and the overlap on new pictures."""
    torch.manual_seed(0)
    network = AllUKAN(in_channels=1, widths=widths)
    layers = sum(isinstance(module, (SaKANLinear, SaKANConv2d)) for module in network.modules())
    print(f"{layers} SaKAN layers, {sum(p.numel() for p in network.parameters()):,} parameters")
    for grad_free in (False, True):
        size = stored_bytes(AllUKAN(1, widths=widths, grad_free=grad_free), draw(batch, side)[0]) / 1e6
        print(f"stored for the way back, gradient through the splines {'off' if grad_free else 'on'}: {size:.0f} MB")

    optimiser = torch.optim.Adam(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=2e-2, total_steps=steps)
    losses = []
    for step in range(1, steps + 1):
        pictures, masks = draw(batch, side)
        optimiser.zero_grad()
        loss = F.binary_cross_entropy_with_logits(network(pictures), masks)
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        if step % 10 == 0:
            print(f"step {step}: loss {sum(losses[-10:]) / 10:.3f}")

    network.eval()
    pictures, masks = draw(32, side)
    with torch.no_grad():
        logits = network(pictures)
    score, threshold = overlap(logits, masks), max(overlap(pictures - t / 20, masks) for t in range(-20, 21))
    print(f"overlap on new pictures {score:.2f}, of the best threshold on brightness {threshold:.2f}")
    print("a new picture, its mask, and what the network finds:")
    show(pictures[0, 0] / 2 + 0.5, masks[0, 0], logits[0, 0].sigmoid())
    return losses, score


if __name__ == "__main__":
    main()
