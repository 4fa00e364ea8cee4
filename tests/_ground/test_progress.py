import io
import sys

import pytest

from edgewise._ground.progress import ProgressLine, track


def test_steps_pass_through_and_are_counted(capsys):
    assert list(track((n * n for n in range(4)), "squares")) == [0, 1, 4, 9]
    shown = capsys.readouterr().out
    assert "squares" in shown
    assert "100%" in shown


def test_it_starts_where_it_was_and_says_what_it_is_told(capsys):
    with ProgressLine("run", 4, done=2, errors=True) as line:
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


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_it_is_a_bar_which_an_error_ends(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    line = ProgressLine("run", 4, done=2)
    assert line.bar.tasks[0].fields["place"] == " 50%"
    with pytest.raises(ZeroDivisionError), line:
        raise ZeroDivisionError
    assert line.bar.live.is_started is False


@pytest.mark.parametrize("shown", [None, True])
def test_without_a_terminal_it_is_a_line_now_and_then(monkeypatch, capsys, shown):
    clock = iter(range(0, 1000, 11))  # a step takes eleven seconds
    monkeypatch.setattr("edgewise._ground.progress.time.monotonic", lambda: next(clock))
    with ProgressLine("fit", 10, shown=shown, errors=True) as line:
        for number in range(10):
            line.step()
            line.say(note=f"loss {number}")
    output = capsys.readouterr()
    assert output.out == ""
    lines = output.err.splitlines()
    assert 2 < len(lines) < 6
    assert lines[0].startswith("fit  30%  loss")
    assert lines[-1] == "fit  100%  loss 9"


def test_what_is_soon_done_is_done_without_a_word_unless_it_was_asked_for(capsys):
    for shown, expected in ((None, ""), (True, "fit  100%\n"), (False, "")):
        with ProgressLine("fit", 1, shown=shown) as line:
            line.step()
        assert capsys.readouterr() == (expected, "")


def test_steps_of_which_nobody_knows_the_number_are_counted(monkeypatch, capsys):
    with ProgressLine("fit", None, shown=True) as line:
        for _ in range(7):
            line.step()
            line.say(note="loss 1")
    assert capsys.readouterr().out == "fit  step 7  loss 1\n"
    monkeypatch.setattr(sys, "stdout", Terminal())
    with ProgressLine("fit", None) as line:
        line.step()
        line.say()
        assert line.bar.tasks[0].fields["place"] == "step 1"
