"""Training and evaluation mode, put back as they were."""

import contextlib
from collections.abc import Iterator

from torch import nn


@contextlib.contextmanager
def keeping_modes(*models: nn.Module) -> Iterator[None]:
    """Whatever happens within, afterwards each module is in the mode it was in, one by one.

    Example:
        >>> model = nn.Sequential(nn.Dropout().eval())
        >>> with keeping_modes(model):
        ...     _ = model.train()
        >>> model.training, model[0].training
        (True, False)
    """
    modes = [(module, module.training) for model in models for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
