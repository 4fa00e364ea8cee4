"""How much each node and edge matters: scores that flow from the outputs back to the inputs."""

from collections import Counter
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError, NonFiniteError
from edgewise.kan.interpret.curves import check_rows
from edgewise.kan.interpret.deviations import Deviations, deviations
from edgewise.kan.network import Network

FLOOR = 1e-4  # keeps a constant subnode from dividing by zero; part of pykan's definition


@dataclass(frozen=True)
class Scores:
    """Scores of a network on samples, averaged over its outputs.

    Attributes:
        node_scores: For the inputs and each layer's nodes.
        subnode_scores: For each layer's subnodes.
        edge_scores: For each layer's edges, ``(subnodes, inputs)``.
        by_output: The scores of the nodes before averaging, ``(outputs, nodes)``.
    """

    node_scores: list[Tensor]
    subnode_scores: list[Tensor]
    edge_scores: list[Tensor]
    by_output: list[Tensor]

    @property
    def feature_scores(self) -> Tensor:
        """How much each input matters."""
        return self.node_scores[0]


def attribute(model: Network, x: Tensor | None = None) -> Scores:
    r"""Scores of all nodes and edges (Liu et al., KAN 2.0, arXiv:2408.10205, section 4).

    Each output starts with score 1. An edge gets of its subnode's score the share of its standard deviation,
    :math:`S_{qp} = S_q\, \sigma(\phi_{qp}) / (\sigma(s_q) + 10^{-4})`, a node the sum over the edges that leave it, and
    each factor of a product the score of the product.

    Args:
        model: The network.
        x: Samples, ``(N, inputs)``, at least two; by default those of the last fit.

    Raises:
        ConfigError: ``x`` is not rows of the network's inputs.
        DataError: Fewer than two samples.
        NonFiniteError: A number in ``x``, or what an edge makes of it, is not finite.

    Example:
        >>> from edgewise.kan import KAN
        >>> model = KAN([2, 1], base=None)
        >>> model.fix_symbolic(0, 0, 0, "x", (1, 0, 3, 0))
        >>> model.fix_symbolic(0, 1, 0, "x", (1, 0, 1, 0))
        >>> x = torch.tensor([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])
        >>> [round(score, 2) for score in attribute(model, x).feature_scores.tolist()]
        [0.95, 0.32]
    """
    with torch.no_grad():
        return score(model, _measured(model, x))


def score(model: Network, found: list[Deviations], start: Tensor | None = None) -> Scores:
    """The scores that follow from standard deviations of the first ``len(found)`` layers, differentiable in them.

    Args:
        model: The network.
        found: Its layers' standard deviations.
        start: The scores to start from, ``(queries, nodes)``; each node asks for itself by default.
    """
    layers = list(model)[: len(found)]
    node = torch.eye(layers[-1].nodes).to(found[0].total) if start is None else start
    nodes, subnodes, edges = [node], [], []
    for layer, deviation in zip(reversed(layers), reversed(found), strict=True):
        subnode = node[:, layer.node_of_subnodes()]
        share = deviation.total / (deviation.subnodes.detach() + FLOOR).unsqueeze(-1)
        edges.insert(0, subnode.mean(0).unsqueeze(-1) * share)
        node = subnode @ share
        subnodes.insert(0, subnode.mean(0))
        nodes.insert(0, node)
    return Scores([n.mean(0) for n in nodes], subnodes, edges, nodes)


def feature_interaction(
    model: Network, x: Tensor | None, layer: int, node_threshold: float = 1e-2, feature_threshold: float = 1e-2
) -> Counter[tuple[int, ...]]:
    """Which sets of inputs the nodes of a layer bring together, and how many nodes do.

    Args:
        model: The network.
        x: Samples, ``(N, inputs)``; None for those of the last fit.
        layer: Nodes after so many layers; ``len(model)`` means the outputs.
        node_threshold: Nodes whose largest score is no larger are left out.
        feature_threshold: An input counts if its score is above this share of the node's largest.

    Raises:
        ConfigError: There is no such layer.
        DataError, NonFiniteError: As for :func:`attribute`.

    Example:
        >>> from edgewise.kan import KAN
        >>> model = KAN([3, 1])
        >>> model[0].set_mask(torch.tensor([[True, False, True]]))
        >>> feature_interaction(model, torch.rand(50, 3), 1)
        Counter({(0, 2): 1})
    """
    if not 1 <= layer <= len(model):
        raise ConfigError(f"layer must be from 1 to {len(model)}, got {layer}")
    with torch.no_grad():
        found = _measured(model, x)
        start = torch.diag(score(model, found).node_scores[layer])
        rows = score(model, found[:layer], start).by_output[0]
    sets = Counter()
    for row in rows:
        if row.max() > node_threshold:
            sets[tuple((row > row.max() * feature_threshold).nonzero().flatten().tolist())] += 1
    return sets


def _measured(model: Network, x: Tensor | None) -> list[Deviations]:
    found = deviations(model, model.trace(check_rows(model, x)))
    for number, layer in enumerate(found):
        for out, into in (~layer.total.isfinite()).nonzero().tolist()[:1]:
            raise NonFiniteError(
                f"the edge of layer {number} from input {into} to subnode {out} is not finite on all rows of x: "
                "leave such rows out, or give the edge another function"
            )
    return found
