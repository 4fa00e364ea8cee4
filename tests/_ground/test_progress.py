import pytest

from edgewise._ground.progress import ProgressLine, track


def test_steps_pass_through_and_are_counted(capsys):
    assert list(track((n * n for n in range(4)), "squares")) == [0, 1, 4, 9]
    shown = capsys.readouterr().out
    assert "squares" in shown
    assert "100%" in shown


def test_it_starts_where_it_was_and_says_what_it_is_told(capsys):
    with ProgressLine("run", 4, done=2, errors=True) as line:
        assert line.bar.tasks[0].fields["place"] == " 50%"
        line.step()
        line.say(place="epoch 3/4", note="loss 0.5")
    output = capsys.readouterr()
    assert output.out == ""
    assert "epoch 3/4" in output.err
    assert "loss 0.5" in output.err


def test_one_that_is_not_shown_is_silent_and_an_error_ends_one_that_is(capsys):
    with ProgressLine("run", 4, shown=False) as line:
        line.step()
        line.say(note="nothing")
    assert capsys.readouterr() == ("", "")
    line = ProgressLine("run", 4)
    with pytest.raises(ZeroDivisionError), line:
        raise ZeroDivisionError
    assert line.bar.live.is_started is False
