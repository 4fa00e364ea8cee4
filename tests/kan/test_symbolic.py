import copy
import io
import pickle

import pytest
import safetensors.torch
import torch
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.kan.functions import FUNCTIONS, function
from edgewise.kan.symbolic import SymbolicEdges
from edgewise.testing import assert_within

EDGES = {
    (0, 0): ("sin", (1.5, 0.25, -2.0, 0.125)),
    (0, 2): ("gaussian", (0.5, 1.0, 1.0, -1.0)),
    (1, 0): ("sin", (-0.5, 2.0, 1.0, 0.5)),
    (2, 1): ("x^2", (1.0, 0.0, 3.0, 0.0)),
}


def made(dtype=torch.float64) -> SymbolicEdges:
    edges = SymbolicEdges(3, 4, dtype=dtype)
    for (out, into), (name, affine) in EDGES.items():
        edges.fix(out, into, name, affine)
    return edges


def by_hand(x: torch.Tensor) -> torch.Tensor:
    y = x.new_zeros(len(x), 4)
    for (out, into), (name, (a, b, c, d)) in EDGES.items():
        y[:, out] += c * FUNCTIONS[name](a * x[:, into] + b) + d
    return y


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_is_the_sum_of_its_formulas(dtype):
    x = torch.randn(20, 3, dtype=dtype)
    y = made(dtype)(x)
    assert y.dtype == dtype
    assert_within(y.detach(), by_hand(x), 1e-6 if dtype == torch.float32 else 1e-14)
    assert not y[:, 3].any()


def test_values_of_single_edges_come_with_their_places():
    x = torch.randn(7, 3, dtype=torch.float64)
    values, outs, inputs = made().edge_values(x)
    assert sorted(zip(outs.tolist(), inputs.tolist(), strict=True)) == sorted(EDGES)
    for column, place in zip(values.T, zip(outs.tolist(), inputs.tolist(), strict=True), strict=True):
        name, (a, b, c, d) = EDGES[place]
        assert_within(column.detach(), c * function(name)(a * x[:, place[1]] + b) + d, 1e-14)


def test_gradients_by_finite_differences():
    edges, x = made(), torch.randn(5, 3, dtype=torch.float64, requires_grad=True)

    def evaluate(x, affine):
        return torch.func.functional_call(edges, {"affine": affine}, (x,))

    assert torch.autograd.gradcheck(evaluate, (x, edges.affine))
    assert torch.autograd.gradgradcheck(evaluate, (x, edges.affine))


def test_edges_without_a_function_give_nothing_and_learn_nothing():
    edges = SymbolicEdges(3, 4)
    y = edges(torch.randn(5, 3))
    assert y.shape == (5, 4)
    assert not y.any()
    edges = made()
    edges(torch.randn(5, 3).double()).square().sum().backward()
    assert not edges.affine.grad[~edges.present].any()
    assert edges.affine.grad[edges.present].all()


def test_an_edge_changes_its_function_and_loses_it():
    edges, x = made(), torch.randn(9, 3, dtype=torch.float64)
    edges(x)
    edges.fix(2, 1, "exp", (1.0, 0.0, 1.0, 0.0))
    assert_within(edges(x)[:, 2].detach(), x[:, 1].exp(), 1e-14)
    assert edges.name(2, 1) == "exp"
    edges.clear(2, 1)
    assert edges.name(2, 1) is None
    assert not edges(x)[:, 2].any()
    assert int(edges.present.sum()) == 3


@pytest.mark.parametrize("call", ["fix", "clear"])
@pytest.mark.parametrize("place", [(4, 0), (0, 3), (-1, 0), (0, -1)])
def test_an_edge_that_is_not_there_is_refused(call, place):
    edges = made()
    with pytest.raises(ConfigError, match=f"no edge from input {place[1]} to output {place[0]}: inputs count from 0 to 2"):
        edges.fix(*place, "sin") if call == "fix" else edges.clear(*place)
    assert torch.equal(edges.affine, made().affine)
    assert torch.equal(edges.names, made().names)


@pytest.mark.parametrize("affine", [(1.0, 2.0), 3.0, [[1.0, 0.0, 1.0, 0.0]]])
def test_other_than_four_numbers_are_refused(affine):
    edges = made()
    with pytest.raises(ConfigError, match="four numbers a, b, c, d"):
        edges.fix(0, 0, "exp", affine)
    assert edges.name(0, 0) == "sin"


def test_an_unknown_function_and_other_inputs_are_refused():
    with pytest.raises(ConfigError, match="unknown function 'sine'; did you mean 'sin'"):
        made().fix(0, 0, "sine")
    with pytest.raises(ConfigError, match=r"expected 3 features in the last dimension, got shape \(2, 4\)"):
        made()(torch.zeros(2, 4))


def through_safetensors(edges):
    other = SymbolicEdges(3, 4, dtype=torch.float64)
    other(torch.zeros(1, 3).double())  # notes that there are no functions, and has to forget it
    other.load_state_dict(safetensors.torch.load(safetensors.torch.save(edges.state_dict())))
    return other


def through_torch(edges):
    file = io.BytesIO()
    torch.save(edges, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize(
    "how", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e)), through_safetensors, through_torch],
    ids=["deepcopy", "pickle", "safetensors", "torch.save"],
)  # fmt: skip
def test_copies_compute_the_same_and_are_of_their_own(how):
    edges, x = made(), torch.randn(6, 3, dtype=torch.float64)
    expected = edges(x)
    twin = how(edges)
    assert torch.equal(twin(x), expected)
    twin.clear(0, 0)
    assert torch.equal(edges(x), expected)
    assert not torch.equal(twin(x), expected)


def test_subset_keeps_the_edges_between():
    part, x = made().subset([2, 0], [1, 0]), torch.randn(6, 2, dtype=torch.float64)
    assert [[part.name(o, i) for i in range(2)] for o in range(2)] == [["x^2", None], [None, "sin"]]
    expected = torch.stack([3 * x[:, 0] ** 2, -2 * torch.sin(1.5 * x[:, 1] + 0.25) + 0.125], 1)
    assert_within(part(x).detach(), expected, 1e-14)


def test_moved_from_the_meta_device_it_has_no_function():
    edges = SymbolicEdges(3, 4, device="meta")
    assert edges.affine.is_meta
    edges.to_empty(device="cpu")
    assert not edges.present.any()
    assert not edges(torch.randn(2, 3)).any()
    edges.load_state_dict(made(torch.float32).state_dict())
    x = torch.randn(2, 3)
    assert torch.equal(edges(x), made(torch.float32)(x))


def test_other_types_of_input_and_cast():
    edges, x = made(), torch.randn(8, 3)
    assert edges(x).dtype == torch.float64  # float32 rows, float64 numbers: the wider, as torch has it
    assert edges.float()(x).dtype == torch.float32
    assert edges.names.dtype == torch.uint8


def test_a_number_outside_of_a_function_stays_in_its_row():
    edges = SymbolicEdges(1, 1, dtype=torch.float64)
    edges.fix(0, 0, "log")
    y = edges(torch.tensor([[-1.0], [0.0], [1.0]], dtype=torch.float64)).detach().squeeze(1)
    assert y[0].isnan()
    assert y[1:].tolist() == [-torch.inf, 0]


def test_says_how_many_there_are():
    assert "3, 4, symbolic=4" in repr(made())
    assert isinstance(made(), nn.Module)
