"""Gradient shares through training: a Lightning callback and the file that it writes."""

import json
from pathlib import Path

import lightning.pytorch as pl

from edgewise.analysis.gradient_share import gradient_shares
from edgewise.io import atomic_write


class GradientShareLog(pl.Callback):
    """Appends a line for each layer to a JSON-lines file: ``step``, ``epoch``, ``layer``, ``splines``, ``base``.

    See :func:`edgewise.analysis.gradient_shares` for what the two numbers are. The training itself is left as it is.

    Args:
        path: The file, such as ``gradient_share.jsonl`` in a run's folder.
        every: Steps from one measurement to the next; the first is at step 0.
    """

    def __init__(self, path: str | Path, every: int = 50):
        self.path = Path(path)
        self.every = every
        self._block = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Forget the steps that a resumed run makes again."""
        if trainer.is_global_zero:
            lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
            kept = [line for line in lines if json.loads(line)["step"] < trainer.global_step]
            atomic_write(self.path, "".join(line + "\n" for line in kept).encode())

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: object, batch_idx: int
    ) -> None:
        """Begin to watch, at the steps to be measured."""
        if trainer.global_step % self.every == 0:
            self._block = gradient_shares(pl_module)
            self._shares = self._block.__enter__()

    def on_after_backward(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Measure what was watched, and write it down."""
        if self._block is None:
            return
        self._block.__exit__(None, None, None)
        self._block = None
        if trainer.is_global_zero:
            now = {"step": trainer.global_step, "epoch": trainer.current_epoch}
            lines = [now | {"layer": name, **vars(share)} for name, share in self._shares.items()]
            with self.path.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Stop watching."""
        if self._block is not None:
            self._block.__exit__(None, None, None)
            self._block = None
