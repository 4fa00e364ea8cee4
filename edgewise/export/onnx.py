"""A network as an ONNX file, checked against ONNX Runtime before it is written."""

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require
from edgewise._ground.torch_private import tree_leaves
from edgewise.export.program import ExportError, batches_of, evaluating, to_program

_TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-9, torch.float16: 2e-2}  # of the largest output
_ROUNDING = 16  # epsilons: what sums of numbers near 1 may be off by, where outputs are hardly any


def to_onnx(
    model: nn.Module, example: Tensor | tuple[Tensor, ...] | None, path: str | Path, *, opset: int | None = None
) -> None:
    """Write the network in evaluation mode as an ONNX file for batches of any size.

    It is run by ONNX Runtime on batches of three sizes first, and not written if an output differs from the network's by
    more than 1e-4 of the largest (1e-9 in float64) and more than rounding of numbers near 1 explains. A network of over
    2 GB has its numbers in a second file beside it.

    Args:
        model: The network; it is left in the mode it has.
        example: An input, or several, batch first; None for ``model.example_input()``.
        path: File to write, by custom ``*.onnx``; its folder must exist.
        opset: Version of the ONNX operators; that of torch by default.

    Raises:
        ConfigError: There is no example, or the opset cannot carry an op of the network; the message names it.
        ExportError: The network cannot be traced or has an op that ONNX lacks, ONNX Runtime cannot run it, or another
            output comes out.
        MissingPackageError: onnx, onnxscript or onnxruntime is not installed.

    Example:
        >>> from edgewise.kan import KAN
        >>> to_onnx(KAN([2, 3, 1]), None, Path(tempfile.mkdtemp(), "kan.onnx"))
    """
    onnx = require("onnx", extra="export")
    require("onnxscript", extra="export")
    require("onnxruntime", extra="export")
    examples, path = batches_of(model, example), Path(path)
    if not path.parent.is_dir():
        raise ConfigError(f"{path.parent} is no folder to write {path.name} to: make it first")
    converted = _convert(to_program(model, examples))
    if opset is not None:
        _check_opset(onnx, converted.model_proto.graph, opset)
        converted.model.opset_imports[""] = opset
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as draft:
        converted.save(Path(draft, path.name))
        _check(model, examples, Path(draft, path.name))
        for file in sorted(Path(draft).iterdir(), key=lambda file: file.name == path.name):  # the graph last
            file.replace(path.parent / file.name)


def _convert(program: torch.export.ExportedProgram) -> "torch.onnx.ONNXProgram":
    try:
        return cast("torch.onnx.ONNXProgram", torch.onnx.export(program, dynamo=True, verbose=False))  # no file: no None
    except torch.onnx.OnnxExporterError as error:
        cause = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        op = re.search(r"OpOverload\(op='([^']+)'", str(cause))
        what = f"its op {op[1]!r} has no counterpart there" if op else str(cause).strip().splitlines()[0]
        raise ExportError(f"the network cannot be written as ONNX: {what}; compute it by other functions") from error


def _check_opset(onnx, graph, opset: int) -> None:
    """Refuse a version of the operators in which one of the graph's does not exist, or has other inputs or attributes."""
    newest = onnx.defs.onnx_opset_version()
    if not 1 <= opset <= newest:
        raise ConfigError(f"opset must be from 1 to {newest}, the newest that the installed onnx knows, got {opset}")
    context = onnx.checker.C.CheckerContext()
    context.ir_version, context.opset_imports = onnx.IR_VERSION, {"": opset}
    for node in _nodes(graph):
        try:
            onnx.checker.check_node(node, context)
        except onnx.checker.ValidationError as error:
            raise ConfigError(
                f"ONNX opset {opset} cannot carry the op {node.op_type!r} as the network has it "
                f"(it is of version {onnx.defs.get_schema(node.op_type).since_version} now): choose a newer opset"
            ) from error


def _nodes(graph) -> Iterator:
    """All operations of a graph, those inside branches and loops included."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner)


def _check(model: nn.Module, examples: tuple[Tensor, ...], path: Path) -> None:
    """Run the file on a batch of one, on the example and on a larger batch, and compare."""
    batches = (tuple(x[:1] for x in examples), examples, tuple(torch.cat([x, x[:1]]) for x in examples))
    found = _run(path, batches)
    with evaluating(model):
        expected = [[y.cpu() for y in tree_leaves(model(*batch)) if isinstance(y, Tensor)] for batch in batches]
    for output, of_file in zip(zip(*expected, strict=True), zip(*found, strict=True), strict=True):
        _compare(output, of_file)


def _run(path: Path, batches: Iterable[tuple[Tensor, ...]]) -> list[list[Tensor]]:
    """What ONNX Runtime makes of the batches."""
    runtime = require("onnxruntime", extra="export")
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # its errors are raised: no need to print them too
    try:
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        names = [given.name for given in session.get_inputs()]
        feeds = [{n: x.cpu().numpy() for n, x in zip(names, batch, strict=True)} for batch in batches]
        return [[torch.from_numpy(y) for y in session.run(None, feed)] for feed in feeds]
    except Exception as error:  # its errors have no class in common
        raise ExportError(f"ONNX Runtime cannot run the network: {str(error).strip().splitlines()[0]}") from error


def _compare(expected: Sequence[Tensor], found: Sequence[Tensor]) -> None:
    """Refuse an output, of all batches, if it is another; a batch of one may by chance have but a small one."""
    for y, of_file in zip(expected, found, strict=True):
        if y.shape != of_file.shape:
            raise ExportError(f"ONNX Runtime gives {tuple(of_file.shape)} where the network gives {tuple(y.shape)}")
    y, of_file = (torch.cat([part.flatten() for part in parts]) for parts in (expected, found))
    if not y.is_floating_point():
        error, allowed = float((y != of_file).sum()), 0.0
    else:
        error = (y - of_file).double().abs().amax().item()
        largest = y.abs().amax().item()
        allowed = max(_TOLERANCE.get(y.dtype, 1e-4) * largest, _ROUNDING * torch.finfo(y.dtype).eps)
    if not error <= allowed:  # a NaN is no agreement
        raise ExportError(f"ONNX Runtime gives other outputs than the network, by {error:.2g}, and may by {allowed:.2g}")
