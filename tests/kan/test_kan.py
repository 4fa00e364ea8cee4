import copy
import json
import pickle
import random

import numpy as np
import pytest
import torch

from edgewise._ground.errors import ConfigError
from edgewise.bases import BSpline, Fourier
from edgewise.io import load_model, save_model
from edgewise.kan import KAN
from edgewise.kan.interpret.prune import keep_nodes, refine
from edgewise.kan.width import nearest_pairs
from edgewise.models import create_model
from edgewise.nn import Balanced, EfficientKAN, KANLinear
from edgewise.testing import assert_within
from tests.pykan_networks import cut, fix_symbolic, twin


def test_is_its_layers_one_after_the_other():
    model, x = KAN([4, 3, 2], Fourier(2), base="tanh"), torch.randn(6, 4)
    assert torch.equal(model(x), model[1](model[0](x)))
    assert [(layer.in_features, layer.out_features, layer.edge.base) for layer in model] == [(4, 3, "tanh"), (3, 2, "tanh")]


def test_number_of_parameters():
    assert sum(p.numel() for p in KAN([2, 5, 1], BSpline(5, 3)).parameters()) == 15 * 9


@pytest.mark.parametrize(
    "basis",
    [BSpline(3, 2, (-1, 2), "linear"), {"name": "bspline", "grid_size": 3, "degree": 2, "domain": [-1, 2]}],
    ids=str,
)
def test_rebuilt_from_its_config(basis):
    model = create_model("kan", width=[3, 4, 2], basis=basis, base=None)
    rebuilt = create_model(model.config["name"], **model.config["options"])
    rebuilt.load_state_dict(model.state_dict())
    x = torch.randn(5, 3)
    assert rebuilt.config == model.config
    assert rebuilt[0].edge == model[0].edge
    assert torch.equal(rebuilt(x), model(x))


def test_learns_a_product():
    torch.manual_seed(0)
    model = KAN([2, 5, 1]).double()
    x = 2 * torch.rand(200, 2, dtype=torch.float64) - 1
    target = x.prod(1, keepdim=True)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=60, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        value = (model(x) - target).square().mean()
        value.backward()
        return value

    optimizer.step(loss)
    assert_within(model(x).detach(), target, 0.03)


def busy(dtype=torch.float64) -> KAN:
    """A network on which all has been done that can be: products, scales, columns, formulas, cuts, moved grids."""
    model = KAN([2, [2, 1], [1, [2, 3]], 2], grid=3, scale=True, affine=True, inputs=[2, 0]).to(dtype)
    model.update_grid(torch.randn(100, 3, dtype=dtype))
    model = refine(model, [4, 5, 6])
    model.fix_symbolic(1, 0, 2, "sin", (1.5, 0.0, 2.0, 0.5))
    mask = model[0].mask.clone()
    mask[0, 1] = mask[3, 0] = False
    model[0].set_mask(mask)
    return keep_nodes(model, [[1, 2], [0, 1, 2]])


def through_file(model, tmp_path):
    save_model(model, tmp_path / "model.safetensors")
    return load_model(tmp_path / "model.safetensors")


def through_state(model, tmp_path):
    torch.save(model.state_dict(), tmp_path / "state.pt")
    other = create_model(model.config["name"], **model.config["options"]).to(next(model.parameters()).dtype)
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    return other


def through_torch(model, tmp_path):
    torch.save(model, tmp_path / "model.pt")
    return torch.load(tmp_path / "model.pt", weights_only=False)


COPIES = {
    "deepcopy": lambda model, _: copy.deepcopy(model),
    "pickle": lambda model, _: pickle.loads(pickle.dumps(model)),
    "torch.save": through_torch,
    "state dict": through_state,
    "safetensors": through_file,
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("how", COPIES.values(), ids=COPIES)
def test_copies_of_a_network_on_which_all_has_been_done(how, dtype, tmp_path):
    model, x = busy(dtype), torch.randn(200, 3, dtype=dtype)
    expected = model(x)
    twin = how(model, tmp_path)
    assert twin.config == model.config
    assert twin.inputs == [2, 0]
    assert twin.width == model.width == [2, [1, [2]], [1, [2, 3]], 2]
    assert torch.equal(twin(x), expected)
    assert {n: t.dtype for n, t in twin.state_dict().items()} == {n: t.dtype for n, t in model.state_dict().items()}
    twin.fit((x, expected.detach()), steps=1, optimizer="adam")  # which works on them all
    assert torch.equal(model(x), expected)


def test_a_network_with_formulas_in_one_layer_only_is_saved_too(tmp_path):
    model, x = KAN([2, 3, 1]), torch.rand(4, 2)
    model[0].fix_symbolic(0, 1, "exp")
    again = through_file(model, tmp_path)
    assert torch.equal(again(x), model(x))
    assert [layer.symbolic is not None for layer in again] == [True, False]
    with pytest.raises(ConfigError, match="symbolic must be one answer, or one for each of 2 layers"):
        KAN([2, 3, 1], symbolic=[True])


def test_numpy_numbers_leave_a_config_of_plain_json():
    model = KAN([np.int64(2), [np.int64(1), np.int64(1)], 1], grid=np.int64(4), k=np.int64(2), inputs=np.array([3, 1]))
    assert json.loads(json.dumps(model.config)) == model.config


def test_building_touches_nothing_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    width, arities = [2, [1, 1], 1], [[], [3], []]
    torch.manual_seed(5)
    before = np.random.get_state()[1].tolist(), random.getstate(), torch.get_default_dtype()  # noqa: NPY002
    first = KAN(width, mult_arity=arities)
    following = torch.rand(3)
    torch.manual_seed(5)
    again = KAN(width, mult_arity=arities)
    assert torch.equal(torch.rand(3), following)  # drawn from the one generator of torch, and not reseeded:
    assert not torch.equal(KAN(width, mult_arity=arities)[0].coef, first[0].coef)
    assert torch.equal(again[0].coef, first[0].coef)
    assert before == (np.random.get_state()[1].tolist(), random.getstate(), torch.get_default_dtype())  # noqa: NPY002
    assert (width, arities) == ([2, [1, 1], 1], [[], [3], []])
    assert not list(tmp_path.iterdir())


def test_built_on_the_meta_device():
    with torch.device("meta"):
        model = KAN([2, [1, 2], 1], scale=True, affine=True, symbolic=True, sparse=True)
    assert all(t.is_meta for t in model.state_dict().values())
    source = KAN([2, [1, 2], 1], scale=True, affine=True, symbolic=True, sparse=True)
    source.fix_symbolic(0, 1, 2, "sin")
    x = torch.rand(6, 2)
    assert torch.equal(_loaded(model.to_empty(device="cpu"), source)(x), source(x))


def _loaded(model, source):
    model.load_state_dict(source.state_dict())
    return model


def test_width_is_what_makes_the_same_network():
    model = KAN([3, [2, 1], [0, 2], 1], mult_arity=[[], [2], [3, 4], []])
    assert model.width == [3, [2, [2]], [0, [3, 4]], 1]
    again = KAN(model.width)
    assert [layer.coef.shape for layer in again] == [layer.coef.shape for layer in model]


def test_values_with_products_of_the_same_arity_are_those_of_pykan(pykan):
    theirs = pykan([3, [2, 2], [1, 1], 2], grid=4, k=3, mult_arity=3)
    fix_symbolic(theirs, 0, 1, 3, "sin", (1.5, 0.25, -2.0, 0.125))
    fix_symbolic(theirs, 1, 0, 0, "gaussian", (0.5, 0.0, 2.0, 1.0), "sn")
    cut(theirs, 0, 0, 0)
    x = 3 * torch.rand(50, 3) - 1.5
    assert_within(twin(theirs)(x).detach(), theirs(x).detach(), 1e-11)


@pytest.mark.parametrize("base", ["silu", "identity", "zero"])
def test_values_with_products_of_different_arities_are_those_of_pykan(pykan, base):
    theirs = pykan([3, [2, 2], 2], grid=4, k=2, mult_arity=[[], [2, 3], []], base_fun=base)
    with torch.no_grad():
        for name, p in theirs.named_parameters():
            if name.startswith(("node_", "subnode_")):
                p.normal_()
    x = 2 * torch.rand(50, 3) - 1
    assert_within(twin(theirs)(x).detach(), theirs(x).detach(), 1e-11)


def test_values_after_an_update_of_the_grid_are_those_of_pykan(pykan):
    theirs, x = pykan([2, 3, 1], grid=5, k=3), torch.randn(200, 2)
    theirs.update_grid(x)
    assert_within(twin(theirs)(x).detach(), theirs(x).detach(), 1e-10)


def test_any_leading_dimensions_but_a_trace_takes_rows():
    model, x = KAN([2, [1, 1], 1]).double(), torch.rand(3, 4, 2, dtype=torch.float64)
    assert torch.equal(model(x), model(x.view(12, 2)).view(3, 4, 1))
    for shape in [(3, 4, 2), (2,), (3, 3)]:
        with pytest.raises(ConfigError, match=r"a trace needs rows \(N, inputs\) of 2 inputs, got shape"):
            model.trace(torch.zeros(shape))
    with pytest.raises(ConfigError, match="expected 2 features"):
        model(torch.zeros(3, 3))


def test_a_trace_is_what_happens_on_the_way():
    model, x = busy(), torch.randn(10, 3, dtype=torch.float64)
    trace = model.trace(x)
    assert torch.equal(trace.inputs[0], x[:, [2, 0]])
    for layer, before, subnodes, after in zip(
        model, trace.inputs, trace.subnodes, [*trace.inputs[1:], trace.output], strict=True
    ):
        assert torch.equal(layer.subnodes(before), subnodes)
        assert torch.equal(layer.join(subnodes), after)
    assert torch.equal(trace.output, model(x))


def test_columns_it_does_not_look_at_have_no_effect():
    model, x = KAN([2, 3, 1], inputs=[3, 1]), torch.randn(2, 5, 4)
    other = KAN([2, 3, 1])
    other.load_state_dict(dict(model.state_dict()))
    assert torch.equal(model(x), other(x[..., [3, 1]]))
    with pytest.raises(ConfigError, match=r"looks at columns \[3, 1\], and the data has 3"):
        model(x[..., :3])


@pytest.mark.parametrize("inputs", [[0], [0, 1, 2], [0, -1]])
def test_impossible_columns_are_refused(inputs):
    with pytest.raises(ConfigError, match="inputs must name 2 columns"):
        KAN([2, 3, 1], inputs=inputs)


def test_frozen_parameters_stay():
    model = KAN([2, 3, 1], frozen=["base_weight"])
    before = [layer.base_weight.clone() for layer in model]
    x = torch.rand(200, 2)
    model.fit((x, x.prod(1)), optimizer="lm", steps=2)
    assert all(torch.equal(layer.base_weight, old) for layer, old in zip(model, before, strict=True))
    assert not copy.deepcopy(model)[0].base_weight.requires_grad
    assert create_model("kan", **model.config["options"])[0].base_weight.requires_grad is False
    with pytest.raises(ConfigError, match="frozen names 'scale', which the layers have not"):
        KAN([2, 3, 1], frozen=["scale"])


def test_sparse_start():
    model = KAN([4, 6, 2], sparse=True)
    assert torch.equal(model[0].mask, nearest_pairs(4, 6))
    assert torch.equal(model[1].mask, nearest_pairs(6, 2))


@pytest.mark.parametrize("layer", [-1, 2])
def test_formulas_in_a_layer_that_is_not_there_are_refused(layer):
    with pytest.raises(ConfigError, match=f"layer must be from 0 to 1, got {layer}"):
        KAN([2, 3, 1]).fix_symbolic(layer, 0, 0, "sin")


def test_a_slice_is_a_part_of_the_network():
    model, x = KAN([2, 3, 4, 1]), torch.rand(5, 2)
    assert torch.equal(model[1:](model[0](x)), model(x))


@pytest.mark.slow
def test_compiled_with_masks_equals_eager():
    model, x = KAN([2, [2, 1], 1], sparse=True).double(), torch.rand(9, 2, dtype=torch.float64)
    compiled = torch.compile(model, backend="aot_eager")
    assert_within(compiled(x).detach(), model(x).detach(), 1e-12)
    torch.compiler.reset()


def test_initialisations_by_name():
    for name, init in (("balanced", Balanced()), ("efficient_kan", EfficientKAN())):
        torch.manual_seed(0)
        named = create_model("kan", width=[4, 3, 2], init=name)
        torch.manual_seed(0)
        given = KAN([4, 3, 2], init=init)
        assert all(torch.equal(p, q) for p, q in zip(named.parameters(), given.parameters(), strict=True))
    with pytest.raises(ConfigError, match="unknown initialisation 'efficient'; did you mean 'efficient_kan'"):
        KAN([4, 3, 2], init="efficient")


def test_networks_go_on_along_tangents_beyond_their_grids_and_layers_fade():
    assert [layer.edge.basis.outside for layer in KAN([2, 3, 1])] == ["linear", "linear"]
    assert KANLinear(2, 1).edge.basis.outside == "zero"
    assert [layer.edge.basis for layer in KAN([2, 1, 1], k=1)] == [BSpline(degree=1, outside="clamp")] * 2  # no tangent
    assert KAN([2, 1], BSpline(4))[0].edge.basis == BSpline(4)
    torch.manual_seed(0)
    model = KAN([1, 3, 1], base=None).double()
    model.update_grid(torch.rand(100, 1).double())
    ends = model[0].state.knots[0, [3, -4]].unsqueeze(1).clone().requires_grad_()
    (slope,) = torch.autograd.grad(model[0](ends).sum(), ends)
    for end, sign, rise in zip(ends.detach(), (-1, 1), slope, strict=True):
        far = end + sign * torch.tensor([[1e-9], [1.0], [5.0]]).double()
        values = model[0](far).sum(1)
        assert_within(values - model[0](end.unsqueeze(0)).sum(), (far - end)[:, 0] * rise, 1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_lognormal_rows_are_learned_into_their_tails(seed):
    torch.manual_seed(seed)
    x, new = torch.randn(500, 2).exp().double(), torch.randn(500, 2).exp().double()
    model = KAN([2, 1]).double()
    model.fit((x, x[:, [0]].log() + x[:, [1]].sqrt()), optimizer="lm", steps=20)
    error = model(new) - new[:, [0]].log() - new[:, [1]].sqrt()
    assert error.square().mean().sqrt() < 0.05
