"""A baked network as a Python module that needs NumPy only."""

import inspect
from collections.abc import Sequence

import numpy

from edgewise._ground.version import __version__
from edgewise.export.formulas import as_numpy
from edgewise.export.steps import Affine, Formula, Layer, Spline, Weighted, spline

ERF = """erf = numpy.vectorize(math.erf, otypes=[float])"""


def numpy_source(layers: Sequence[Layer], columns: Sequence[int], name: str) -> str:
    """The module's text; its function takes rows ``(N, columns)``."""
    formulas = sorted({s.formula for layer in layers for s in layer.steps if not isinstance(s, Spline)})
    functions = {formula: f"f{i}" for i, formula in enumerate(formulas)}
    data, body = [], [f"x = numpy.asarray(x, dtype=float)[:, {list(columns)}]"]
    for layer in layers:
        body.append(f"y = numpy.zeros((len(x), {layer.subnodes}))")
        for step in layer.steps:
            body.append(_statement(step, functions, data))
        body += _affine(layer.before)
        if layer.multiplies:
            nodes = ", ".join(" * ".join(f"y[:, {q}]" for q in factors) for factors in layer.products)
            body.append(f"y = numpy.stack([{nodes}], 1)")
        body += _affine(layer.after)
        body.append("x = y")
    count = len(layers[-1].products)
    texts = [as_numpy(formula) for formula in functions]
    erf = [ERF] if any("erf(" in text for text in texts) else []
    parts = [
        f'"""A Kolmogorov-Arnold network as edgewise {__version__} baked it."""',
        "import math\n\nimport numpy" if erf else "import numpy",
        *erf,
        *(f"def {functions[formula]}(x):\n    return {text}" for formula, text in zip(functions, texts, strict=True)),
        inspect.getsource(spline).rstrip(),
        *data,
        f"def {name}(x):\n"
        f'    """Rows (N, {max(columns) + 1}) to rows (N, {count}), in float64."""\n'
        '    with numpy.errstate(all="ignore"):\n' + "".join(f"        {line}\n" for line in body) + "    return x",
    ]
    return "\n\n".join(parts) + "\n"


def _statement(step: Spline | Weighted | Formula, functions: dict[str, str], data: list[str]) -> str:
    if isinstance(step, Formula):
        return (
            f"y[:, {step.out}] += {step.c} * {functions[step.formula]}({step.a} * x[:, {step.into}] + {step.b}) + {step.d}"
        )
    if isinstance(step, Weighted):
        weights = f"numpy.array({list(step.weights)})"
        return f"y[:, {list(step.outs)}] += {functions[step.formula]}(x[:, {step.into}])[:, None] * {weights}"
    name = f"S{len(data)}"
    numbers = ",\n    ".join(_number(value) for value in step.numbers)
    data.append(f"{name} = (\n    {numbers},\n)")
    return f"y[:, {list(step.outs)}] += spline(x[:, {step.into}], *{name})"


def _number(value: float | numpy.ndarray) -> str:
    return f"numpy.array({value.tolist()}, dtype=float)" if isinstance(value, numpy.ndarray) else repr(value)


def _affine(affine: Affine | None) -> list[str]:
    if affine is None:
        return []
    return [f"y = y * numpy.array({list(affine.scale)}) + numpy.array({list(affine.bias)})"]
