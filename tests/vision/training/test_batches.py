"""Batches that several processes share."""

from types import SimpleNamespace

import pytest
from torch.utils.data import DistributedSampler

from edgewise import ConfigError
from edgewise.vision.training.batches import EpochBatches


class Numbers(list):
    """A dataset that knows of epochs."""

    def set_epoch(self, epoch):
        self.epoch = epoch


def batches(count: int, size: int) -> EpochBatches:
    found = EpochBatches()
    machine = SimpleNamespace(workers=0, pins=False)
    found.recipe = SimpleNamespace(batch_size=size, seed=3, machine=machine)
    found.train, found.validation = Numbers(range(count)), Numbers(range(5))
    return found


@pytest.mark.parametrize(("count", "replicas"), [(17, 2), (17, 4), (8, 2), (7, 2), (3, 2)])
def test_processes_see_together_what_one_sees(count, replicas):
    images = batches(count, size=4)
    for epoch in range(2):
        alone = [sorted(batch.tolist()) for batch in images.train_batches(epoch, 0, 1)]
        parts = [list(images.train_batches(epoch, rank, replicas)) for rank in range(replicas)]
        together = [sorted(n for part in step for n in part.tolist()) for step in zip(*parts, strict=True)]
        if count < 4:  # fewer than a batch: what cannot be shared evenly is left out
            assert len(together) == 1
            assert len(together[0]) == count // replicas * replicas
        else:
            assert together == alone


def test_each_process_validates_all():
    images = batches(8, size=2)
    for rank in range(2):
        loader = images.validation_batches(rank, 2)
        assert [n for batch in loader for n in batch.tolist()] == [0, 1, 2, 3, 4]
        assert isinstance(loader.sampler, DistributedSampler)  # which Lightning leaves as it is
        assert isinstance(images.train_batches(0, rank, 2).sampler, DistributedSampler)


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(ConfigError, match="batch_size is 3 and 2 devices share it: make it a multiple of 2"):
        batches(8, size=3).train_batches(0, 0, 2)
