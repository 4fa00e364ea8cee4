import keyword

import pytest

from edgewise._ground.errors import ConfigError
from edgewise.kan.interpret.names import check_identifier, identifiers, upright

WILD = [
    "T [K]",
    "a-b",
    "a b",
    "2x",
    "lambda",
    "numpy",
    "",
    "!",
    "\N{MICRO SIGN}",
    "\N{GREEK SMALL LETTER MU}",
    "x\n'''",
    "x²",
]


def test_every_name_becomes_one_that_python_takes_and_no_two_the_same():
    names = [*WILD, *WILD, *keyword.kwlist, "T_K", "T_K_2", "f", "scipy", "a\\b", "größe"]
    found = identifiers(names, ["f"])
    assert all(name.isidentifier() and not keyword.iskeyword(name) for name in found)
    assert len(set(found)) == len(names)
    assert not {"numpy", "scipy", "math", "f"} & set(found)
    assert found[:5] == ["T_K", "a_b", "a_b_2", "x_2x", "lambda_"]


def test_names_that_are_good_stay():
    good = ["x_1", "mass", "_T", "größe", "a__b"]
    assert identifiers(good[:2] + good[3:]) == good[:2] + good[3:]


@pytest.mark.parametrize("name", ["my function", "2f", "lambda", "numpy", ""])
def test_a_function_has_a_name_of_python(name):
    with pytest.raises(ConfigError, match="cannot be called"):
        check_identifier(name, "a function")


@pytest.mark.parametrize("name", ["x", "x_1", "a12"])
def test_short_names_are_as_they_are(name):
    assert upright(name) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mass", r"\mathrm{mass}"),
        ("50% of a_b", r"\mathrm{50\%\ of\ a\_b}"),
        ("{x}^2", r"\mathrm{\{x\}\wedge 2}"),
        ("~\\", r"\mathrm{\sim \backslash }"),
        ("", r"\mathrm{\ }"),
    ],
)
def test_words_stand_upright_and_signs_of_latex_mean_themselves(name, text):
    assert upright(name) == text
