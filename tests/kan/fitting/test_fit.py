"""Fits from the outside: what comes out, what is left alone, and what happens when something goes wrong."""

import copy
import random
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy, l1_loss

from edgewise._ground.errors import ConfigError, DataError, NonFiniteError
from edgewise.bases import BSpline, Chebyshev
from edgewise.kan import KAN
from edgewise.kan.fitting import fit
from edgewise.kan.interpret import Sparsity
from edgewise.testing import assert_within

OPTIMIZERS = ("lbfgs", "lm", "adam")


def sample(n: int = 300, dtype=torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    x = 2 * torch.rand(n, 2, dtype=dtype) - 1
    return x, torch.exp(torch.sin(torch.pi * x[:, 0]) + x[:, 1] ** 2)


def small(dtype=torch.float64, **options) -> KAN:
    return KAN([2, 2, 1], **{"grid": 3, **options}).to(dtype)


def same(model: KAN, state: dict) -> bool:
    now = model.state_dict()
    return list(now) == list(state) and all(torch.equal(t, state[name]) for name, t in now.items())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("optimizer", "steps", "rmse"), [("lbfgs", 8, 0.1), ("lm", 15, 0.05), ("adam", 200, 0.3)])
def test_learns(optimizer, steps, rmse, dtype):
    model, (x, y) = KAN([2, 3, 1], grid=5).to(dtype), sample(dtype=dtype)
    history = fit(model, (x, y), test=sample(dtype=dtype), optimizer=optimizer, steps=steps)
    assert history.rmse[-1] < rmse
    assert history.test_rmse[-1] < 2 * rmse
    assert history.loss[-1] == pytest.approx((model(x).squeeze(1) - y).square().mean().item(), rel=1e-4)
    assert {p.dtype for p in model.parameters()} == {dtype}
    columns = (history.loss, history.test, history.penalty, history.outside, history.grid, history.seconds)
    assert {len(column) for column in columns} == {len(history)}
    assert history.seconds == sorted(history.seconds)
    assert set(history.penalty) == {0.0}
    assert set(history.grid) == {5}
    assert all(0 <= share <= 1 for share in history.outside)


@pytest.mark.parametrize("optimizer", ["lbfgs", "lm"])
def test_never_goes_up_without_updates_of_the_grid(optimizer):
    history = fit(small(), sample(), optimizer=optimizer, steps=5, grid_updates=0, penalty=1e-3)
    total = [loss + penalty for loss, penalty in zip(history.loss, history.penalty, strict=True)]
    assert all(after <= before for before, after in pairwise(total))


def test_stages_refine_the_grid_and_keep_what_was_learned():
    model = KAN([2, 2, 1], BSpline(3, 3, outside="clamp")).double()  # of which a grid of twice the cells is the same
    history = fit(model, sample(1000), optimizer="lm", steps=6, grids=(3, 6, 12), grid_updates=0)
    assert len(history) == 18
    assert history.grid == [3] * 6 + [6] * 6 + [12] * 6
    assert [layer.edge.basis.grid_size for layer in model] == [12, 12]
    assert all(after <= before for before, after in pairwise(history.loss))
    assert history.loss[-1] < 0.5 * history.loss[5]


def test_each_stage_has_its_penalty():
    model = small()
    history = fit(model, sample(), optimizer="lm", steps=5, penalty=(Sparsity(1e-2, l1=0.5), 0.0))
    assert all(history.penalty[:5])
    assert not any(history.penalty[5:])
    x, _ = data = sample()
    history = fit(model, data, optimizer="lbfgs", steps=1, penalty=Sparsity(1e-2, l1=0.5))
    assert history.penalty[-1] == pytest.approx(Sparsity(1e-2, l1=0.5)(model, model.trace(x)).item(), rel=1e-9)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_penalty_makes_an_input_without_effect_weak(optimizer):
    x = 2 * torch.rand(300, 3, dtype=torch.float64) - 1
    model, y = KAN([3, 1], grid=3).double(), torch.sin(2 * x[:, 0]) + x[:, 1]
    fit(model, (x, y), optimizer=optimizer, steps=100 if optimizer == "adam" else 8, penalty=Sparsity(1e-2, entropy=0.0))
    sizes = torch.einsum("nif,ifo->noi", model[0].edge_features(x), model[0].edge_weights()).std(0).squeeze()
    assert sizes[2] < 0.05 * sizes[:2].min()


def test_the_loss_of_ones_own():
    x = torch.rand(200, 2)
    classes = (x[:, 0] > 0.5).long() + (x[:, 1] > 0.5).long()
    model = KAN([2, 3], grid=3)
    history = fit(model, (x, classes), loss=cross_entropy, steps=10)
    assert history.loss[-1] == pytest.approx(cross_entropy(model(x), classes).item(), rel=1e-5)
    assert (model(x).argmax(1) == classes).float().mean() > 0.7
    x, y = sample()
    model = small()
    history = fit(model, (x, y), loss=l1_loss, steps=2)
    assert history.loss[-1] == pytest.approx((model(x).squeeze(1) - y).abs().mean().item(), rel=1e-9)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_whole_numbers_are_targets_as_others(optimizer):
    x = torch.rand(100, 2)
    counts = (4 * x[:, 0]).long()
    model, other = KAN([2, 1], grid=3), KAN([2, 1], grid=3)
    other.load_state_dict(model.state_dict())
    first = fit(model, (x, counts), optimizer=optimizer, steps=3)
    assert first.loss == fit(other, (x, counts.float()), optimizer=optimizer, steps=3).loss


def test_a_dict_as_pykan_makes_it_and_a_method_that_forwards():
    x, y = sample()
    data = {"train_input": x.numpy(), "train_label": y.numpy(), "test_input": x[:50], "test_label": y[:50]}
    history = small().fit(data, optimizer="lm", steps=3)
    assert len(history.test) == 3


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("basis", [Chebyshev(5), BSpline(4, 2, knots="per-feature", outside="clamp")], ids=str)
def test_any_basis(basis, optimizer):
    history = fit(KAN([2, 2, 1], basis).double(), sample(), optimizer=optimizer, steps=5)
    assert history.loss[-1] < history.loss[0]
    assert history.grid[0] == getattr(basis, "grid_size", None)


def test_grids_move_to_their_inputs_and_only_when_asked():
    x, y = sample()
    model = small()
    fit(model, (5 * x, y), optimizer="lm", steps=2)
    assert model[0].state.knots[:, 3].min() < -4.5
    model = small()
    history = fit(model, (5 * x, y), optimizer="lm", steps=2, grid_updates=0)
    assert model[0].edge.basis == BSpline(3, outside="linear")
    assert history.outside[0] > 0.5


def test_callback_sees_each_step():
    model, seen = small(), []

    def callback(fitted, step, history):
        assert fitted is model
        seen.append((step, len(history), history.loss[-1]))

    history = fit(model, sample(), optimizer="lm", steps=4, grids=(3, 4), callback=callback)
    assert seen == [(step, step + 1, history.loss[step]) for step in range(8)]


def test_what_a_callback_does_to_the_network_stays():
    model = small()
    fit(model, sample(), optimizer="adam", steps=3, callback=lambda fitted, *_: fitted[1].base_weight.data.zero_())
    assert not model[1].base_weight.any()


class Interrupter:
    """Interrupts at a step, having noted what the network was then."""

    def __init__(self, at: int):
        self.at = at

    def __call__(self, model, step, history):
        if step == self.at:
            self.state = copy.deepcopy(model.state_dict())
            raise KeyboardInterrupt


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_interrupt_leaves_the_last_whole_step(optimizer):
    model, data, interrupter = small(), sample(), Interrupter(3)
    history = fit(model, data, optimizer=optimizer, steps=10, callback=interrupter)
    assert history.stopped == "interrupted"
    assert len(history) == 4
    assert same(model, interrupter.state)
    assert history.loss[-1] == pytest.approx((model(data[0]).squeeze(1) - data[1]).square().mean().item(), rel=1e-9)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_interrupt_within_a_step_leaves_the_step_before(optimizer, monkeypatch):
    model, states = small(), []
    trace, calls = KAN.trace, [0]

    def interrupted(self, x):
        calls[0] += len(states) == 3
        if calls[0] == 1:
            raise KeyboardInterrupt
        return trace(self, x)

    monkeypatch.setattr(KAN, "trace", interrupted)

    def keep(fitted, *_):
        states.append(copy.deepcopy(fitted.state_dict()))

    history = fit(model, sample(), optimizer=optimizer, steps=10, penalty=1e-3, grid_updates=1, callback=keep)
    assert history.stopped == "interrupted"
    assert len(history) == 3
    assert same(model, states[-1])


def test_an_interrupt_of_a_later_start_leaves_the_best_so_far():
    model, best = small(), []

    def callback(fitted, step, history):
        if len(best) == 5:
            raise KeyboardInterrupt
        best.append((history.loss[-1], copy.deepcopy(fitted.state_dict())))

    history = fit(model, sample(), optimizer="lm", steps=5, starts=3, callback=callback)
    assert history.stopped == "interrupted"
    finals = [best[4], (history.loss[-1], copy.deepcopy(model.state_dict()))]
    assert history.loss[-1] == min(loss for loss, _ in finals)
    assert all(t.isfinite().all() for t in model.state_dict().values() if t.is_floating_point())


def test_patience_goes_back_to_the_best_on_the_test_rows():
    """Few noisy rows and many parameters: the test loss rises."""
    (x, y), test = sample(60), sample(200)
    y = y + 0.5 * torch.randn_like(y)
    model, states = KAN([2, 3, 1], grid=5).double(), []
    keep = lambda fitted, *_: states.append(copy.deepcopy(fitted.state_dict()))  # noqa: E731
    with pytest.warns(UserWarning, match="learn all of them by heart"):
        history = fit(model, (x, y), test=test, optimizer="lm", steps=50, patience=5, grid_updates=1, callback=keep)
    best = min(range(len(history)), key=history.test.__getitem__)
    assert history.stopped == "no lower loss for 5 steps"
    assert len(history) == best + 6
    assert same(model, states[best])


def test_patience_without_test_rows_looks_at_loss_and_penalty():
    model, data = small(), sample()
    history = fit(model, data, optimizer="adam", steps=300, lr=0.5, patience=3, penalty=1e-3, grid_updates=0)
    total = [loss + penalty for loss, penalty in zip(history.loss, history.penalty, strict=True)]
    assert len(total) == total.index(min(total)) + 4
    assert (model(data[0]).squeeze(1) - data[1]).square().mean().item() == pytest.approx(
        history.loss[total.index(min(total))], rel=1e-9
    )


def test_converged_fits_end_and_say_so():
    x = torch.linspace(-1, 1, 100, dtype=torch.float64).unsqueeze(1)
    history = fit(KAN([1, 1], base=None).double(), (x, x**3), optimizer="lm", steps=100, grid_updates=2)
    assert history.stopped == "converged"
    assert 25 < len(history) < 100  # not before the last update of the grid
    history = fit(KAN([1, 1], base=None).double(), (x, x**3), optimizer="lm", steps=2)
    assert history.stopped == "all steps done"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("power", [1, 3])
def test_fits_at_the_floor_of_their_type_have_converged(power, dtype):
    """There all is rounding, and a step that goes by it would lead up and down for ever."""
    x = torch.linspace(-1, 1, 100, dtype=dtype).unsqueeze(1)
    for seed in range(5):
        torch.manual_seed(seed)
        history = fit(KAN([1, 1], base=None).to(dtype), (x, x**power), optimizer="lm", steps=80, grid_updates=1)
        assert history.stopped == "converged"
        assert history.loss[-1] < 4 * torch.finfo(dtype).eps ** 2


def test_starts_keep_the_best():
    model, finals = small(), []

    def callback(fitted, step, history):
        if step == 4:
            finals.append((history.loss[-1], copy.deepcopy(fitted.state_dict())))

    history = fit(model, sample(), optimizer="lm", steps=5, starts=4, callback=callback)
    losses = [loss for loss, _ in finals]
    assert len(set(losses)) == 4
    assert history.loss[-1] == min(losses)
    assert same(model, finals[losses.index(min(losses))][1])


def test_starts_do_not_look_at_test_rows_without_patience():
    """The test rows are those of another function, which a worse fit is nearer to."""
    model, finals = small(), []

    def callback(fitted, step, history):
        if step == 4:
            finals.append((history.loss[-1], history.test[-1]))

    x, y = sample()
    history = fit(model, (x, y), test=(x, -y), optimizer="lm", steps=5, starts=5, callback=callback)
    assert (history.loss[-1], history.test[-1]) == min(finals)
    assert history.test[-1] > min(test for _, test in finals)


def test_starts_draw_from_the_global_generator_and_keep_what_is_frozen_or_cut():
    model, data = small(frozen=["base_weight"], sparse=True), sample()
    model.fix_symbolic(0, 0, 1, "sin")
    base, masks = [layer.base_weight.clone() for layer in model], [layer.mask.clone() for layer in model]
    first, again = copy.deepcopy(model), copy.deepcopy(model)
    torch.manual_seed(3)
    one = fit(first, data, optimizer="lm", steps=3, starts=3)
    after = torch.rand(2)
    torch.manual_seed(3)
    two = fit(again, data, optimizer="lm", steps=3, starts=3)
    assert one.loss == two.loss
    assert torch.equal(torch.rand(2), after)
    assert all(torch.equal(layer.base_weight, old) for layer, old in zip(first, base, strict=True))
    assert all(torch.equal(layer.mask, old) for layer, old in zip(first, masks, strict=True))
    assert first[0].symbolic.name(1, 0) == "sin"


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_one_start_draws_nothing_and_touches_no_other_generator(optimizer):
    model, data = small(), sample()
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    fit(model, data, optimizer=optimizer, steps=2, penalty=1e-3)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002


NAN = float("nan")
X, Y = np.random.default_rng(0).random((50, 2)), np.random.default_rng(1).random(50)
BAD = {
    "nan": ((np.where(X > 0.9, NAN, X), Y), {}, DataError),
    "nan in targets": ((X, np.where(Y > 0.9, NAN, Y)), {}, DataError),
    "too large": ((1e300 * X, Y), {}, DataError),
    "targets too large to square": ((X, 1e30 * Y), {}, NonFiniteError),
    "text": (([["a", "b"]] * 50, Y), {}, DataError),
    "columns": ((X[:, :1], Y), {}, DataError),
    "outputs": ((X, X), {}, DataError),
    "empty": ((X[:0], Y[:0]), {}, DataError),
    "rows": ((X, Y[:40]), {}, DataError),
    "one row": ((X[:1], Y[:1]), {"penalty": 0.1}, DataError),
    "no pair": (X, {}, DataError),
    "test": ((X, Y), {"test": (X, Y[:3])}, DataError),
    "optimizer": ((X, Y), {"optimizer": "sgd"}, ConfigError),
    "grids": ((X, Y), {"grids": [4, 0]}, ConfigError),
    "stages": ((X, Y), {"grids": [4, 5], "penalty": [0.1, 0.1, 0.1]}, ConfigError),
    "loss": ((X, Y), {"optimizer": "lm", "loss": l1_loss}, ConfigError),
}


@pytest.mark.parametrize(("data", "options", "error"), BAD.values(), ids=BAD)
def test_what_cannot_be_fitted_leaves_the_network_untouched(data, options, error):
    model = small(torch.float32)
    before, edges = copy.deepcopy(model.state_dict()), [layer.edge for layer in model]
    with pytest.raises(error):
        fit(model, data, grids=options.pop("grids", [4]), **options)
    assert same(model, before)
    assert [layer.edge for layer in model] == edges


def test_a_formula_that_is_not_defined_on_the_rows_is_an_error_that_touches_nothing():
    model, (x, y) = small(grid=3), sample()
    model.fix_symbolic(0, 0, 0, "log")
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(NonFiniteError, match=r"the loss is nan before the first step: look for inputs outside the domain"):
        fit(model, (x, y))
    assert same(model, before)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ["log", "sqrt"])
def test_the_end_of_a_formulas_domain_is_survived(name, optimizer):
    """Targets that pull the argument below zero."""
    model = KAN([1, 1]).double()
    model.fix_symbolic(0, 0, 0, name, (1.0, 0.02, 1.0, 0.0))
    x = torch.linspace(0, 1, 100, dtype=torch.float64).unsqueeze(1)
    history = fit(
        model, (x, 2 * torch.sqrt(x) - 1), optimizer=optimizer, steps=50, lr=0.05 if optimizer == "adam" else None
    )
    assert history.loss[-1] <= history.loss[0] or history.stopped.startswith("the loss became nan")
    assert model(x).isfinite().all()
    assert all(p.isfinite().all() for p in model.parameters())


def test_adam_that_leaves_the_numbers_stops_before_it():
    model, (x, y) = small(torch.float32), sample(dtype=torch.float32)
    history = fit(model, (x, y), optimizer="adam", lr=1e30, steps=20, grid_updates=0)
    assert "the loss became" in history.stopped
    assert len(history) < 20
    assert all(p.isfinite().all() for p in model.parameters())


def test_a_start_that_is_worth_nothing_does_not_win():
    model, (x, y) = small(), sample()
    model.fix_symbolic(0, 0, 0, "sqrt", (1.0, 1.5, 1.0, 0.0))
    first, broken = [], []

    def callback(fitted, step, history):
        if not first or (step == 0 and not broken):
            (broken if first else first).append(history)
        if broken:
            with torch.no_grad():
                fitted[0].coef.fill_(torch.nan)

    history = fit(model, (x, y), optimizer="adam", steps=5, starts=2, grid_updates=0, callback=callback)
    assert history is first[0]
    assert model(x).isfinite().all()


def test_warns_of_more_parameters_than_targets_at_the_line_that_asks():
    with pytest.warns(UserWarning, match="63 parameters and 20 targets") as caught:
        fit(KAN([2, 3, 1], grid=3), (X[:20], Y[:20]), steps=1)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_one_row_is_learned(optimizer):
    with pytest.warns(UserWarning, match="by heart"):
        history = fit(small(), (X[:1], Y[:1]), optimizer=optimizer, steps=5)
    assert history.loss[-1] < history.loss[0] or history.loss[-1] < 1e-20


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_columns_products_and_formulas_are_fitted(optimizer):
    x = 2 * torch.rand(200, 4, dtype=torch.float64) - 1
    model = KAN([2, [1, 1], 1], grid=3, inputs=[3, 1], affine=True).double()
    model.fix_symbolic(1, 1, 0, "x")
    history = fit(model, (x, x[:, 3] * x[:, 1]), optimizer=optimizer, steps=10)
    assert history.loss[-1] < history.loss[0]
    assert model[1].symbolic.affine[0, 1].tolist() != [1, 0, 1, 0]


def test_the_data_is_not_changed():
    x, y = sample(dtype=torch.float32)
    before = x.clone(), y.clone()
    fit(small(torch.float32), (x, y), steps=2)
    assert torch.equal(x, before[0])
    assert torch.equal(y, before[1])


def test_gradients_that_are_switched_off_are_switched_on_for_it():
    for optimizer in OPTIMIZERS:
        with torch.no_grad():
            history = fit(small(), sample(), optimizer=optimizer, steps=3, penalty=1e-3)
        assert history.loss[-1] < history.loss[0]


def test_a_function_that_fits_in_the_network_is_found_to_the_last_digits():
    """[2, 1, 1] on exp(sin(pi x) + y^2), from coarse to fine: the error falls with the grid."""
    torch.manual_seed(1)
    model, data = KAN([2, 1, 1], grid=3).double(), sample(1000)
    history = fit(model, data, optimizer="lm", steps=15, grids=(3, 6, 12, 24), starts=2)
    assert history.rmse[-1] < 1e-4 < 0.1 * history.rmse[14]
    inside = sample(500)[0] * 0.95
    expected = torch.exp(torch.sin(torch.pi * inside[:, 0]) + inside[:, 1] ** 2)
    assert_within(model(inside).squeeze(1).detach(), expected, 1e-3)
