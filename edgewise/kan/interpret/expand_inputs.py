"""Networks that look at some columns, as networks of all columns."""

import copy

import torch

from edgewise._ground.errors import ConfigError
from edgewise.kan.interpret.expand import enlarged, silence
from edgewise.kan.network import Some


@torch.no_grad()
def expand_inputs(model: Some, columns: int) -> Some:
    """The same function with all columns of the data as inputs; there is no edge from those that were not looked at.

    Args:
        model: A network that looks at some columns, ``model.inputs``, or at all.
        columns: How many there are.

    Raises:
        ConfigError: The network looks at columns beyond them.

    Example:
        >>> from edgewise.kan import KAN
        >>> model, x = KAN([2, 3, 1], inputs=[4, 1]), torch.rand(10, 5)
        >>> wider = expand_inputs(model, 5)
        >>> wider.width, torch.allclose(wider(x), model(x), atol=1e-6)
        ([5, 3, 1], True)
    """
    looked = list(range(model[0].in_features)) if model.inputs is None else model.inputs
    if max(looked) >= columns:
        raise ConfigError(f"the network looks at column {max(looked)}, counted from 0, and there are to be {columns}")
    wider, first = copy.deepcopy(model), model[0]
    others = [column for column in range(columns) if column not in looked]
    wider[0] = enlarged(first, columns, looked, 0, ())
    silence(wider[0], others)
    mask = wider[0].mask.clone()
    mask[:, others] = False
    wider[0].set_mask(mask)
    wider.inputs = wider.names = None
    return wider
