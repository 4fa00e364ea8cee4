"""A network of some columns as one of all: the same function."""

import pytest
import torch

from edgewise import ConfigError
from edgewise.kan import KAN
from edgewise.kan.interpret.expand_inputs import expand_inputs


@pytest.mark.parametrize("inputs", [None, [3, 0]])
def test_more_columns_are_inputs_without_edges(inputs):
    model, x = KAN([2, [2, 1], 1], inputs=inputs, names=["a", "b"]).double(), torch.randn(20, 5).double()
    model.fix_symbolic(0, 1, 0, "sin")
    wider = expand_inputs(model, 5)
    torch.testing.assert_close(wider(x), model(x[:, :2] if inputs is None else x))
    looked = inputs or [0, 1]
    others = [column for column in range(5) if column not in looked]
    assert wider.inputs is None
    assert not wider[0].edges()[:, others].any()
    assert wider[0].edges()[:, looked].all()
    with pytest.raises(ConfigError, match="looks at column"):
        expand_inputs(model, 1)
