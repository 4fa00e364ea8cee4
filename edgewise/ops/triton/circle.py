"""Cosines and sines in Triton's language, of angles in turns: without branches, tables or memory, unlike CUDA's own."""

import triton
import triton.language as tl


@triton.jit
def cosine_and_sine(turns):
    r"""Of :math:`2 \pi u`; u in turns loses no digit when whole turns are taken off.

    An eighth of a turn to both sides of a quarter is left; its polynomials are those of Cephes (S. Moshier, sinf.c).
    """
    quarter = tl.floor(4 * turns + 0.5)
    z = (turns - 0.25 * quarter) * 6.283185307179586
    if turns.dtype == tl.float64:
        cosine, sine = tl.cos(z), tl.sin(z)
    else:
        w = z * z
        sine = z + z * w * ((-1.9515295891e-4 * w + 8.3321608736e-3) * w - 1.6666654611e-1)
        cosine = 1 - 0.5 * w + w * w * ((2.443315711809948e-5 * w - 1.388731625493765e-3) * w + 4.166664568298827e-2)
    quadrant = quarter - 4 * tl.floor(0.25 * quarter)
    odd = (quadrant == 1) | (quadrant == 3)
    forward, upward = tl.where(odd, sine, cosine), tl.where(odd, cosine, sine)
    left, down = (quadrant == 1) | (quadrant == 2), quadrant >= 2
    return tl.where(left, -forward, forward), tl.where(down, -upward, upward)
