"""What a study sees of a run: its validation score after each epoch, and whether the run is worth going on with."""

from typing import TYPE_CHECKING

import lightning.pytorch as pl

if TYPE_CHECKING:
    from optuna.trial import Trial


class Watch(pl.Callback):
    """Reports the score of each epoch to a trial, and ends the training, files in order, where the study prunes it.

    Args:
        trial: The trial that the run belongs to.
        score: Name of the logged score.
        lines: What an earlier process measured of the run, an epoch a line.
        epochs: Of the whole run; after the last there is nothing to prune.
    """

    def __init__(self, trial: "Trial", score: str, lines: list[dict], epochs: int):
        self.trial, self.score, self.epochs = trial, score, epochs
        self.reported, self.pruned = 0, False
        for line in lines:  # judged one by one, since Hyperband records a run's value when it judges
            self._report(line[score])
            if self.pruned:
                break

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Train no further where the process died between the decision to prune and the end of the run."""
        trainer.should_stop = self.pruned

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report and judge; an epoch that is trained again after a crash, to the same bits, was reported before."""
        if trainer.current_epoch == self.reported:
            self._report(trainer.callback_metrics[self.score].item())
            trainer.should_stop = trainer.should_stop or self.pruned

    def _report(self, score: float) -> None:
        self.reported += 1
        self.trial.report(score, self.reported)  # a step is an epoch that was trained
        self.pruned = self.reported < self.epochs and self.trial.should_prune()
