"""The structure of a function as a tree: which variables act together, and how they are combined."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise._ground.figures import ACCENT, FAINT, INK
from edgewise.kan.interpret._derivatives import Rows, derivatives
from edgewise.kan.interpret._diagram import new_figure
from edgewise.kan.interpret.separability import across, difference, sum_score
from edgewise.kan.interpret.symmetry import THRESHOLD, Block, blocks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SYMBOLS = {"add": "+", "mul": "\N{MULTIPLICATION SIGN}", "function": "f"}


@dataclass(frozen=True)
class Node:
    """A function in the tree of another.

    Args:
        name: The variable's name, or the formula of the node, in which a variable stands for any function of it and f for
            an unknown function, each time another.
        variables: Columns on which it depends.
        kind: ``"variable"``, ``"add"`` (sum of the children), ``"mul"`` (their product) or ``"function"`` (another).
        children: What it is made of.
    """

    name: str
    variables: tuple[int, ...]
    kind: str
    children: tuple["Node", ...] = ()

    def __str__(self) -> str:
        lines = [self.name if self.kind == "variable" else self.kind]
        for child in self.children:
            lines += [f"  {line}" for line in str(child).splitlines()]
        return "\n".join(lines)


def tree(f: Rows, x: Tensor, names: Sequence[str] | None = None, threshold: float = THRESHOLD) -> Node:
    """The structure of f: groups of variables that act as one, within one another, and how each is made of the next.

    The groups are those of :func:`edgewise.kan.interpret.symmetric_groups`. A node is a sum or a product, up to a constant,
    where its function is known up to scale and shift: at the root, and below sums and products. Elsewhere a product is a
    function of a sum, and shown as one. Variables on which f hardly depends are left out.

    Args:
        f: A model or function of rows, ``(N, d) -> (N,)`` or ``(N, 1)``, three times differentiable; each row by itself.
        x: Rows at which it is looked at, ``(N, d)``, better in float64; no column constant.
        names: What the columns are called; x1, x2, ... by default.
        threshold: Up to which score two things count as equal; 0.05 or so for a trained model; one too large flattens it.

    Raises:
        ConfigError: x or f has another shape, or there is not one name for each column.
        DataError: A column of x, or f, is constant.
        NonFiniteError: x, f or a derivative is not finite.

    Example:
        >>> x = torch.rand(100, 4, dtype=torch.float64)
        >>> root = tree(lambda x: torch.sqrt(x[:, 0] ** 2 + x[:, 1] ** 2) + x[:, 2] * x[:, 3], x)
        >>> root.name
        'f(x1 + x2) + x3 * x4'
        >>> print(root)
        add
          function
            add
              x1
              x2
          mul
            x3
            x4
    """
    found = derivatives(f, x, 3)
    names = [f"x{i + 1}" for i in range(x.shape[1])] if names is None else names
    if len(names) != x.shape[1]:
        raise ConfigError(f"names must be {x.shape[1]}, one for each column of x, got {len(names)}")
    first, second = found.log_gradient()
    grower = _Grower(names, first, second, blocks(found, threshold), threshold)
    return grower.node(frozenset(found.relevant), (torch.zeros_like(first[:, 0]), torch.zeros_like(second[:, 0])))


def plot_tree(root: Node) -> "Figure":
    """Draw a tree: variables at the bottom, each node above its children, with +, × or f in it.

    Args:
        root: What :func:`tree` found.

    Returns:
        The figure, which no window or pyplot knows of: ``figure.savefig("tree.svg")``.

    Example:
        >>> x1, x2 = Node("x1", (0,), "variable"), Node("x2", (1,), "variable")
        >>> figure = plot_tree(Node("x1 * x2", (0, 1), "mul", (x1, x2)))
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['x1', 'x2', '×']
    """
    _place(root, places := {})
    leaves, depth = len(root.variables), places[root][1]
    figure = new_figure(figsize=(0.8 * leaves + 0.4, 0.8 * depth + 0.8), layout="constrained")
    axes = figure.subplots(subplot_kw={"xlim": (-0.6, leaves - 0.4), "ylim": (-0.6, depth + 0.6)})
    axes.set_axis_off()
    for node, place in places.items():
        for child in node.children:
            axes.plot(*zip(place, places[child], strict=True), color=FAINT, linewidth=1.5, zorder=1)
        box = {"boxstyle": "circle,pad=0.35", "facecolor": "white", "edgecolor": ACCENT if node.children else "none"}
        axes.text(*place, SYMBOLS.get(node.kind, node.name), ha="center", va="center", color=INK, bbox=box)
    return figure


def _place(node: Node, places: dict[Node, tuple[float, int]]) -> None:
    """Variables side by side, everything else over the middle of what it is made of."""
    for child in node.children:
        _place(child, places)
    if node.children:
        sideways, up = zip(*(places[child] for child in node.children), strict=True)
        places[node] = (sum(sideways) / len(sideways), 1 + max(up))
    else:
        places[node] = (sum(not other.children for other in places), 0)


@dataclass(frozen=True, eq=False)
class _Grower:
    """Makes nodes of blocks, from the derivatives of ``log|df/dx_i|``.

    The function h of a block is only met within f. Its own ``log|dh/dx_i|`` is that of f minus a reference, where one is
    known: 0 where f is ``a h + b`` with a and b free of the block, ``log|df/dx_c|`` where f is ``F(a h + b(x_c, ...))``.
    """

    names: Sequence[str]
    first: Tensor
    second: Tensor
    blocks: set[Block]
    threshold: float

    def node(self, block: Block, reference: tuple[Tensor, Tensor] | None) -> Node:
        if len(block) == 1:
            (variable,) = block
            return Node(str(self.names[variable]), (variable,), "variable")
        parts = self.parts(block)
        kind = self.kind(parts, reference)
        if kind == "sum":
            others = [min(part) for part in parts[-1:] + parts[:-1]]
            terms = [self.node(part, (self.first[:, c], self.second[:, c])) for part, c in zip(parts, others, strict=True)]
            return _join("function", [_join("add", terms)])
        return _join(kind, [self.node(part, None if kind == "function" else reference) for part in parts])

    def parts(self, block: Block) -> list[Block]:
        """The largest blocks within one, and its other variables."""
        inside = [b for b in self.blocks if b < block]
        largest = [b for b in inside if not any(b < other for other in inside)]
        return sorted([*largest, *(frozenset([i]) for i in block.difference(*largest))], key=min)

    def kind(self, parts: list[Block], reference: tuple[Tensor, Tensor] | None) -> str:
        """``"add"``, ``"mul"``, ``"sum"`` (within a function) or ``"function"``."""
        a, b = across(parts)
        if reference is None:
            return "function" if sum_score(self.first, self.second, parts) > self.threshold else "sum"
        first, second = reference
        if max(difference(self.first[:, i, j], first[:, j]) for i, j in ((a, b), (b, a))) <= self.threshold:
            return "add"
        if sum_score(self.first, self.second, parts) > self.threshold:
            return "function"
        mixed = max(difference(self.second[:, i, a, b], second[:, a, b]) for part in parts for i in part)
        return "mul" if mixed <= self.threshold else "sum"


def _join(kind: str, children: list[Node]) -> Node:
    names = [f"({child.name})" if kind == "mul" and child.kind == "add" else child.name for child in children]
    name = {"add": " + ", "mul": " * ", "function": ", "}[kind].join(names)
    variables = tuple(sorted(i for child in children for i in child.variables))
    return Node(f"f({name})" if kind == "function" else name, variables, kind, tuple(children))
