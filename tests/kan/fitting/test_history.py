import pytest

from edgewise.kan.fitting import History


def filled(*, test: bool = False) -> History:
    history = History()
    for loss in (4.0, 0.25):
        history.append(loss=loss, penalty=0.5, outside=0.0, grid=None, seconds=1.0, test=2 * loss if test else None)
    return history


def test_roots_of_the_losses():
    assert filled().rmse == [2.0, 0.5]
    assert filled(test=True).test_rmse == pytest.approx([8**0.5, 0.5**0.5])
    assert filled().test == filled().test_rmse == []
    assert len(filled()) == 2


def test_says_how_it_went():
    assert repr(History()) == "History(0 steps, nothing yet, all steps done)"
    assert repr(filled(test=True)) == "History(2 steps, loss 0.25, test 0.5, all steps done)"


def test_a_number_that_is_missing_leaves_nothing_half_written():
    history = filled()
    with pytest.raises(TypeError):
        history.append(loss=1.0, penalty=0.0)
    assert [len(values) for values in (history.loss, history.penalty, history.outside, history.grid, history.seconds)] == [
        2
    ] * 5
