"""Each private name of PyTorch that the package uses is there and does what is wanted of it, and no other is used."""

import ast
import gc
from functools import reduce
from pathlib import Path

import pytest
import torch
from torch.autograd import forward_ad

from edgewise._ground import torch_private as private

PACKAGE = Path(__file__).parents[2] / "edgewise"
HOME = "_ground/torch_private.py"
NAMES = [
    "torch._C._are_functorch_transforms_active",
    "torch._C._dispatch_has_kernel_for_dispatch_key",
    "torch._C._functorch.get_unwrapped",
    "torch._C._functorch.is_batchedtensor",
    "torch._C._functorch.is_functorch_wrapped_tensor",
    "torch._C._functorch.is_legacy_batchedtensor",
    "torch._C._functorch.maybe_get_bdim",
    "torch.Tensor._make_wrapper_subclass",
    "torch._decomp.decomposition_table",
    "torch._ops.OpOverload",
    "torch.autograd.forward_ad._current_level",
    "torch.utils._python_dispatch.TorchDispatchMode",
    "torch.utils._pytree.tree_leaves",
    "torch.utils._pytree.tree_map_only",
]


@pytest.mark.parametrize("name", NAMES)
def test_the_name_is_there(name):
    import torch._decomp  # which torch itself imports late

    try:
        reduce(getattr, name.split(".")[1:], torch)
    except AttributeError:
        pytest.fail(f"torch {torch.__version__} has no {name}: find what replaces it, in edgewise/{HOME}")


def private_names(tree: ast.AST) -> set[str]:
    """Dotted names below torch with a part that starts with one underscore, as imported or written out."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Attribute):
            name = ast.unparse(node).replace("_FUNCTORCH", "torch._C._functorch")
            found.add(f"torch.autograd.{name}" if name.startswith("forward_ad.") else name)
    parts = {name: name.split(".") for name in found}
    return {
        name
        for name, (root, *rest) in parts.items()
        if root == "torch" and any(part.startswith("_") and not part.startswith("__") for part in rest)
    }


def test_they_are_listed_here():
    found = private_names(ast.parse((PACKAGE / HOME).read_text()))
    assert found - {"torch._C", "torch._C._functorch"} == set(NAMES)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_other_file_uses_any(path):
    if path != PACKAGE / HOME:
        assert not private_names(ast.parse(path.read_text())), f"they belong in {HOME}"


def test_the_search_for_private_names_finds():
    code = (
        "import torch._x\nfrom torch.utils import _y\ntorch._C._z()\nforward_ad._level\ntorch.__version__\ntorch.nn.Linear"
    )
    found = {"torch._x", "torch.utils._y", "torch._C", "torch._C._z", "torch.autograd.forward_ad._level"}
    assert private_names(ast.parse(code)) == found


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:FutureWarning")  # by what torch imports for jvp
def test_transforms_are_seen():
    seen = []

    def look(x):
        seen.append(private.transformed() and private.watched())
        return x.sin()

    x = torch.zeros(3)
    look(x)
    torch.func.vmap(look)(x)
    torch.func.grad(look)(x[0])
    torch.func.jvp(look, (x,), (x,))
    with forward_ad.dual_level():
        look(x)
    look(x)
    assert seen == [False, True, True, True, True, False]


def test_batches_of_gradients_are_seen():
    seen = []

    class Look(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            seen.append(private.is_batch_of_gradients(gradient))
            return gradient

    x = torch.zeros(3, requires_grad=True)
    y = Look.apply(x)
    torch.autograd.grad(y, x, torch.eye(3), is_grads_batched=True, retain_graph=True)
    torch.autograd.grad(y, x, torch.ones(3))
    assert seen == [True, False]


def test_a_graph_being_made_is_watched_and_not_transformed():
    def look(x):
        return x + 1 if private.watched() else x

    def look_deeper(x):
        return x + 1 if private.transformed() else x

    x = torch.zeros(3)
    for function, expected in ((look, 1.0), (look_deeper, 0.0)):
        assert torch.compile(function, fullgraph=True, backend="eager")(x)[0] == expected
    assert look(x)[0] == 0
    torch.compiler.reset()


@private.constant_in_graphs
def untraceable():
    return len(gc.get_objects()) > 0


def test_what_graphs_keep_for_good_is_not_looked_into():
    def compute(x):
        return x + 1 if untraceable() else x

    assert torch.compile(compute, fullgraph=True, backend="eager")(torch.zeros(3))[0] == 1
    torch.compiler.reset()


def test_operators_written_in_others():
    aten = torch.ops.aten
    assert isinstance(aten.sin.default, private.OpOverload)
    assert private.is_composite(aten.linear.default)
    assert not private.is_composite(aten.sin.default)
    x = torch.tensor([-1.0, 0.5])
    found = private.decompositions()[aten.silu.default](x)
    torch.testing.assert_close(found, torch.nn.functional.silu(x))


def test_modes_see_operators():
    seen = []

    class Mode(private.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            seen.append(function)
            return function(*args, **(kwargs or {}))

    with Mode():
        torch.zeros(2).sin()
    assert torch.ops.aten.sin.default in seen


def test_trees():
    tree = {"a": [1, torch.zeros(1)], "b": (2.0,)}
    assert private.tree_leaves(tree)[0] == 1
    assert len(private.tree_leaves(tree)) == 3
    assert private.tree_map_only(int, lambda i: i + 1, tree)["a"][0] == 2


def test_members_of_what_vmap_runs_at_once():
    seen = []

    def look(x):
        seen.append(private.members(x))
        return x * 2

    x = torch.arange(6.0).view(3, 2)
    look(x)
    torch.func.vmap(look)(x)
    torch.func.vmap(look, in_dims=1)(x)
    torch.func.vmap(torch.func.vmap(look))(x)
    torch.func.grad(lambda x: look(x).sum())(x)
    expected = [x.unsqueeze(0), x, x.t(), x.flatten(), x.unsqueeze(0)]
    assert all(torch.equal(one, other) for one, other in zip(seen, expected, strict=True))
