"""What was found, in files that need no edgewise: a page of text, a module of Python, an equation of LaTeX."""

from collections.abc import Mapping

from edgewise._ground.version import __version__
from edgewise.kan.discovery.front import RULE
from edgewise.kan.discovery.result import Discovery
from edgewise.kan.interpret import Formula


def as_text(found: Discovery, formula: Formula, target: str, columns: Mapping[str, str]) -> str:
    """The formula in its first line, then what its columns are, and the formulas that it was chosen from.

    Args:
        found: What was found.
        formula: The formula that was chosen.
        target: What it explains.
        columns: For each column, in words, which numbers it holds.
    """
    lines = [f"{target} = {formula}", "", *(f"{name}: {words}" for name, words in columns.items())]
    if found.front:
        lines += ["", f"{'length':>6}  {'error':>8}  formula"]
        lines += [f"{m.length:>6}  {m.error:>8.2g}  {'* ' * (m is found.chosen)}{m}" for m in found.front]
        lines += [
            "",
            "error: root mean square on rows held back, in standard deviations of the target",
            f"* chosen: {RULE}",
        ]
    return "\n".join([*lines, "", f"found by edgewise {__version__}", ""])


def as_python(formula: Formula, target: str, columns: Mapping[str, str]) -> str:
    """A module with the formula as a function of NumPy arrays, which says what it takes; arguments as for `as_text`."""
    said = [f"{target} = {formula}", "", *(f"{name}: {words}" for name, words in columns.items())]
    return "".join(f"# {' '.join(line.split())}".rstrip() + "\n" for line in said) + f"\n{formula.python()}\n"


def as_latex(formula: Formula, target: str) -> str:
    r"""A numbered equation for ``\input``; arguments as for `as_text`."""
    return f"\\begin{{equation}}\n  {formula.latex([target])}\n\\end{{equation}}\n"
