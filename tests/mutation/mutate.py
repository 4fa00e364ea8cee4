"""Small changes to a source, each of which some test should notice."""

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}  # fmt: skip
OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.BitAnd: ast.BitOr,
             ast.BitOr: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And}  # fmt: skip
TWINS = [
    ("min", "max"),
    ("amin", "amax"),
    ("argmin", "argmax"),
    ("minimum", "maximum"),
    ("clamp_min", "clamp_max"),
    ("floor", "ceil"),
    ("any", "all"),
    ("zeros", "ones"),
    ("zeros_like", "ones_like"),
    ("sum", "mean"),
    ("sin", "cos"),
]
NAMES = dict(TWINS) | {other: one for one, other in TWINS}
TALK = {"warn", "print", "ConfigError", "DataError", "CheckpointError", "NonFiniteError", "MissingPackageError"}
EQUIVALENT = {"strict", "device", "stacklevel", "encoding"}  # options that no test on one CPU can miss


@dataclass(frozen=True)
class Mutant:
    """One change.

    Attributes:
        path: Of the file, from the root of the repository on.
        start: Where the text that is replaced begins, in bytes.
        before: That text.
        after: What stands there instead.
        kind: Of change.
        inside: The function or class around it.
        line: Number of the line, from 1.
        code: The line, without the room before it.
    """

    path: str
    start: int
    before: str
    after: str
    kind: str
    inside: str
    line: int
    code: str

    def rank(self, seed: int) -> str:
        """Decides which are chosen; it stays when other parts of the file change."""
        text = "\0".join([str(seed), self.path, self.inside, self.code, self.kind, self.before, self.after])
        return hashlib.sha256(text.encode()).hexdigest()

    def applied(self, source: str) -> str:
        """The source with the change."""
        data, end = source.encode(), self.start + len(self.before.encode())
        assert data[self.start : end] == self.before.encode(), f"{self.path} has changed"
        return (data[: self.start] + self.after.encode() + data[end:]).decode()


def mutants(path: str, source: str) -> list[Mutant]:
    """All changes to a file that are worth a try: none to messages, docstrings, annotations or decorators.

    Example:
        >>> [(m.before, m.after) for m in mutants("a.py", "n = max(1, m)")]
        [('max(1, m)', '(min(1, m))'), ('1', '10'), ('1', '2')]
    """
    data, lines = source.encode(), source.splitlines()
    starts, found = [0], {}
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node, kind, after, inside in _walk(ast.parse(source), ""):
        start, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
        before, code = data[start:end].decode(), lines[node.lineno - 1].strip()
        if not before.startswith("elif"):  # what stands there instead would need its `else:`
            mutant = Mutant(path, start, before, after, kind, inside, node.lineno, code)
            found.setdefault(mutant.rank(0), mutant)  # of twice the same in one line, the first
    return list(found.values())


def _walk(node: ast.AST, inside: str) -> Iterator[tuple[ast.AST, str, str, str]]:
    """The nodes to replace, with kind, text and place of each change."""
    if isinstance(node, ast.expr | ast.stmt):
        for kind, new in [*_expressions(node), *(_statements(node) if inside else ())]:
            text = new if isinstance(new, str) else ast.unparse(ast.fix_missing_locations(new))
            yield (
                node,
                kind,
                f"({text})" if isinstance(new, ast.Compare | ast.BinOp | ast.BoolOp | ast.Call) else text,
                inside,
            )
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        inside = f"{inside}.{node.name}".strip(".")
    for child in _children(node):
        yield from _walk(child, inside)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Raise() | ast.Assert() | ast.JoinedStr() | ast.Import() | ast.ImportFrom():
            return
        case ast.FunctionDef(name="__repr__" | "extra_repr") | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return
        case ast.Call() if _name(node.func) in TALK:
            return
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns", "decorator_list", "type_params"):
            yield from (child for child in (value if isinstance(value, list) else [value]) if isinstance(child, ast.AST))


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _expressions(node: ast.AST) -> Iterator[tuple[str, ast.AST | str]]:
    match node:
        case ast.Compare(ops=[op]):
            for new in COMPARISONS[type(op)]:
                yield "comparison", ast.Compare(node.left, [new()], node.comparators)
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert(), operand=ast.Name() | ast.Call() | ast.Attribute()):
            yield "sign", ast.unparse(node.operand)
        case ast.BoolOp(op=op):
            yield "and or", ast.BoolOp(OPERATORS[type(op)](), node.values)
        case ast.BinOp(op=op) if type(op) in OPERATORS and not any(_is_text(side) for side in (node.left, node.right)):
            yield "operator", ast.BinOp(node.left, OPERATORS[type(op)](), node.right)
        case ast.Constant(value=bool(value)):
            yield "constant", repr(not value)
        case ast.Constant(value=int(value)):
            yield "constant", repr(10 * value if value else 1)
            yield "constant", repr(value + 1) if value else "2"
        case ast.Constant(value=float(value)):
            yield "constant", repr(10 * value or 1.0)
        case ast.IfExp():
            yield "branch", f"({ast.unparse(node.body)})"
            yield "branch", f"({ast.unparse(node.orelse)})"
        case ast.Call(func=func) if _name(func) not in TALK:
            if (new := NAMES.get(_name(func))) is not None:
                func = ast.Attribute(func.value, new) if isinstance(func, ast.Attribute) else ast.Name(new)
                yield "twin", ast.Call(func, node.args, node.keywords)
            for keyword in node.keywords:
                if keyword.arg is not None and keyword.arg not in EQUIVALENT:
                    yield "default", ast.Call(node.func, node.args, [k for k in node.keywords if k is not keyword])


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr | ast.List | ast.Tuple | ast.ListComp) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _statements(node: ast.AST) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Expr(value=ast.Call(func=func)) if _name(func) not in TALK:
            yield "statement", "pass"
            yield "return", "return"
        case ast.AugAssign() | ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            yield "statement", "pass"
        case ast.Assign(targets=[ast.Name(id=name)]) if name in {
            n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)
        }:
            yield "statement", "pass"
        case ast.If(orelse=[]) if all(isinstance(line, ast.Raise | ast.Continue | ast.Return) for line in node.body):
            yield "statement", "pass"
        case ast.Break():
            yield "statement", "continue"


def chosen(found: list[Mutant], count: int, seed: int) -> list[Mutant]:
    """So many of them, kinds in turn, at most one in each function."""
    kinds, taken = {}, {}
    for mutant in sorted(found, key=lambda mutant: mutant.rank(seed)):
        kinds.setdefault(mutant.kind, []).append(mutant)
    for _ in range(max(map(len, kinds.values()), default=0)):
        for kind in sorted(kinds):
            mutant = next((m for m in kinds[kind] if (m.path, m.inside) not in taken), None)
            if mutant is not None and len(taken) < count:
                taken[mutant.path, mutant.inside] = mutant
    return list(taken.values())
