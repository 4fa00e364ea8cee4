"""Networks of pykan 0.2.8 and the same in edgewise: the oracle of forward values, scores, penalties and pruning."""

import pytest
import torch

from edgewise.bases import BSpline
from edgewise.kan import KAN


@pytest.fixture
def pykan(monkeypatch, tmp_path):
    """Makes networks of pykan in float64, in a folder of its own should it write anything; all numbers are random."""
    kan = pytest.importorskip("kan")
    monkeypatch.chdir(tmp_path)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # pykan makes some tensors anew in each call

    def make(width, seed=1, **options):
        model = kan.KAN(width, auto_save=False, seed=seed, **options)
        with torch.no_grad():
            for layer in model.act_fun:
                layer.coef.normal_()
                layer.scale_base.normal_()
                layer.scale_sp.uniform_(0.5, 1.5)
        return model

    yield make
    torch.set_default_dtype(before)


def fix_symbolic(theirs, layer: int, into: int, out: int, name: str, affine, mode: str = "s") -> None:
    """A formula on an edge of a network of pykan; with mode ``"sn"`` its spline stays."""
    theirs.fix_symbolic(layer, into, out, name, fit_params_bool=False, verbose=False, log_history=False)
    theirs.symbolic_fun[layer].affine.data[out, into] = torch.tensor(affine)
    theirs.set_mode(layer, into, out, mode)


def cut(theirs, layer: int, into: int, out: int) -> None:
    theirs.remove_edge(layer, into, out, log_history=False)


def twin(theirs) -> KAN:
    """The same network, copied number by number."""
    arity = theirs.mult_arity
    ours = KAN(
        [[n, m] if m else n for n, m in theirs.width],
        basis=[BSpline(a.num, a.k, knots="per-feature") for a in theirs.act_fun],
        base={"silu": "silu", "identity": "identity", "zero": None}[theirs.base_fun_name],
        mult_arity=arity,
        scale=True,
        affine=True,
    ).double()
    affine = zip(theirs.subnode_scale, theirs.subnode_bias, theirs.node_scale, theirs.node_bias, strict=True)
    with torch.no_grad():
        for layer, a, numbers in zip(ours, theirs.act_fun, affine, strict=True):
            layer.state.knots.copy_(a.grid)
            layer.coef.copy_(a.coef.movedim(2, 1))
            layer.scale.copy_(a.scale_sp.T)
            if layer.base_weight is not None:
                layer.base_weight.copy_(a.scale_base.T)
            for name, value in zip(("subnode_scale", "subnode_bias", "node_scale", "node_bias"), numbers, strict=True):
                layer.affine[name].copy_(value)
    for number, (layer, a, s) in enumerate(zip(ours, theirs.act_fun, theirs.symbolic_fun, strict=True)):
        for out, into in s.mask.nonzero().tolist():
            ours.fix_symbolic(number, into, out, s.funs_name[out][into], s.affine[out, into].tolist())
        layer.set_mask(a.mask.T != 0)
    return ours
