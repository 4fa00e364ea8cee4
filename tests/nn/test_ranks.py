"""Several processes, each with rows of its own, end with one and the same grid."""

import warnings

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

from edgewise.kan import KAN
from edgewise.kan.interpret import prune
from edgewise.nn import KANConv2d, SaKANLinear, update_grid
from edgewise.nn.ranks import alone, as_on_first, rows_of_all, several

RANKS, ROWS = 2, (30, 41)


def rows(rank: int) -> torch.Tensor:
    return torch.randn(ROWS[rank], 3, generator=torch.Generator().manual_seed(rank), dtype=torch.float64) * (rank + 1)


def pictures(rank: int) -> torch.Tensor:
    return rows(rank)[:6].reshape(-1, 2, 3, 3)


def models() -> tuple[KAN, KANConv2d, SaKANLinear]:
    torch.manual_seed(0)
    return KAN([3, 4, 1]).double(), KANConv2d(2, 3, 2).double(), SaKANLinear(3, 2).double()


def move(network: KAN, conv: KANConv2d, shared: SaKANLinear, x: torch.Tensor, images: torch.Tensor) -> None:
    network.update_grid(x)
    update_grid(conv, images)
    update_grid(shared, x)


def work(rank: int, folder: str) -> None:
    warnings.simplefilter("error")
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=RANKS)
    try:
        network, conv, shared = models()
        wrapped = nn.parallel.DistributedDataParallel(network)
        wrapped(rows(rank)).sum().backward()
        move(wrapped.module, conv, shared, rows(rank), pictures(rank))
        assert several()
        gathered = rows_of_all(rows(rank).to(torch.float32))
        with alone():
            assert not several()
            assert torch.equal(rows_of_all(rows(rank)), rows(rank))
            fitted = KAN([3, 1]).double()
            if rank == 0:  # a fit of one's own waits for nobody
                fitted.fit((rows(0), rows(0)[:, :1]), steps=2, progress=False)
        if rank == 0:
            KAN([3, 1]).double().fit((rows(0), rows(0)[:, :1]), steps=2, progress=False)
        half = KAN([3, 4, 1]).double()
        half.load_state_dict(dict(models()[0].state_dict()))
        smaller = prune(half, rows(rank), node_threshold=0.5)
        told = torch.full((2,), float(rank))
        as_on_first([told])
        state = {f"{i}.{n}": t for i, m in enumerate((network, conv, shared)) for n, t in m.state_dict().items()}
        state |= {f"smaller.{name}": tensor for name, tensor in smaller.state_dict().items()}
        torch.save({"state": state, "gathered": gathered, "told": told}, f"{folder}/{rank}.pt")
    finally:
        dist.destroy_process_group()


@pytest.mark.slow
def test_all_ranks_move_their_grids_by_all_rows_to_the_bit(tmp_path):
    mp.spawn(work, (str(tmp_path),), nprocs=RANKS)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(RANKS))
    everything = torch.cat([rows(0), rows(1)])
    for found in (first, second):
        assert torch.equal(found["gathered"], everything.float())
        assert found["told"].tolist() == [0.0, 0.0]
    alike = models()
    move(*alike, everything, torch.cat([pictures(0), pictures(1)]))
    wanted = {f"{i}.{n}": t for i, m in enumerate(alike) for n, t in m.state_dict().items()}
    smaller = prune(models()[0], everything, node_threshold=0.5)
    wanted |= {f"smaller.{name}": tensor for name, tensor in smaller.state_dict().items()}
    assert len(smaller[0].mask) < 4
    assert first["state"].keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert torch.equal(first["state"][name], second["state"][name])
        assert torch.allclose(first["state"][name], tensor, rtol=1e-12, atol=1e-12)


def test_one_process_is_alone():
    assert not several()
    assert torch.equal(rows_of_all(rows(0)), rows(0))
