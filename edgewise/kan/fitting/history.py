"""What happened during a fit."""

from dataclasses import dataclass, field


@dataclass
class History:
    """The course of a fit, one entry a step.

    Attributes:
        loss: Training loss; of the mean square its root is :attr:`rmse`.
        test: Loss on the test rows, where there are any.
        penalty: The penalty that was added.
        outside: The largest fraction of a layer's inputs that fell off its grid; None where that is not measured.
        grid: Intervals of the first layer's grid; None where it has none.
        seconds: Time since the start.
        stopped: Why the fit ended.
    """

    loss: list[float] = field(default_factory=list)
    test: list[float] = field(default_factory=list)
    penalty: list[float] = field(default_factory=list)
    outside: list[float | None] = field(default_factory=list)
    grid: list[int | None] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    stopped: str = "all steps done"

    def __len__(self) -> int:
        return len(self.loss)

    def append(
        self,
        *,
        loss: float,
        penalty: float,
        outside: float | None,
        grid: int | None,
        seconds: float,
        test: float | None = None,
    ) -> None:
        """Add what one step gave, a number for each of the lists; of ``test`` only if there is one."""
        self.loss.append(loss)
        self.penalty.append(penalty)
        self.outside.append(outside)
        self.grid.append(grid)
        self.seconds.append(seconds)
        if test is not None:
            self.test.append(test)

    @property
    def rmse(self) -> list[float]:
        """Root of the training loss, for the mean squared error."""
        return [value**0.5 for value in self.loss]

    @property
    def test_rmse(self) -> list[float]:
        """Root of the test loss, for the mean squared error."""
        return [value**0.5 for value in self.test]

    def __repr__(self) -> str:
        last = f"loss {self.loss[-1]:.3g}" if self.loss else "nothing yet"
        last += f", test {self.test[-1]:.3g}" if self.test else ""
        return f"History({len(self)} steps, {last}, {self.stopped})"
