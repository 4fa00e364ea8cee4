"""The progress line of a fit: where there is a terminal to show it, the losses."""

from edgewise._ground.progress import ProgressLine
from edgewise.kan.fitting.history import History


class Progress(ProgressLine):
    """Shows how far a fit is and its losses, on the error output.

    Args:
        shown: Whether to; None: as a bar where the error output is a terminal, else a line each half minute.
        total: Number of steps; None: nobody knows.
    """

    def __init__(self, shown: bool | None, total: int | None):
        super().__init__("fit", total, shown=shown, errors=True)

    def advance(self, history: History) -> None:
        """One step is done."""
        self.step()
        test = f", test {history.test[-1]:.2e}" if history.test else ""
        self.say(note=f"loss {history.loss[-1]:.2e}{test}")
