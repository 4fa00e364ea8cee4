import errno
import os
import subprocess
import sys
import warnings
from types import SimpleNamespace

import pytest

from edgewise._ground.errors import DataError, warn
from edgewise.cli import COMMANDS, main


@pytest.fixture
def command(monkeypatch):
    """Puts a function in the place of `edgewise train`."""

    def replace(function):
        monkeypatch.setitem(sys.modules, "edgewise.cli.train", SimpleNamespace(main=function))

    return replace


def raising(error):
    def function(words):
        raise error

    return function


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_command_and_gives_examples(words, capsys):
    assert main(words) == 0
    text = capsys.readouterr().out
    assert "examples:" in text
    for name, purpose in COMMANDS.items():
        assert f"  {name}" in text
        assert purpose in text


def test_help_loads_nothing_that_the_package_itself_does_not():
    code = """
import sys, edgewise
before = set(sys.modules)
from edgewise.cli import main
main(["--help"])
loaded = {"torch", "tyro", "rich", "lightning", "monai", "sklearn", "matplotlib"} & (set(sys.modules) - before)
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_python_m_edgewise_is_the_command():
    ran = subprocess.run([sys.executable, "-m", "edgewise", "--version"], check=True, capture_output=True, text=True)
    assert ran.stdout.startswith("edgewise 0.")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_with_examples(name, capsys):
    assert main([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"usage: edgewise {name}" in text
    assert f"examples:\n  edgewise {name}" in text


def test_a_misspelt_command_is_a_usage_error_that_names_the_nearest(capsys):
    assert main(["trian"]) == 2
    assert "edgewise: unknown command 'trian'; did you mean 'train'?" in capsys.readouterr().err


def test_a_misspelt_option_is_a_usage_error_that_names_the_nearest(capsys):
    assert main(["data", "busi", "--rot", "x"]) == 2
    error = capsys.readouterr().err
    assert "--rot" in error
    assert "--root" in error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (DataError("the mask\nis missing"), "the mask is missing"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a.png"), "[Errno 28] No space left on device: 'a.png'"),
        (KeyError("width"), "unforeseen KeyError: 'width' (EDGEWISE_DEBUG=1 shows where)"),
        (PermissionError(errno.EACCES, "Permission denied", "b.png"), "[Errno 13] Permission denied: 'b.png'"),
    ],
)
def test_an_error_is_one_line_and_exit_code_one(command, capsys, error, line):
    command(raising(error))
    assert main(["train"]) == 1
    assert capsys.readouterr().err == f"edgewise: error: {line}\n"


def test_on_request_an_error_comes_with_its_traceback(command, monkeypatch):
    monkeypatch.setenv("EDGEWISE_DEBUG", "1")
    command(raising(DataError("no")))
    with pytest.raises(DataError):
        main(["train"])


def lightning_interrupted(words):
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        sys.exit(1)


@pytest.mark.parametrize("function", [raising(KeyboardInterrupt()), lightning_interrupted])
def test_an_interrupt_exits_with_130_and_says_how_to_go_on(command, capsys, function):
    command(function)
    assert main(["train", "nuclei"]) == 130
    assert capsys.readouterr().err == (
        "edgewise: interrupted; with --resume it goes on from the last whole epoch: edgewise train --resume --run DIR\n"
    )


def test_without_tyro_one_line_names_the_extra(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tyro", None)
    assert main(["models"]) == 1
    assert "pip install 'edgewise[cli]'" in capsys.readouterr().err


def test_the_console_script_returns_the_exit_code():
    ran = subprocess.run([sys.executable, "-m", "edgewise", "nonsense"], capture_output=True, text=True)
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr


def test_warnings_are_lines_without_a_place_in_code(command, capsys):
    def warning(words):
        warn("the masks\nare few")
        print(warnings.formatwarning("other", UserWarning, "file.py", 7, "code"), file=sys.stderr)

    command(warning)
    before = warnings.formatwarning
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda *told: print(warnings.formatwarning(*told[:4]), file=sys.stderr)
        assert main(["train"]) == 0
    assert capsys.readouterr().err == "edgewise: warning: the masks are few\n\nfile.py:7: UserWarning: other\n  code\n\n"
    assert warnings.formatwarning is before
