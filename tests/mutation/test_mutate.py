import ast

import pytest

from tests.mutation.__main__ import AREAS, ROOT, picked, steps
from tests.mutation.mutate import chosen, mutants
from tests.mutation.named import NAMED, named

CASES = {
    "a < b": {"(a <= b)", "(a > b)"},
    "a is not b": {"(a is b)"},
    "not a": {"a"},
    "a and b": {"(a or b)"},
    "a - b": {"(a + b)"},
    "a + 'text'": set(),
    "True": {"False"},
    "3": {"30", "4"},
    "0": {"1", "2"},
    "1e-3": {"0.01"},
    "a if b else c": {"(a)", "(c)"},
    "x.amin(0)": {"(x.amax(0))", "1", "2"},
    "f(x, option=y)": {"(f(x))"},
    "zip(x, y, strict=z)": set(),
}


@pytest.mark.parametrize("text", CASES)
def test_changes_of_expressions(text):
    assert {mutant.after for mutant in mutants("a.py", f"v = {text}\n")} == CASES[text]


def test_changes_of_statements():
    source = "def f(x):\n    if x:\n        raise E('1' + 2)\n    x.fill_(y)\n    return x\n"
    found = {(mutant.line, mutant.before, mutant.after) for mutant in mutants("a.py", source)}
    assert found == {
        (2, "if x:\n        raise E('1' + 2)", "pass"),
        (4, "x.fill_(y)", "pass"),
        (4, "x.fill_(y)", "return"),
    }


def test_messages_docstrings_and_annotations_stay():
    source = '"""1"""\n@d(1)\ndef f(x: a(1) = b) -> c(1):\n    """2"""\n    raise E(1)\n    warn(f"{1}")\n'
    assert not mutants("a.py", source)


def test_only_the_place_meant_is_changed():
    source = "é = 1\ndef f():\n    return é + 1\n"
    (mutant,) = (m for m in mutants("a.py", source) if m.kind == "operator")
    assert mutant.applied(source) == "é = 1\ndef f():\n    return (é - 1)\n"
    assert (mutant.line, mutant.inside, mutant.code) == (3, "f", "return é + 1")


def test_a_choice_stays_when_other_parts_change():
    source = (ROOT / "edgewise/nn/grid.py").read_text()
    before, after = mutants("a.py", source), mutants("a.py", f"import other\n\n{source}")
    assert len(before) > 100
    assert [m.rank(3) for m in chosen(before, 20, 3)] == [m.rank(3) for m in chosen(after, 20, 3)]
    assert {m.rank(3) for m in chosen(before, 20, 3)} != {m.rank(3) for m in chosen(before, 20, 4)}
    assert len({m.kind for m in chosen(before, 20, 3)}) >= 7


def test_all_that_is_chosen_can_be_compiled_and_is_no_longer_the_same():
    found = picked(60, 0)
    assert len(found) == 60 + len(NAMED)
    assert {m.path.split("/")[1] for m in found} == set(AREAS)
    for mutant in found:
        source = (ROOT / mutant.path).read_text()
        assert ast.dump(ast.parse(mutant.applied(source))) != ast.dump(ast.parse(source))


@pytest.mark.parametrize("name", ["nn/grid.py", "kan/symbolic.py", "vision/data/packages.py"])
def test_each_mutant_of_a_file_can_be_compiled(name):
    source = (ROOT / "edgewise" / name).read_text()
    for mutant in mutants(name, source):
        compile(mutant.applied(source), name, "exec")


def test_named_mutants_that_fit_no_longer_are_said():
    with pytest.raises(LookupError, match="stands 0 times in the package: mend NAMED"):
        named({"a.py": "nothing"})


def test_the_nearest_tests_come_first():
    wanted = list(steps("edgewise/kan/interpret/_layout.py", ROOT))
    assert wanted[0][:3] == ("tests/kan/interpret", "-m", "not slow")
    assert wanted[1][:4] == ("tests/kan", "-m", "not slow", "--ignore=tests/kan/interpret")
    assert wanted[2][:3] == ("tests/kan/interpret", "-m", "slow and not inductor")
    assert next(steps("edgewise/kan/interpret/curves.py", ROOT))[0] == "tests/kan/interpret/test_curves.py"
    assert next(steps("edgewise/nn/attention/ranked.py", ROOT))[0] == "tests/nn/test_attention.py"
