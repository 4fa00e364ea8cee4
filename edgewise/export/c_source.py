"""A baked network as one file of C99."""

import re
from collections.abc import Iterable, Sequence

from edgewise._ground.version import __version__
from edgewise.export.formulas import as_c
from edgewise.export.steps import Affine, Formula, Layer, Spline, Weighted

SPLINE = """\
/* Adds piecewise polynomials of x to the outputs out[0 .. outs - 1]; c is (cells, degree + 1, outs). */
static void spline(double x, int breaks, const double *b, double low, double high, const double *centre,
                   const double *inverse, int degree, int outs, const int *out, const double *c, double *y)
{
    int first = 0, last = breaks, e, k;
    double u;
    x = x < low ? low : x > high ? high : x;
    while (first < last) {
        int middle = (first + last) / 2;
        if (b[middle] <= x)
            first = middle + 1;
        else
            last = middle;
    }
    u = (x - centre[first]) * inverse[first];
    c += (long)first * (degree + 1) * outs;
    for (e = 0; e < outs; e++) {
        double value = c[degree * outs + e];
        for (k = degree - 1; k >= 0; k--)
            value = value * u + c[k * outs + e];
        y[out[e]] += value;
    }
}"""


def c_source(layers: Sequence[Layer], columns: Sequence[int], name: str) -> str:
    """The file's text; its function takes one row."""
    formulas = sorted({s.formula for layer in layers for s in layer.steps if not isinstance(s, Spline)})
    functions = {formula: f"f{i}" for i, formula in enumerate(formulas)}
    data: list[str] = []
    body = [f"const double x0[] = {{{', '.join(f'x[{i}]' for i in columns)}}};"]
    lines = []
    for number, layer in enumerate(layers):
        body.append(f"double s{number}[{layer.subnodes}] = {{0}}, x{number + 1}[{len(layer.products)}];")
        for step in layer.steps:
            lines.append(_statement(step, number, functions, data))
        lines += _affine(layer.before, f"s{number}")
        for node, factors in enumerate(layer.products):
            lines.append(f"x{number + 1}[{node}] = {' * '.join(f's{number}[{q}]' for q in factors)};")
        lines += _affine(layer.after, f"x{number + 1}")
    count = len(layers[-1].products)
    lines += [f"y[{i}] = x{len(layers)}[{i}];" for i in range(count)]
    parts = [
        f"/* A Kolmogorov-Arnold network as edgewise {__version__} baked it.\n\n"
        f"   void {name}(const double *x, double *y): {max(columns) + 1} numbers x to {count} numbers y. */",
        "#include <math.h>",
        *(_function(functions[formula], as_c(formula)) for formula in functions),
        *([SPLINE] if data else []),
        *data,
        f"void {name}(const double *x, double *y)\n{{\n" + "".join(f"    {line}\n" for line in [*body, *lines]) + "}",
    ]
    return "\n\n".join(parts) + "\n"


def _function(name: str, text: str) -> str:
    unused = "" if re.search(r"\bx\b", text) else "    (void)x;\n"
    return f"static double {name}(double x)\n{{\n{unused}    return {text};\n}}"


def _statement(step: Spline | Weighted | Formula, layer: int, functions: dict[str, str], data: list[str]) -> str:
    x, y = f"x{layer}[{step.into}]", f"s{layer}"
    if isinstance(step, Formula):
        value = f"{step.c} * {functions[step.formula]}({step.a} * {x} + {step.b}) + {step.d}"
        return f"{y}[{step.out}] += {value};"
    if isinstance(step, Weighted):
        pairs = zip(step.outs, step.weights, strict=True)
        added = " ".join(f"{y}[{out}] += {weight} * b;" for out, weight in pairs)
        return f"{{ const double b = {functions[step.formula]}({x}); {added} }}"
    own = f"S{len(data)}_"
    arrays = {"breaks": step.breaks, "centre": step.centre, "inverse": step.inverse, "coef": step.coef.ravel()}
    texts = [_array("double", own + name, array.tolist()) for name, array in arrays.items()]
    data.append("\n".join([_array("int", own + "out", step.outs), *texts]))
    _, terms, outs = step.coef.shape
    geometry = f"{len(step.breaks)}, {own}breaks, {step.low}, {step.high}, {own}centre, {own}inverse"
    return f"spline({x}, {geometry}, {terms - 1}, {outs}, {own}out, {own}coef, {y});"


def _array(kind: str, name: str, values: Iterable[float]) -> str:
    return f"static const {kind} {name}[] = {{{', '.join(map(repr, values)) or '0'}}};"


def _affine(affine: Affine | None, y: str) -> list[str]:
    if affine is None:
        return []
    pairs = enumerate(zip(affine.scale, affine.bias, strict=True))
    return [f"{y}[{i}] = {y}[{i}] * {scale} + {bias};" for i, (scale, bias) in pairs]
