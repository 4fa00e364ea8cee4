"""What a fit leaves is enough to go on with."""

import json

import numpy as np
import pytest
import torch

from edgewise._ground.errors import CheckpointError
from edgewise.io import load_model
from edgewise.kan import KAN
from edgewise.kan.discovery import Discovery
from edgewise.kan.discovery.folder import FitFolder
from edgewise.kan.discovery.scale import Scale
from edgewise.kan.interpret import symbolic_formula
from edgewise.kan.tables import read_table


def test_a_formula_in_large_units_is_read_without_the_old_rows(tmp_path):
    x = np.random.default_rng(0).uniform([200, 1e5], [400, 3e5], (50, 2))
    rows = np.c_[x, 5 * np.log(x[:, 0]) + (x[:, 1] / 1e5) ** 2]
    np.savetxt(tmp_path / "gas.csv", rows, delimiter=",", header="T [K],p,s", comments="")
    table = read_table(tmp_path / "gas.csv", "s")
    inputs, outputs = Scale.of(torch.tensor(table.x)), Scale.of(torch.tensor(table.y)[:, None])
    (t, p), (dt, dp), s, ds = inputs.mean.tolist(), inputs.deviation.tolist(), outputs.mean.item(), outputs.deviation.item()
    network = KAN([2, 1], base=None).double()
    network.fix_symbolic(0, 0, 0, "log", (dt, t, 5 / ds, -s / ds))
    network.fix_symbolic(0, 1, 0, "x^2", (dp / 1e5, p / 1e5, 1 / ds, 0.0))
    units = {"input_normalizer": inputs.pair(), "output_normalizer": outputs.pair()}
    formula = symbolic_formula(network, names=table.names, x=torch.tensor(table.x), **units)
    found = Discovery(network, network, formula, (), inputs, outputs, (), "all stages done")
    folder = FitFolder(tmp_path / "gas")
    folder.write(found, table.x, table)
    facts, network = json.loads(folder.facts.read_text()), load_model(folder.model)
    again = network.symbolic_formula(names=list(facts["columns"]))
    assert str(again) == facts["formula"] == str(formula)
    np.testing.assert_allclose(formula(x)[:, 0], table.y, rtol=1e-7)
    np.testing.assert_allclose(np.ravel(again(x)), network(torch.tensor(x))[:, 0].detach(), rtol=1e-5)


def test_facts_that_say_nothing_of_the_cells_are_refused(tmp_path):
    (tmp_path / "fit.json").write_text('{"target": "y", "columns": {"a": [0, 1]}, "dates": {"a": 5}}')
    (tmp_path / "t.csv").write_text("a\n1\n")
    with pytest.raises(CheckpointError, match=r"how .* read .*: fit again"):
        FitFolder(tmp_path).predict(tmp_path / "t.csv", tmp_path)
