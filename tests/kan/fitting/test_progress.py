import io
import sys

import pytest

from edgewise.kan.fitting import History
from edgewise.kan.fitting.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(shown, monkeypatch, stream) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    history = History()
    history.append(loss=0.125, penalty=0.0, outside=0.0, grid=3, seconds=0.0, test=0.25)
    with Progress(shown, 2) as bar:
        bar.advance(history)
        bar.advance(history)
    return "" if stream is None else stream.getvalue()


def test_shows_the_losses_when_asked(monkeypatch):
    text = run(True, monkeypatch, io.StringIO())
    assert "100%" in text
    assert "loss 1.25e-01, test 2.50e-01" in text


@pytest.mark.parametrize(("shown", "stream"), [(False, Terminal()), (None, io.StringIO()), (None, None)])
def test_is_silent_when_not_asked_and_where_nobody_looks(monkeypatch, shown, stream):
    assert run(shown, monkeypatch, stream) == ""


def test_shows_itself_on_a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    assert "fit" in run(None, monkeypatch, Terminal())


def test_without_rich_a_terminal_stays_silent(monkeypatch):
    monkeypatch.setattr("edgewise._ground.progress.find_spec", lambda name: None)
    assert run(None, monkeypatch, Terminal()) == ""


def test_an_error_ends_the_bar(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    bar = Progress(True, 2)
    with pytest.raises(ZeroDivisionError), bar:
        raise ZeroDivisionError
    assert bar.bar.live.is_started is False
