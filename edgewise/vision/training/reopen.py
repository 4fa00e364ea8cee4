"""A run, opened again to be looked at: its network, the epochs that it kept, and pictures that it was not trained on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open
from torch import Tensor, nn
from torch.utils.data import default_collate

from edgewise._ground.device import device_of
from edgewise._ground.errors import CheckpointError, ConfigError
from edgewise.io import read_weights
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.training.recipe import Recipe
from edgewise.vision.training.tasks import task_of


class KeptWeights(Mapping[str, Tensor]):
    """The parameters of one kept epoch; each is read when it is asked for, so that many epochs need little memory.

    Args:
        path: A file that :func:`edgewise.io.save_model` wrote; its digest is checked here.
        names: Of the parameters; what else is in the file, such as running means, is left out.

    Raises:
        CheckpointError: The file is corrupted.
    """

    def __init__(self, path: Path, names: Sequence[str]):
        read_weights(path)  # load_model would build the network, too, which takes seconds an epoch
        self.names = tuple(names)
        self._file = safe_open(path, framework="pt")

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.names:
            raise KeyError(name)
        return self._file.get_tensor(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class OpenRun:
    """What analyses need of a run; see :func:`reopen`."""

    folder: RunFolder
    recipe: Recipe

    def network(self, device: str = "cpu") -> nn.Module:
        """The best epoch, in evaluation mode."""
        return task_of(self.recipe).load(self.folder.model).to(device_of(device))

    def last_kept(self, device: str = "cpu") -> nn.Module:
        """The last of the kept epochs."""
        return task_of(self.recipe).load(self._kept(1)[-1]).to(device_of(device))

    def kept_weights(self, network: nn.Module, least: int = 1) -> dict[int, KeptWeights]:
        """Parameters by epoch.

        Args:
            network: Of the run, which tells parameters from buffers.
            least: How many epochs are needed.

        Raises:
            CheckpointError: Fewer were kept, or a file is corrupted.
        """
        names = [name for name, _ in network.named_parameters()]
        return {int(path.stem): KeptWeights(path, names) for path in self._kept(least)}

    def batches(self, count: int, size: int, seed: int = 0) -> list[tuple[Tensor, Tensor]]:
        """Validation pictures with their classes or masks, the same ones each time.

        Args:
            count: How many pictures, drawn without repetition; all, if there are fewer.
            size: Of a batch.
            seed: Of the draw.

        Raises:
            DataError: The pictures are not those that the run was started with.
        """
        if min(count, size) < 1 or seed < 0:
            raise ConfigError(
                f"pictures and the size of a batch must be at least 1 and the seed at least 0, got {count}, {size}, {seed}"
            )
        task = task_of(self.recipe)
        data = task.images(self.recipe, self.folder.read_inventory()).validation
        chosen = np.random.default_rng(seed).permutation(len(data))[:count].tolist()
        parts = [default_collate([data[i] for i in chosen[start : start + size]]) for start in range(0, len(chosen), size)]
        return [(part["image"], part[task.truth]) for part in parts]

    def criterion(self) -> Callable[[Tensor, Tensor], Tensor]:
        """The loss that it was trained with, without smoothing and mixing."""
        return task_of(self.recipe).criterion(self.recipe, self.folder.read_facts())

    def _kept(self, least: int) -> list[Path]:
        kept = list(self.folder.kept_epochs().values())
        if len(kept) < least:
            raise CheckpointError(
                f"{self.folder.path} keeps {len(kept)} epochs and this analysis needs {least} at least: train it with "
                "--keep-every 1"
            )
        return kept


def reopen(run_dir: str | Path) -> OpenRun:
    """Open a run to look at it.

    Args:
        run_dir: A folder made by :func:`edgewise.vision.train`; the run may be unfinished.

    Raises:
        CheckpointError: The folder holds no run.
    """
    folder = RunFolder(run_dir)
    return OpenRun(folder, folder.read_recipe())
