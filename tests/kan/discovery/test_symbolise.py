import pytest
import torch

from edgewise.kan import KAN
from edgewise.kan.discovery.symbolise import symbolise
from edgewise.kan.interpret.symbolic import Candidate, Choice

PLAIN = (1.0, 0.0, 1.0, 0.0)
LADDER = {  # a function, and what it leaves over of an edge's variance; from the simplest
    "x": 0.3, "x^2": 0.05, "x^3": 0.005, "exp": 0.0005, "sin": 5e-8, "tanh": 5e-9, "gaussian": 1e-9,
}  # fmt: skip


def offered(monkeypatch, *candidates):
    """On each edge of layers of one edge these are found."""

    def found(network, *_, **__):
        return [Choice(layer, 0, 0, None, candidates) for layer in range(len(network))]

    monkeypatch.setattr("edgewise.kan.discovery.symbolise.auto_symbolic", found)


def names_of(network):
    return tuple(None if layer.symbolic is None else layer.symbolic.name(0, 0) for layer in network)


def found_by(deviances, width=(1, 1)):
    """What is found if networks with these functions on their edges have these deviances, and which were asked for."""
    asked, rows = [], torch.rand(30, 1).double()

    def refit(network):
        asked.append(names_of(network))
        return deviances(names_of(network))

    return names_of(symbolise(KAN(list(width)).double(), rows, refit).network), asked


def test_functions_are_tried_that_are_as_simple_as_some_loss_of_accuracy_allows(monkeypatch):
    """Twice, 10 and 100 times the least error, or 0.1, 1 and 10 percent of the variance; what leaves over more is wrong."""
    offered(monkeypatch, *(Candidate(name, error, cost, PLAIN) for cost, (name, error) in enumerate(LADDER.items(), 1)))
    _, asked = found_by(lambda names: {("gaussian",): -1e6}.get(names, 0.0))
    first = asked[: len(LADDER) - 1]
    assert {name for (name,) in first} == LADDER.keys() - {"x"}


@pytest.mark.parametrize(("constant", "name"), [(3e5, "sin"), (3e6, "x^2")])
def test_constants_that_cancel_to_six_digits_are_no_formula(constant, name, monkeypatch):
    sine = Candidate("sin", 1e-9, 2, (1 / constant, 1.6, constant, -constant))
    offered(monkeypatch, Candidate("x^2", 0.05, 2, PLAIN), sine)
    found, _ = found_by(lambda names: {"sin": -1000.0, "x^2": -900.0, None: 0.0}[names[0]])
    assert found == (name,)


def test_the_second_best_of_a_layer_may_be_the_best_with_the_next(monkeypatch):
    offered(monkeypatch, Candidate("x", 0.05, 2, PLAIN), Candidate("sin", 1e-9, 2, PLAIN))

    def deviances(names):
        return {("sin", None): -100.0, ("x", None): -90.0, ("x", "sin"): -1000.0}.get(names, 0.0)

    assert found_by(deviances, (1, 1, 1))[0] == ("x", "sin")
