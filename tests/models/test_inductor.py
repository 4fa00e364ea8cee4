"""Every registered model through Inductor: ``make test-inductor``, since each compiles for up to minutes."""

import pytest
import torch

from edgewise.models import create_model, list_models
from edgewise.testing import assert_within
from tests.contract.test_models import SETTINGS, make_parts_smaller

pytestmark = pytest.mark.inductor


@pytest.mark.filterwarnings("default")  # of Inductor itself
@pytest.mark.parametrize("name", list_models())
def test_compiled_equals_eager_in_values_and_gradients(name, monkeypatch):
    make_parts_smaller(name, monkeypatch)
    model = create_model(name, **SETTINGS[name]["options"])
    given, found = model.example_input(3), []
    x, *rest = given if isinstance(given, tuple) else (given,)
    for run in (model, torch.compile(model, fullgraph=True)):
        torch.manual_seed(1)
        leaf = x.clone().requires_grad_()
        y = run.eval()(leaf, *rest)
        y.square().mean().backward()
        found.append([y.detach(), leaf.grad, *(p.grad for p in model.parameters() if p.grad is not None)])
        model.zero_grad()
    torch.compiler.reset()
    assert len(found[0]) == len(found[1])
    for expected, compiled in zip(*found, strict=True):
        assert_within(compiled, expected, 1e-4)
