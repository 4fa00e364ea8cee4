"""The kernels compiled for GPUs that are not here: they spill nothing, are not atomic, and leave the tensor cores busy."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton", reason="the kernels are compiled by Triton, which PyTorch's wheels for Linux bring")

from benchmarks.kernels.assembly import Listing, kinds
from benchmarks.kernels.targets import TARGETS

ROOT = Path(__file__).parents[3]
ASKED = {"sm_80": 0.8, "sm_90": 0.8, "sm_100": 0.5, "gfx942": 0.7}  # the least bound of the widest tiles

NVIDIA = """
        /*0000*/                   MOV R1, c[0x0][0x28] ;
.L_x_1:
        /*0010*/                   FFMA R2, R3, R4, R5 ;
.L_x_2:
        /*0020*/                   HMMA.16816.F32.BF16 R8, R4, R6, R8 ;
        /*0030*/                   BRA.U !UP0, `(.L_x_2) ;
        /*0040*/                   HGMMA.64x256x16.F32.BF16 R24, R164, gdesc[UR4].tnspB, R24 ;
        /*0050*/              @!P1 BRA `(.L_x_1) ;
        /*0060*/                   EXIT ;
.L_x_3:
        /*0070*/                   BRA `(.L_x_3);
"""
AMD = """
\ts_load_dwordx2 s[0:1], s[2:3], 0x0
\ts_branch .LBB0_2
.LBB0_1:                                ; the end of a step stands before its start
\ts_cbranch_scc0 .LBB0_3
.LBB0_2:
\tv_max_f32_e32 v1, v2, v3
\tv_mfma_f32_32x32x8_bf16 a[0:15], v[0:1], v[2:3], a[0:15]
\ts_branch .LBB0_1
.LBB0_3:
\ts_endpgm
"""


def test_of_nested_loops_the_inner_one_counts():
    (step,) = Listing(NVIDIA).loops()
    assert [i.stem for i in step] == ["HMMA", "BRA"]
    assert step[0].flops() == 2 * 16 * 8 * 16


def test_a_warpgroup_shares_its_product():
    product = next(i for i in Listing(NVIDIA).instructions if i.stem == "HGMMA")
    assert product.flops() * 4 == 2 * 64 * 256 * 16


def test_a_loop_may_start_anywhere():
    (step,) = Listing(AMD).loops()
    assert kinds(step) == {"all": 4, "vector": 1, "matrix": 1, "other": 2}


def test_registers_and_memory_limit_the_warps():  # NVIDIA's and AMD's own tables of occupancy
    assert TARGETS["sm_90"].occupancy(8, 128, 0) == 16
    assert TARGETS["sm_90"].occupancy(4, 32, 100 << 10) == 8
    assert TARGETS["gfx942"].occupancy(8, 128, 0) == 16
    assert TARGETS["gfx942"].occupancy(4, 64, 33 << 10) == 4


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_the_widest_tiles_keep_the_tensor_cores_busy(target):
    rows = counted(target, "--widest")
    assert all(row["bound"] == 1 for row in rows if row["kernel"].startswith("matrix product"))
    for row in rows:
        assert row["bound"] >= ASKED[target], row


@pytest.mark.triton
@pytest.mark.parametrize("target", TARGETS)
def test_all_tiles(target):
    counted(target)


def counted(target: str, *words: str) -> list[dict]:
    """In a process of its own: in this one kernels are interpreted."""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    command = [sys.executable, "-m", "benchmarks.kernels", "--json", "--target", target, *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len({(row["kernel"], row["factors"]) for row in rows}) == len(rows) > 4
    for row in rows:
        assert row["spilled"] == 0, row
        assert row["registers"] <= 255, row
        assert row["warps"] >= 8, row
        assert not row["atomics"], row
    return rows
