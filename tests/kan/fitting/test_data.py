import numpy as np
import pytest
import torch

from edgewise._ground.errors import DataError
from edgewise.kan import KAN
from edgewise.kan.fitting.data import tables

X, Y = [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (X, Y),
        (np.array(X), np.array(Y)),
        (np.array(X, dtype=np.float32)[::-1][::-1], np.array(Y)[:, None]),
        (torch.tensor(X).T.contiguous().T, torch.tensor(Y, requires_grad=True)),
        (np.array(X, dtype=np.int16), np.array([1, 2, 3])),
        (torch.tensor(X).half(), torch.tensor([1, 2, 3], dtype=torch.uint8)),
    ],
    ids=["lists", "arrays", "views", "tensors", "integers", "narrow"],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tables_of_all_kinds_in_the_type_of_the_network(x, y, dtype):
    train, test = tables(KAN([2, 3, 1]).to(dtype), (x, y))
    assert test is None
    assert len(train) == 3
    assert torch.equal(train.x, torch.tensor(X, dtype=dtype))
    assert torch.equal(train.y, torch.tensor(Y, dtype=dtype).unsqueeze(1))
    assert not train.y.requires_grad


def test_tables_of_pandas():
    pandas = pytest.importorskip("pandas")
    train, _ = tables(KAN([2, 1]), (pandas.DataFrame(X), pandas.Series(Y)))
    assert torch.equal(train.x, torch.tensor(X))
    assert torch.equal(train.y, torch.tensor(Y).unsqueeze(1))


def test_a_dict_as_pykan_makes_it():
    data = {"train_input": X, "train_label": Y, "test_input": X[:2], "test_label": Y[:2]}
    train, test = tables(KAN([2, 1]), data)
    assert (len(train), len(test)) == (3, 2)
    _, test = tables(KAN([2, 1]), data, (X[:1], Y[:1]))
    assert len(test) == 1
    assert tables(KAN([2, 1]), {name: data[name] for name in ("train_input", "train_label")})[1] is None
    with pytest.raises(DataError, match="lacks train_label"):
        tables(KAN([2, 1]), {"train_input": X})


def test_a_dataset_of_pykan(pykan):
    del pykan
    create_dataset = pytest.importorskip("kan.utils").create_dataset
    data = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=20, test_num=10)
    train, test = tables(KAN([2, 1]), data)
    assert (train.x.shape, train.y.shape, test.x.shape) == ((20, 2), (20, 1), (10, 2))


def test_whole_numbers_are_classes_only_for_several_outputs():
    classes = torch.tensor([0, 2, 1])
    train, _ = tables(KAN([2, 3]), (X, classes))
    assert train.y.dtype == torch.int64
    assert torch.equal(train.y, classes)
    train, _ = tables(KAN([2, 1]), (X, classes))
    assert train.y.dtype == torch.float32
    assert train.y.shape == (3, 1)
    train, _ = tables(KAN([2, 2]), (X, torch.tensor([[0, 1], [1, 0], [1, 1]])))
    assert train.y.dtype == torch.float32


def test_columns_that_the_network_does_not_look_at_may_be_more():
    model = KAN([2, 1], inputs=[3, 0])
    assert tables(model, (torch.rand(3, 6), Y))[0].x.shape == (3, 6)
    with pytest.raises(DataError, match="takes 4 inputs and data has 3 columns"):
        tables(model, (torch.rand(3, 3), Y))


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (X, "data must be a pair"),
        (torch.rand(3, 2), "data must be a pair .x, y. of rows and targets, got Tensor"),
        ((X,), "data must be a pair"),
        ((["a", "b"], Y), "the inputs of data must be numbers"),
        ((X, ["a", "b", "c"]), "the targets of data must be numbers"),
        ((None, Y), "the inputs of data must be numbers"),
        (([[1.0], [1.0, 2.0]], Y), "the inputs of data must be numbers"),
        ((np.array(X) * 1j, Y), "the inputs of data must be real numbers"),
        ((X[0], Y), r"must be a table \(rows, columns\), got shape \(2,\)"),
        ((np.zeros((3, 2, 1)), Y), "must be a table"),
        ((np.zeros((0, 2)), np.zeros(0)), "0 rows of inputs and 0 of targets"),
        ((X, Y[:2]), "3 rows of inputs and 2 of targets"),
        ((X, 3.0), "3 rows of inputs and 0 of targets"),
        ((np.zeros((3, 4)), Y), "takes 2 inputs and data has 4 columns"),
        ((np.zeros((3, 1)), Y), "takes 2 inputs and data has 1 columns"),
        ((X, np.zeros((3, 2))), r"has 1 outputs and the targets of data have shape \(3, 2\)"),
        ((X, np.zeros((3, 1, 1))), r"have shape \(3, 1, 1\)"),
        (([[0, 1], [NAN, 1], [0, 0]], Y), r"the inputs of data hold nan at \(1, 0\)"),
        ((X, [0, INF, 0]), r"the targets of data hold inf at \(1, 0\)"),
        ((np.array(X) * 1e300, Y), r"hold inf at \(0, 1\), in torch.float32"),
    ],
)
def test_other_data_is_refused(data, message):
    with pytest.raises(DataError, match=message):
        tables(KAN([2, 3, 1]), data)
    good = (X, Y)
    with pytest.raises(DataError, match=message.replace("data", "test")):
        tables(KAN([2, 3, 1]), good, data)


def test_class_numbers_need_a_row_each():
    with pytest.raises(DataError, match="3 rows of inputs and 2 of targets"):
        tables(KAN([2, 3]), (X, torch.tensor([0, 1])))
    with pytest.raises(DataError, match=r"has 3 outputs and the targets of data have shape \(3, 1\)"):
        tables(KAN([2, 3]), (X, Y))  # numbers, and no classes


@pytest.mark.parametrize("classes", [[0, 3, 1], [-1, 0, 1], [0, 0, 10**9]], ids=str)
def test_classes_without_an_output_are_refused(classes):
    with pytest.raises(DataError, match=r"class numbers from -?\d+ to \d+, and the network has outputs for 0 to 2"):
        tables(KAN([2, 3]), (X, classes))


def test_truths_are_two_classes_or_two_numbers():
    truths = [True, False, True]
    assert torch.equal(tables(KAN([2, 2]), (X, truths))[0].y, torch.tensor([1, 0, 1]))
    assert torch.equal(tables(KAN([2, 1]), (X, truths))[0].y, torch.tensor([[1.0], [0.0], [1.0]]))
