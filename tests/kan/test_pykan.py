import pickle
import warnings
from pathlib import Path

import pytest
import torch

from edgewise._ground.errors import CheckpointError, ConfigError
from edgewise.kan import FUNCTIONS, register_function
from edgewise.kan.pykan import from_pykan
from edgewise.models import create_model
from tests.pykan_networks import cut, fix_symbolic

kan = pytest.importorskip("kan")
pytest.importorskip("yaml")


def rows(width=3, low=-1.4, high=1.4):
    """Inside the grid, in its margins and beyond."""
    return low + (high - low) * torch.rand(200, width)


def plain(make):
    return make([3, 4, 2], grid=5, k=3)


def grids_of_layers(make):
    return make([3, 4, 2], grid=[3, 7], k=[2, 4])


def moved_grid(make):
    theirs = make([3, 4, 2], grid=4)
    theirs.update_grid(rows())
    return theirs


def wide_grid(make):
    return make([3, 4, 2], grid=4, grid_range=[-3, 2])


def refined(make):
    theirs = make([3, 2, 2], grid=3)
    theirs.get_act(rows())
    return theirs.refine(6)


def sparse(make):
    theirs = make([3, 4, 2], sparse_init=True)
    cut(theirs, 1, 0, 0)
    return theirs


def weighted_masks(make):
    theirs = make([3, 4, 2])
    theirs.act_fun[0].mask.data.uniform_(-1, 2)
    theirs.act_fun[1].mask.data[1, 1] = 0
    fix_symbolic(theirs, 1, 0, 0, "sin", (1.0, 0.5, 2.0, 0.3), "sn")
    theirs.set_mode(1, 0, 0, "sn", mask_n=0.25)
    theirs.symbolic_fun[1].mask.data[0, 0] = 0.5
    return theirs


def formulas(make):
    theirs = make([3, 3, 2])
    fix_symbolic(theirs, 0, 0, 0, "sin", (1.5, 0.25, -2.0, 0.125))
    fix_symbolic(theirs, 0, 1, 2, "exp", (0.5, 0.0, 1.0, -1.0))
    fix_symbolic(theirs, 0, 2, 1, "gaussian", (2.0, 0.1, 1.0, 0.0), "sn")
    fix_symbolic(theirs, 1, 0, 1, "0", (1.0, 0.0, 1.0, 0.0))
    fix_symbolic(theirs, 1, 1, 1, "0", (1.0, 0.0, 1.0, 0.75))
    fix_symbolic(theirs, 1, 2, 0, "x^2", (1.0, 0.0, 1.0, 0.0))
    theirs.unfix_symbolic(1, 2, 0, log_history=False)
    return theirs


def formulas_switched_off(make):
    theirs = formulas(make)
    theirs.symbolic_enabled = False
    return theirs


def products(make):
    return make([3, [2, 2], [0, 1], 2], mult_arity=3)


def products_of_different_arities(make):
    return make([3, [1, 2], [2, 1], [1, 1]], mult_arity=[[], [2, 4], [3], [2]])


def node_scales(make):
    theirs = make([3, [2, 1], 2], affine_trainable=True)
    for values in (theirs.node_scale, theirs.node_bias, theirs.subnode_scale, theirs.subnode_bias):
        for value in values:
            value.data.normal_()
    return theirs


def pruned_nodes(make):
    theirs = make([3, [4, 2], 2], mult_arity=2)
    fix_symbolic(theirs, 0, 1, 2, "sin", (1.5, 0.25, -2.0, 0.125))
    for value in (theirs.node_scale, theirs.subnode_bias):
        value[0].data.normal_()
    theirs.get_act(rows())
    return theirs.prune_node(active_neurons_id=[[0, 2, 5]], log_history=False)


def pruned_nodes_of_different_arities(make):
    theirs = make([3, [3, 2], 2], mult_arity=[[], [3, 2], []])
    theirs.get_act(rows())
    return theirs.prune_node(active_neurons_id=[[1, 3]], log_history=False)


def identity_base(make):
    return make([3, 2, 2], base_fun="identity")


def zero_base(make):
    return make([3, 2, 2], base_fun="zero")


def tanh_base(make):
    return make([3, 2, 2], base_fun=torch.nn.Tanh())


KINDS = [
    plain, grids_of_layers, moved_grid, wide_grid, refined, sparse, weighted_masks, formulas, formulas_switched_off,
    products, products_of_different_arities, node_scales, pruned_nodes, pruned_nodes_of_different_arities, identity_base,
    zero_base, tanh_base,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_computes_the_same(pykan, kind):
    theirs, x = kind(pykan), rows()
    wanted = theirs(x).detach()
    theirs.saveckpt("saved")
    for source in (theirs, "saved", Path("saved")):
        ours = from_pykan(source)
        assert ours.inputs is None or kind is tanh_base  # where pykan does not tell whether inputs were pruned
        torch.testing.assert_close(ours(x).detach(), wanted, rtol=1e-10, atol=1e-12)
    rebuilt = create_model(ours.config["name"], **ours.config["options"]).double()
    rebuilt.load_state_dict(ours.state_dict())
    assert torch.equal(rebuilt(x), ours(x))


@pytest.mark.parametrize("kind", [plain, moved_grid, formulas, products, node_scales])
def test_computes_the_same_in_float32(pykan, kind):
    theirs, x = kind(pykan), rows().float()
    torch.set_default_dtype(torch.float32)  # the fixture sets back what was before it
    theirs = theirs.float()
    wanted = theirs(x).detach()
    ours = from_pykan(theirs)
    assert {p.dtype for p in ours.parameters()} == {torch.float32}
    torch.testing.assert_close(ours(x).detach(), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("base", ["silu", "identity", "zero"])
@pytest.mark.parametrize("kept", [[0, 2], [2, 0], [1], [0, 1]])
def test_pruned_inputs(pykan, kept, base):
    theirs, x = pykan([3, 2, 1], base_fun=base), rows()
    fix_symbolic(theirs, 0, 1, 1, "sin", (1.5, 0.25, -2.0, 0.125))
    theirs.get_act(x)
    theirs = theirs.prune_input(active_inputs=kept, log_history=False)
    wanted = theirs(x).detach()
    ours = from_pykan(theirs)
    assert ours.inputs == kept
    torch.testing.assert_close(ours(x).detach(), wanted, rtol=1e-10, atol=1e-12)
    theirs.saveckpt("saved")  # with the function itself in its settings
    assert "!!python" in Path("saved_config.yml").read_text()
    torch.testing.assert_close(from_pykan("saved")(x[:, kept]).detach(), wanted, rtol=1e-10, atol=1e-12)


def test_compiled_and_expanded(pykan):
    import sympy
    from kan.compiler import kanpiler

    a, b = sympy.symbols("a b")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an escape in a string of pykan
        theirs = kanpiler([a, b], sympy.exp(sympy.sin(2 * a) + 3 * b * a + 1))
    theirs.expand_width(1, 1, sum_bool=True)
    theirs.expand_width(1, 1, sum_bool=False, mult_arity=2)
    theirs.expand_depth()
    x = rows(2)
    ours = from_pykan(theirs)
    wanted = theirs(x).detach()
    torch.testing.assert_close(ours(x).detach(), wanted, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(wanted[:, 0], (torch.sin(2 * x[:, 0]) + 3 * x[:, 0] * x[:, 1] + 1).exp())
    theirs.saveckpt("saved")
    torch.testing.assert_close(from_pykan("saved")(x).detach(), wanted, rtol=1e-10, atol=1e-12)


def test_keeps_what_penalties_look_at(pykan):
    theirs = weighted_masks(pykan)
    ours = from_pykan(theirs)
    for layer, their_layer in zip(ours, theirs.act_fun, strict=True):
        assert torch.equal(layer.coef.transpose(1, 2), their_layer.coef)
    assert torch.equal(ours[1].mask, theirs.act_fun[1].mask.t() != 0)
    assert ours[1].scale[1, 1] == theirs.act_fun[1].scale_sp[1, 1]  # under the cut edge


def test_evenly_spaced_knots_need_no_buffer(pykan):
    assert [layer.edge.basis.knots for layer in from_pykan(wide_grid(pykan))] == ["uniform"] * 2
    assert from_pykan(wide_grid(pykan))[0].edge.basis.domain == (-3, 2)
    assert [layer.edge.basis.knots for layer in from_pykan(moved_grid(pykan))] == ["per-feature"] * 2


def test_what_is_trained(pykan):
    ours = from_pykan(plain(pykan))
    assert ours.affine is False
    assert all(p.requires_grad for p in ours.parameters())
    ours = from_pykan(pykan([3, 2, 1], sp_trainable=False, sb_trainable=False))
    assert ours.frozen == ("scale", "base_weight")
    assert [getattr(ours[0], name).requires_grad for name in ("scale", "base_weight", "coef")] == [False, False, True]
    assert from_pykan(pykan([3, 2, 1], base_fun="zero", sb_trainable=False)).frozen == ()
    theirs = pykan([3, 2, 1])
    theirs.node_bias[0].data[0] = 1
    for source, trained in ((theirs, False), (node_scales(pykan), True)):
        ours = from_pykan(source)
        assert ours.affine is True
        assert all(p.requires_grad is trained for p in ours[0].affine.values())


def test_does_not_seed(pykan):
    theirs = plain(pykan)
    draws = set()
    for _ in range(2):
        from_pykan(theirs)
        draws.add(torch.rand(()).item())
    assert len(draws) == 2


def test_functions_that_users_add(pykan, monkeypatch):
    monkeypatch.setitem(kan.utils.SYMBOLIC_LIB, "J0", (torch.special.bessel_j0, None, 4, None))
    theirs, x = plain(pykan), rows()
    fix_symbolic(theirs, 0, 2, 1, "J0", (1.0, 0.0, 2.0, 0.0))
    with pytest.raises(
        ConfigError, match=r"edge from input 2 to subnode 1 of layer 0 of the pykan model is 'J0'.*register_function"
    ):
        from_pykan(theirs)
    register_function("J0", torch.special.bessel_j0, 4, "besselj(0, x)")
    try:
        torch.testing.assert_close(from_pykan(theirs)(x), theirs(x), rtol=1e-10, atol=1e-12)
    finally:
        del FUNCTIONS["J0"]


@pytest.mark.parametrize("base", [lambda x: x.sin(), torch.nn.GELU(approximate="tanh")])
def test_other_base_functions_are_refused(pykan, base):
    theirs = pykan([3, 2, 1], base_fun=base)
    with pytest.raises(ConfigError, match="the base function of the pykan model is"):
        from_pykan(theirs)
    if isinstance(base, torch.nn.Module):
        theirs.saveckpt("saved")
        with pytest.raises(ConfigError, match=r"the base function of the pykan model is object:torch\.nn.*GELU"):
            from_pykan("saved")


@pytest.mark.parametrize("source", [3, None, torch.nn.Linear(2, 2)])
def test_what_is_no_network_of_pykan(source):
    with pytest.raises(ConfigError, match=r"give a model of pykan or the path .* has no width, mult_arity"):
        from_pykan(source)


@pytest.fixture
def saved(pykan):
    formulas(pykan).saveckpt("saved")
    return Path("saved_config.yml"), Path("saved_state")


def test_missing_files(saved):
    for file in saved:
        whole = file.read_bytes()
        file.unlink()
        with pytest.raises(CheckpointError, match=f"{file} does not exist: give the path that saveckpt got"):
            from_pykan("saved")
        file.write_bytes(whole)
    assert from_pykan("saved")(rows()).shape == (200, 2)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("width:", "wide:", "it lacks width"),
        ("width:", "{[", "is not readable YAML"),
        ("width:", "\xff\x00width:", "is not readable YAML"),
        ("mult_arity: 2", "mult_arity: [[2], [2]]", "are not those of a network of pykan|do not belong together"),
        ("mult_arity: 2", "mult_arity: [[], [2], []]", "do not belong together"),
        ("mult_arity: 2", "mult_arity: !!python/object:a.b {}", "are not those of a network of pykan"),
        ("base_fun_name: silu", "base_fun_name: swish", "the base function of the pykan model is swish"),
        ("base_fun_name: silu", "base_fun_name: [1]", "the base function of the pykan model is"),
        ("- - 3\n  - 0\n- - 3", "- - 2\n  - 0\n- - 3", "layer 0 of the pykan model has 2 inputs and 3 subnodes by its"),
        ("- - 2\n  - 0\n", "- - 2\n  - 0\n- - 2\n  - 0\n", "the state of the pykan model lacks act_fun.2.grid"),
        ("symbolic.funs_name.1:", "other:", "layer 1 of the pykan model has no name for each"),
        ("  - exp\n", "", "layer 0 of the pykan model has no name for each"),
        ("  - exp\n", "  - expp\n", "is 'expp', which the library has not"),
    ],
)  # fmt: skip
def test_damaged_settings(saved, old, new, message):
    text = saved[0].read_text()
    assert old in text
    saved[0].write_bytes(text.replace(old, new, 1).encode("latin-1"))
    with pytest.raises((CheckpointError, ConfigError), match=message):
        from_pykan("saved")


def test_damaged_state(saved):
    whole = saved[1].read_bytes()
    middle = whole.index(torch.load("saved_state", weights_only=True)["act_fun.1.coef"].numpy().tobytes()) + 5
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    for damaged in (b"", whole[:middle], whole[middle:], flipped, b"not a file of torch"):
        saved[1].write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"saved_state (cannot be read|is damaged)"):
            from_pykan("saved")
    for content in ([1, 2], {"a": 1}, {}, {"act_fun.0.coef": torch.zeros(3)}):
        torch.save(content, "saved_state")
        with pytest.raises(CheckpointError, match=r"saved_state is damaged or holds no tensors|lacks act_fun"):
            from_pykan("saved")


class Touch:
    """Pickled, it makes a file when it is read."""

    def __reduce__(self):
        return Path.touch, (Path("run"),)


def test_nothing_in_the_files_is_run(saved):
    settings = saved[0].read_text()
    for attack in (
        "object/apply:os.system ['touch run']",
        "object/new:os.system ['touch run']",
        "module:os",
        "name:os.system",
    ):
        saved[0].write_text(settings + f"more: !!python/{attack}\n")
        assert from_pykan("saved")(rows()).shape == (200, 2)
    torch.save({"act_fun.0.coef": Touch()}, "saved_state")
    with pytest.raises(CheckpointError, match=r"saved_state cannot be read \(UnpicklingError\)"):
        from_pykan("saved")
    assert not Path("run").exists()
    pickle.loads(pickle.dumps(Touch()))
    assert Path("run").exists()
