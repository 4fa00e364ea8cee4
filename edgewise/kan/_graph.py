"""Graphs of nodes that add or multiply, with functions on their edges, and the networks that compute them."""

import math
from collections.abc import Iterable, Sequence
from itertools import count
from typing import NamedTuple

import torch

from edgewise.kan.functions import function
from edgewise.kan.kan import KAN


class Edge(NamedTuple):
    """The function ``c f(a x + b)`` of the value x of a node."""

    source: int
    name: str = "x"
    a: float = 1.0
    b: float = 0.0
    c: float = 1.0


class Value(NamedTuple):
    """A sum of edges and a number, which is what a subnode computes."""

    edges: tuple[Edge, ...] = ()
    const: float = 0.0

    def scaled(self, factor: float, shift: float = 0.0) -> "Value":
        """``factor * self + shift``."""
        edges = tuple(edge._replace(c=factor * edge.c) for edge in self.edges) if factor else ()
        return Value(edges, factor * self.const + shift)


class Node(NamedTuple):
    """One value, or the product of several; an input has none. Its level is the longest way from an input."""

    factors: tuple[Value, ...]
    level: int


class Graph:
    """Nodes by number, the inputs first; what computes the same is one node, unless it needs a twin.

    Args:
        inputs: Number of inputs.
    """

    def __init__(self, inputs: int):
        self.inputs = inputs
        self.nodes = [Node((), 0)] * inputs
        self._known: dict[tuple[tuple[Value, ...], int], int] = {}

    def add(self, values: Iterable[Value]) -> Value:
        """The sum; edges that differ in their factors only become one."""
        values = list(values)
        factors: dict[Edge, float] = {}
        for edge in (edge for value in values for edge in value.edges):
            key = edge._replace(c=1.0)
            factors[key] = factors.get(key, 0.0) + edge.c
        edges = tuple(edge._replace(c=c) for edge, c in sorted(factors.items()) if c)
        return Value(edges, sum(value.const for value in values))

    def multiply(self, values: Iterable[Value]) -> Value:
        """The product, through a node that multiplies."""
        values = sorted(values)
        factors = [value for value in values if value.edges]
        number = math.prod(value.const for value in values if not value.edges)
        if len(factors) < 2:
            return factors[0].scaled(number) if factors else Value((), number)
        return Value((Edge(self.node(tuple(factors)), c=number),))

    def apply(self, name: str, value: Value) -> Value:
        """A function of a value, on one edge: from the node that the value is, up to a factor and a number."""
        if not value.edges:
            return Value((), function(name)(torch.tensor(value.const, dtype=torch.double)).item())
        factor = value.edges[0].c
        unit = tuple(edge._replace(c=edge.c / factor) for edge in value.edges)
        plain = len(unit) == 1 and unit[0] == Edge(unit[0].source)
        source = unit[0].source if plain else self.node((Value(unit),))
        return Value((Edge(source, name, factor, value.const),))

    def node(self, factors: tuple[Value, ...], twin: int = 0) -> int:
        """The number of the node with these factors, or of a twin that computes the same."""
        factors = tuple(map(self._with_own_sources, factors))
        if (factors, twin) not in self._known:
            level = 1 + max(self.nodes[edge.source].level for value in factors for edge in value.edges)
            self._known[factors, twin] = len(self.nodes)
            self.nodes.append(Node(factors, level))
        return self._known[factors, twin]

    def network(self, outputs: Sequence[Value], grid: int, k: int) -> KAN:
        """The network in float64 with these outputs, its numeric edges cut and zero."""
        outputs = list(map(self._with_own_sources, outputs))
        levels = self._levels(outputs)
        model = KAN([self.inputs, *map(self._width, levels[1:]), len(outputs)], grid=grid, k=k).double()
        for layer, before, here in zip(model, levels, [*levels[1:], None], strict=True):
            layer.set_mask(torch.zeros_like(layer.mask))
            subnodes = outputs if here is None else [value for n in here for value in self.nodes[n].factors]
            column = {n: i for i, n in enumerate(before)}
            symbolic, level = layer.enable_symbolic(), max(self.nodes[n].level for n in before)
            for row, value in enumerate(subnodes):
                shift = value.const
                for edge in value.edges or (Edge(before[0], "0"),):
                    symbolic.fix(row, column[self._carried(edge.source, level)], edge.name, (*edge[2:], shift))
                    shift = 0.0
        with torch.no_grad():
            for layer in model:
                layer.coef.zero_()
                layer.get_parameter("base_weight").zero_()
        return model

    def _levels(self, outputs: Sequence[Value]) -> list[list[int]]:
        """The nodes of each level that the outputs need, those that add first, and copies that carry values along."""
        needed, levels = list(outputs), []
        for level in range(max((self.nodes[e.source].level for v in outputs for e in v.edges), default=0), 0, -1):
            found = {self._carried(edge.source, level): None for value in needed for edge in value.edges}
            levels.insert(0, sorted(found, key=lambda n: len(self.nodes[n].factors) > 1))
            needed = [value for n in found for value in self.nodes[n].factors]
        return [list(range(self.inputs)), *levels]

    def _carried(self, n: int, level: int) -> int:
        """The node at a level that has the value of a node at a level below."""
        while self.nodes[n].level < level:
            n = self.node((Value((Edge(n),)),))
        return n

    def _width(self, level: list[int]) -> list:
        counts = [len(self.nodes[n].factors) for n in level]
        return [counts.count(1), [count for count in counts if count > 1]]

    def _with_own_sources(self, value: Value) -> Value:
        """The value with each edge from a node of its own: only one function fits between a node and a subnode."""
        edges: dict[int, Edge] = {}
        for edge in sorted(value.edges, key=lambda edge: (edge.source, edge.name != "x")):
            if edge.source in edges and not self.nodes[edge.source].factors:
                # Inputs have no twins: from there it is a node that computes the function, maybe one that serves already.
                edge = Edge(self.node((Value((edge._replace(c=1.0),)),)), c=edge.c)
            factors, twins = self.nodes[edge.source].factors, count(1)
            while edge.source in edges:
                edge = edge._replace(source=self.node(factors, next(twins)))
            edges[edge.source] = edge
        return Value(tuple(edges.values()), value.const)
