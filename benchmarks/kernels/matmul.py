"""The control: a plain matrix product in Triton, counted as the kernels are."""

import triton
import triton.language as tl


@triton.jit
def matmul(A, B, Y, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, PRECISION: tl.constexpr):
    m = tl.program_id(0) * BM + tl.arange(0, BM)
    n = tl.program_id(1) * BN + tl.arange(0, BN)
    k = tl.arange(0, BK)
    sums = tl.zeros((BM, BN), tl.float32)
    for start in range(0, K, BK):
        a = tl.load(A + m[:, None] * K + start + k[None, :], (m[:, None] < M) & (k[None, :] < K - start), 0.0)
        b = tl.load(B + (start + k[:, None]) * N + n[None, :], (k[:, None] < K - start) & (n[None, :] < N), 0.0)
        sums = tl.dot(a, b, sums, input_precision=PRECISION)
    tl.store(Y + m[:, None] * N + n[None, :], sums, (m[:, None] < M) & (n[None, :] < N))
