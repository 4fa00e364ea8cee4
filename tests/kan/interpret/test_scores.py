import pytest
import torch

from edgewise._ground.errors import ConfigError, DataError, NonFiniteError
from edgewise.kan import KAN
from edgewise.kan.interpret.scores import attribute, feature_interaction
from edgewise.testing import assert_within
from tests.pykan_networks import cut, fix_symbolic, twin


def networks(pykan) -> dict:
    """With products of one arity and many outputs; and of different arities, where pykan only takes one output."""
    same = pykan([3, [2, 2], [1, 1], 2], grid=4, k=3, mult_arity=3)
    fix_symbolic(same, 0, 1, 3, "sin", (1.5, 0.25, -2.0, 0.125))
    fix_symbolic(same, 1, 0, 0, "gaussian", (0.5, 0.0, 2.0, 1.0), "sn")
    cut(same, 0, 0, 0)
    different = pykan([4, [2, 2], [2, 1], 1], grid=3, k=3, mult_arity=[[], [2, 3], [4], []])
    cut(different, 1, 3, 5)
    return {"same": same, "different": different}


@pytest.mark.parametrize("kind", ["same", "different"])
def test_are_those_of_pykan(pykan, kind):
    theirs = networks(pykan)[kind]
    x = 2 * torch.rand(100, theirs.width_in[0]) - 1
    theirs(x)
    theirs.attribute()
    found = attribute(twin(theirs), x)
    pairs = (
        (found.node_scores, theirs.node_scores),
        (found.subnode_scores, theirs.subnode_scores),
        (found.edge_scores, theirs.edge_scores),
        (found.by_output, theirs.node_scores_all),
        ([found.feature_scores], [theirs.feature_score]),
    )
    for mine, expected in pairs:
        assert len(mine) == len(expected)
        for one, other in zip(mine, expected, strict=True):
            assert one.shape == other.shape
            assert_within(one, other.detach(), 1e-9)
            assert not one.requires_grad


def test_by_output_is_what_each_output_alone_gets():
    model, x = KAN([3, 4, 2]).double(), torch.rand(50, 3, dtype=torch.float64)
    both = attribute(model, x)
    for output in range(2):
        alone = KAN([3, 4, 1]).double()
        alone[0].load_state_dict(model[0].state_dict())
        with torch.no_grad():
            alone[1].coef.copy_(model[1].coef[..., [output]])
            alone[1].base_weight.copy_(model[1].base_weight[[output]])
        assert_within(both.by_output[0][output], attribute(alone, x).feature_scores, 1e-12)
    assert_within(both.feature_scores, both.by_output[0].mean(0), 1e-12)


def test_of_a_sum_of_straight_lines_in_closed_form():
    model = KAN([3, 1], base=None).double()
    for into, slope in enumerate((3.0, 1.0, 0.0)):
        model.fix_symbolic(0, into, 0, "x", (1, 0, slope, 0))
    x = torch.randn(500, 3, dtype=torch.float64)
    spread = (x @ torch.tensor([3.0, 1.0, 0.0]).double()).std()
    expected = torch.tensor([3.0, 1.0, 0.0]).double() * x.std(0) / (spread + 1e-4)
    assert_within(attribute(model, x).feature_scores, expected, 1e-12)


def test_feature_interactions_are_those_of_pykan(pykan):
    theirs = pykan([4, [3, 2], [2, 1], 2], grid=3, k=3, mult_arity=2)
    for out in range(7):
        for into in range(4):
            if into not in (out % 4, (out + out // 4) % 4):
                cut(theirs, 0, into, out)
    for into in range(5):
        for out in range(4):
            if (into + out) % 2:
                cut(theirs, 1, into, out)
    x = 2 * torch.rand(100, 4) - 1
    theirs(x)
    model = twin(theirs)
    for layer in (1, 2, 3):
        for node, feature in ((1e-2, 1e-2), (0.3, 0.5)):
            expected = theirs.feature_interaction(layer, node, feature)
            found = feature_interaction(model, x, layer, node, feature)
            assert found == {tuple(map(int, key)): count for key, count in expected.items()}
            assert found
    assert len(feature_interaction(model, x, 1)) > 2


@pytest.mark.parametrize("layer", [0, 3])
def test_a_layer_that_is_not_there_is_refused(layer):
    with pytest.raises(ConfigError, match=f"layer must be from 1 to 2, got {layer}"):
        feature_interaction(KAN([2, 3, 1]), torch.rand(10, 2), layer)


def test_rows_that_cannot_be_scored_are_refused():
    model, x = KAN([2, 3, 1]), torch.rand(10, 2)
    with pytest.raises(DataError, match="needs at least 2 samples, got 1"):
        attribute(model, x[:1])
    with pytest.raises(ConfigError, match="2 inputs"):
        attribute(model, torch.rand(10, 3))
    with pytest.raises(NonFiniteError, match="row 4 of x is not finite"):
        attribute(model, x.index_fill(0, torch.tensor([4]), torch.nan))


def test_rows_of_a_table_are_read_in_the_type_of_the_network():
    model, x = KAN([2, 3, 1]), torch.rand(50, 2, dtype=torch.float64)
    assert_within(attribute(model, x.numpy()).feature_scores, attribute(model, x.float()).feature_scores, 1e-6)


def test_columns_that_the_network_looks_at():
    model, x = KAN([2, 3, 1], inputs=[3, 1]), torch.rand(40, 4)
    other = KAN([2, 3, 1])
    other.load_state_dict(dict(model.state_dict()))
    assert torch.equal(attribute(model, x).feature_scores, attribute(other, x[:, [3, 1]]).feature_scores)
