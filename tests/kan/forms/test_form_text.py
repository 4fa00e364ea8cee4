import pytest

from edgewise import ConfigError
from edgewise.kan.forms.form_text import read_form


def test_what_is_unknown_in_a_form():
    form = read_form("m*a + f(x, v/m)", ["a", "m", "v", "x"])
    assert [str(argument) for argument in form.shown] == ["x", "v/m"]
    assert form.names == ()
    assert read_form("V*s/(K + s)", ["s"]).names == ("K", "V")
    assert read_form("E*s + K", ["E", "s"]).names == ("K",)  # a column that is called as a constant is


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y = m*a", "what stands behind the equals sign, such as .*, got 'y = m"),
        ("m*+", "is no formula"),
        ("sine(x)*a", "unknown function 'sine'; did you mean 'sin'"),
        ("m*a", r"has nothing unknown: write f\(...\) for an unknown function, or names other than .* \(a, m, x\)"),
        ("m*a + f(x, q)", "unknown column 'q'"),
        ("m*a + f()", "is of no column"),
        ("m*a + f(2)", "is of no column"),
        ("f(x) + g(m)", r"has several unknown functions, f\(x\) and g\(m\)"),
        ("f(x) + f(m)", r"has several unknown functions"),
        ("m*f(x) + exp(f(x)) + f(x)^5", r"cannot be solved for f\(x\)"),
        ("erf(m)*f(x)", "has a function that networks have not"),
        ("K*m + f(x)", "unknown column 'K'"),
    ],
)
def test_forms_that_are_none(text, message):
    with pytest.raises(ConfigError, match=message):
        read_form(text, ["a", "m", "x"])


def test_columns_with_units_are_called_without_them_and_a_form_is_of_one():
    assert read_form("V*S/(K + S)", ["S [mM]"]).names == ("K", "V")
    with pytest.raises(ConfigError, match=r"'V\*T/\(K \+ T\)' is of no column: write them as they are called, S \[mM\]"):
        read_form("V*T/(K + T)", ["S [mM]"])
