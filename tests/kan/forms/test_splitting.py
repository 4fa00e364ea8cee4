import math

import numpy as np
import pytest
import torch

from edgewise.kan.forms.constants import Rows
from edgewise.kan.forms.grammar import Grammar
from edgewise.kan.forms.splitting import Splitting
from edgewise.kan.functions import FUNCTIONS
from edgewise.kan.interpret import parse_formula, to_callable


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a*b*(1/tanh(c/d) - d/c)", ["a", "b", "c", "d"]),
        ("a/(b*(exp(1.3*c*d) - 1))", ["a", "b", "c", "d"]),
        ("1/(1 + exp(0.7*a - 1.9*b))", ["a", "b"]),
        ("a*b*(sqrt(1 + c/b) - 1)", ["a", "b", "c"]),
    ],
)
def test_what_is_reduced_is_found_exactly(text, names):
    formula = to_callable(parse_formula(text, names), names)
    x, beyond = (
        np.random.default_rng(0).uniform(1, 3, (300, len(names))),
        np.random.default_rng(1).uniform(0.9, 3.2, (99, len(names))),
    )
    search = Splitting(Rows(list(torch.tensor(x.T.copy())), formula(*x.T)), Grammar(tuple(FUNCTIONS)), lambda: math.inf)
    search.run()
    told, wanted = search.allowed[0].tree(list(torch.tensor(beyond.T.copy()))).numpy(), formula(*beyond.T)
    assert np.sqrt(np.mean((told - wanted) ** 2)) < 1e-8 * wanted.std()
