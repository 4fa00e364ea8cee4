"""A network as an ONNX file, checked against ONNX Runtime before it is written."""

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError, warn
from edgewise._ground.optional import require
from edgewise._ground.quiet import quiet
from edgewise._ground.torch_private import tree_leaves
from edgewise.export.described import describe, known_of
from edgewise.export.program import ExportError, batches_of, evaluating, to_program
from edgewise.models.deployment import Deployable, Deployment

_TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-9, torch.float16: 2e-2}  # of the largest output
_ROUNDING = 16  # epsilons: what sums of numbers near 1 may be off by, where outputs are hardly any


def to_onnx(
    model: nn.Module | Deployment | Deployable,
    example: Tensor | tuple[Tensor, ...] | None,
    path: str | Path,
    *,
    opset: int | None = None,
    free: Sequence[int] | None = None,
) -> None:
    """Write the network in evaluation mode as an ONNX file for batches of any size.

    Pictures are its input ``image``, and ``logits`` what comes out; any other input is ``x`` (of several ``x0``, ``x1``,
    ...), any other output ``y``. Registered networks that take pictures of any height and width do so in the file, too. The
    file's metadata says what is known of the input and the output, as JSON; see ``docs/export.md``.

    It is run by ONNX Runtime on batches of three sizes first, and not written if an output differs from the network's by
    more than 1e-4 of the largest (1e-9 in float64) and more than rounding of numbers near 1 explains. A network of over
    2 GB has its numbers in a second file beside it.

    Args:
        model: The network, which is left in the mode it has; a :class:`~edgewise.estimators.KANRegressor` or another
            estimator that was fitted; or what :func:`edgewise.vision.deploy` gives of a run.
        example: An input, or several, batch first; None for ``model.example_input()``.
        path: File to write, by custom ``*.onnx``; its folder must exist.
        opset: Version of the ONNX operators; that of torch by default.
        free: Dimensions of the input beside the batch that may have any size, ``()`` for none; None: those that the
            network is known to take in any size.

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
    known, path = known_of(model), Path(path)
    network, multiple = known.network, known.multiple
    examples = batches_of(network, known.example if example is None else example)
    if not path.parent.is_dir():
        raise ConfigError(f"{path.parent} is no folder to write {path.name} to: make it first")
    free, program = _traced(known, examples, free)
    converted = _convert(program)
    describe(converted.model, known, examples[0], free)
    if opset is not None:
        _check_opset(onnx, converted.model_proto.graph, opset)
        converted.model.opset_imports[""] = opset
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as draft:
        converted.save(Path(draft, path.name))
        _check(network, batches_to_check(examples, free, multiple), Path(draft, path.name))
        for file in sorted(Path(draft).iterdir(), key=lambda file: file.name == path.name):  # the graph last
            file.replace(path.parent / file.name)


def _traced(
    known: Deployment, examples: tuple[Tensor, ...], free: Sequence[int] | None
) -> tuple[Sequence[int], torch.export.ExportedProgram]:
    """The free dimensions, and the program; where nobody asked for them and they cannot be free, with a warning none is."""
    wanted = known.free if free is None else free
    try:
        return wanted, to_program(known.network, examples, free=wanted, multiple=known.multiple)
    except ExportError as error:
        if free is not None or not wanted:
            raise
        program = to_program(known.network, examples)
        warn(f"{error}; so the file takes pictures of {' x '.join(map(str, examples[0].shape[2:]))} alone")
        return (), program


def _convert(program: torch.export.ExportedProgram) -> "torch.onnx.ONNXProgram":
    hush = quiet("torchvision is not installed", loggers=("torch.onnx._internal.exporter._registration",))
    try:
        with hush:
            return cast(
                "torch.onnx.ONNXProgram", torch.onnx.export(program, dynamo=True, verbose=False)
            )  # no file: no None
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


def batches_to_check(examples: tuple[Tensor, ...], free: Sequence[int], multiple: int) -> tuple[tuple[Tensor, ...], ...]:
    """A batch of one, the example and a larger batch; where sizes are free, the first and the last of other ones."""
    sizes = {d: (multiple, 2 * multiple)[place % 2] for place, d in enumerate(free)}

    def grown(x: Tensor, times: int) -> Tensor:
        for d, step in sizes.items():
            x = torch.cat([x, *[x.narrow(d, 0, 1)] * (times * step)], d)
        return x

    one, more = (grown(x[:1], 1) for x in examples), (grown(torch.cat([x, x[:1]]), 3) for x in examples)
    return tuple(one), examples, tuple(more)


def _check(model: nn.Module, batches: tuple[tuple[Tensor, ...], ...], path: Path) -> None:
    """Run the file on batches, and compare."""
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
