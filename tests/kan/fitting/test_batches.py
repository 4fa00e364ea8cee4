import copy
import sys
import warnings

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from edgewise._ground.errors import ConfigError, DataError, MissingPackageError, NonFiniteError
from edgewise.bases import Chebyshev
from edgewise.kan import KAN
from edgewise.kan.fitting import fit
from edgewise.kan.interpret import Sparsity

pytest.importorskip("lightning")


def rows(n: int = 400, dtype=torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    x = 2 * torch.rand(n, 2, dtype=dtype) - 1
    return x, torch.sin(2 * x[:, 0]) + x[:, 1] ** 2


def loader(x, y, size: int = 64, **options) -> DataLoader:
    return DataLoader(TensorDataset(x, y), batch_size=size, **{"shuffle": True, **options})


@pytest.fixture(autouse=True)
def _nowhere_to_write(tmp_path, monkeypatch):
    """Each test runs in an empty folder, and leaves it empty; warnings are errors."""
    monkeypatch.chdir(tmp_path)
    yield
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_learns_in_mini_batches(dtype, capsys):
    model, test = KAN([2, 1], grid=5).to(dtype), rows(100)
    history = fit(model, loader(*rows(dtype=dtype)), test=test, steps=25)
    assert len(history) == 25
    assert {len(c) for c in (history.test, history.penalty, history.outside, history.grid, history.seconds)} == {25}
    assert history.rmse[-1] < 0.1
    assert history.test_rmse[-1] < 0.1
    assert history.test[-1] == pytest.approx(
        (model(test[0].to(dtype)).squeeze(1) - test[1]).square().mean().item(), rel=1e-5
    )
    assert history.stopped == "all steps done"
    assert history.seconds == sorted(history.seconds)
    assert {p.dtype for p in model.parameters()} == {dtype}
    said = capsys.readouterr()
    assert said.out == said.err == ""


def test_steps_are_those_of_adam_batch_by_batch():
    (x, y), model = rows(200, torch.float64), KAN([2, 2, 1], grid=3).double()
    other = copy.deepcopy(model)
    history = fit(model, loader(x, y, 50, shuffle=False), steps=2, lr=0.02, penalty=1e-3)
    other.update_grid(x)
    optimizer, losses, penalties = torch.optim.Adam(other.parameters(), 0.02), [], []
    for _ in range(2):
        for part_x, part_y in zip(x.split(50), y.split(50), strict=True):
            trace = other.trace(part_x)
            losses.append((trace.output.squeeze(1) - part_y).square().mean())
            penalties.append(Sparsity(1e-3)(other, trace))
            optimizer.zero_grad()
            (losses[-1] + penalties[-1]).backward()
            optimizer.step()
    for mine, expected in zip(model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-9, atol=1e-12)
    assert history.loss == pytest.approx([sum(losses[:4]).item() / 4, sum(losses[4:]).item() / 4])
    assert history.penalty == pytest.approx([sum(penalties[:4]).item() / 4, sum(penalties[4:]).item() / 4])


def test_means_are_over_rows_and_a_last_batch_of_one_row_has_no_penalty():
    (x, y), model = rows(65), KAN([2, 1], grid=3)
    before = copy.deepcopy(model)
    before.update_grid(x)
    history = fit(model, loader(x, y, 64, shuffle=False), steps=1, lr=1e-12, penalty=1e-2)
    assert history.loss[0] == pytest.approx((before(x).squeeze(1) - y).square().mean().item(), rel=1e-4)
    expected = Sparsity(1e-2)(before, before.trace(x[:64])).item() * 64 / 65
    assert history.penalty[0] == pytest.approx(expected, rel=1e-4)


def test_grids_move_once_and_to_the_first_rows():
    x, y = rows()
    model = KAN([2, 1], grid=4)
    history = fit(model, loader(5 * x, y), steps=2)
    assert model[0].state.knots[:, 3].max() < -4.5
    assert max(history.outside) == 0
    assert history.grid == [4, 4]
    history = fit(KAN([2, 1], Chebyshev(4)), loader(x, y), steps=1)
    assert history.grid == [None]


def test_classes_and_a_test_set_in_batches():
    x = torch.rand(300, 2)
    classes = (x[:, 0] > 0.5).long() + (x[:, 1] > 0.5).long()
    model = KAN([2, 3], grid=3)
    history = fit(model, loader(x, classes), test=loader(x, classes, 70), loss=cross_entropy, steps=20, lr=0.05)
    assert history.test[-1] == pytest.approx(cross_entropy(model(x), classes).item(), rel=1e-4)
    assert (model(x).argmax(1) == classes).float().mean() > 0.8
    with pytest.raises(DataError, match="class numbers need a loss"):
        fit(model, loader(x, classes), steps=1)


class Stream(IterableDataset):
    """Rows without a length."""

    def __iter__(self):
        x, y = rows(100)
        yield from zip(x, y, strict=True)


def test_a_stream_without_a_length():
    assert len(fit(KAN([2, 1], grid=3), DataLoader(Stream(), batch_size=20), steps=3)) == 3


def test_callback_sees_each_epoch():
    model, seen = KAN([2, 1], grid=3), []
    history = fit(model, loader(*rows()), steps=3, callback=lambda m, n, h: seen.append((m is model, n, len(h))))
    assert seen == [(True, 0, 1), (True, 1, 2), (True, 2, 3)]
    assert len(history) == 3


def test_an_interrupt_keeps_what_was_learned():
    model, states = KAN([2, 1], grid=3), []

    def callback(fitted, epoch, history):
        states.append(copy.deepcopy(fitted.state_dict()))
        if epoch == 1:
            raise KeyboardInterrupt

    history = fit(model, loader(*rows()), steps=10, callback=callback)
    assert history.stopped == "interrupted"
    assert len(history) == 2
    assert all(torch.equal(t, states[-1][n]) for n, t in model.state_dict().items())


def test_an_error_of_a_callback_comes_through():
    def callback(*_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fit(KAN([2, 1], grid=3), loader(*rows()), steps=1, callback=callback)


def test_stops_before_numbers_are_lost():
    model = KAN([2, 1], grid=3)
    history = fit(model, loader(*rows()), steps=50, lr=1e30)
    assert "the loss became" in history.stopped
    assert len(history) < 50
    assert all(p.isfinite().all() for p in model.parameters())


NAN = float("nan")
BAD = {
    "nan": (lambda x, y: (x.masked_fill(x > 0.9, NAN), y), {}, DataError),
    "columns": (lambda x, y: (x[:, :1], y), {}, DataError),
    "outputs": (lambda x, y: (x, x), {}, DataError),
    "empty": (lambda x, y: (x[:0], y[:0]), {"shuffle": False}, DataError),
    "too large": (lambda x, y: (x, y * 1e30), {}, NonFiniteError),
}


@pytest.mark.parametrize(("spoil", "options", "error"), BAD.values(), ids=BAD)
def test_batches_that_cannot_be_fitted_leave_the_network_untouched(spoil, options, error):
    model = KAN([2, 1], grid=3)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(error):
        fit(model, loader(*spoil(*rows(100)), **options), steps=1)
    assert list(model.state_dict()) == list(before)
    assert all(torch.equal(t, before[n]) for n, t in model.state_dict().items())


def test_test_rows_that_cannot_be_measured_are_refused_at_once():
    model = KAN([2, 1], grid=3)
    with pytest.raises(DataError, match="test has 3 columns"):
        fit(model, loader(*rows(100)), test=(torch.rand(5, 3), torch.rand(5)), steps=1)


def test_a_bad_batch_later_on_is_an_error():
    x, y = rows(1200)
    x[1150] = NAN
    with pytest.raises(DataError, match=r"the inputs of a batch hold nan at \(50, 0\)"):
        fit(KAN([2, 1], grid=3), loader(x, y, 100, shuffle=False), steps=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "lm"}, "leave out optimizer='lm', or give a table"),
        ({"grids": [3, 5], "starts": 2}, "leave out grids, starts"),
        ({"patience": 3}, "leave out patience"),
        ({"penalty": [0.1, 0.0]}, "in one stage, with one penalty"),
        ({"steps": 0}, "at least 1 epoch, got 0"),
    ],
    ids=str,
)
def test_options_that_are_for_tables_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        fit(KAN([2, 1]), loader(*rows()), **options)


def test_a_network_that_is_all_frozen_is_refused():
    with pytest.raises(ConfigError, match="nothing to fit"):
        fit(KAN([2, 1], frozen=["coef", "base_weight"]), loader(*rows()), steps=1)


def test_the_global_generator_is_not_reseeded():
    x, y = rows()
    torch.manual_seed(5)
    fit(KAN([2, 1]), loader(x, y), steps=1)
    first = torch.rand(3)
    torch.manual_seed(5)
    fit(KAN([2, 1]), loader(x, y), steps=1)
    assert torch.equal(torch.rand(3), first)
    torch.manual_seed(6)
    fit(KAN([2, 1]), loader(x, y), steps=1)
    assert not torch.equal(torch.rand(3), first)


def test_without_lightning_it_says_what_to_install(monkeypatch):
    def without(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name="lightning")

    monkeypatch.delitem(sys.modules, "edgewise.kan.fitting.batches", raising=False)
    monkeypatch.setattr("importlib.import_module", without)
    with pytest.raises(MissingPackageError, match=r"pip install 'edgewise\[training\]'"):
        fit(KAN([2, 1]), loader(*rows()), steps=1)


def test_warnings_of_others_come_through():
    def loss(output, target):
        warnings.warn("of the loss", stacklevel=2)
        return (output - target).square().mean()

    with pytest.warns(UserWarning, match="of the loss"):
        fit(KAN([2, 1], grid=3), loader(*rows()), loss=loss, steps=1)
