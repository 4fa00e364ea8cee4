"""``edgewise export``: a trained run, or a fit, as a file for other programs."""

from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from edgewise._ground.errors import ConfigError
from edgewise.cli._parse import call


def main(words: list[str]) -> None:
    """Run the subcommand."""
    call(command, words, prog="edgewise export")


def command(
    run: Annotated[Path, arg(metavar="RUN")],
    /,
    *,
    out: Annotated[Path, arg(metavar="FILE.onnx")],
    opset: int | None = None,
    fixed: bool = False,
) -> None:
    """Write the best epoch of a run as an ONNX file, which says in its metadata how a
    picture is made ready for it and what comes out; of a fit, its network, with the names
    of the columns. ONNX Runtime runs it first, and it is not written if an output differs.

    examples:
      edgewise export runs/first --out nuclei.onnx
      edgewise export runs/first --out nuclei.onnx --opset 18 --fixed
      edgewise export formula --out formula.onnx

    Args:
        run: Folder made by `edgewise train`, `edgewise demo` or `edgewise fit`.
        out: The file; its folder must exist.
        opset: Version of the ONNX operators; that of torch by default.
        fixed: Let it take pictures of the recipe's size alone, as some programs want it.
    """
    from edgewise.export import to_onnx
    from edgewise.kan.discovery.folder import FitFolder

    if out.suffix != ".onnx":
        raise ConfigError(f"--out is {str(out)!r} and must end in .onnx: name the file so")
    fit = FitFolder(run)
    if fit.is_there:
        if fixed:
            raise ConfigError(f"--fixed is of runs of pictures and {run} is a fit, which takes rows: leave it out")
        known = fit.deployment()
        to_onnx(known, None, out, opset=opset)
        given, made = (known.metadata[side]["columns"] for side in ("input", "output"))
        print(f"{', '.join(made)} of {', '.join(given)}: {out}")
        return
    from edgewise.vision import deploy

    known = deploy(run)
    to_onnx(known, None, out, opset=opset, free=() if fixed else None)
    size = known.metadata["input"]["size"]
    print(f"{known.metadata['task']}, {' and '.join(known.inputs)} of {size[0]} x {size[1]} pixels: {out}")
