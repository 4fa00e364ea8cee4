"""How a basis may be given."""

import pytest

from edgewise import EdgewiseError
from edgewise.bases import BSpline, Chebyshev, Gram, Squashed, as_basis


def test_an_object_a_name_and_settings_are_the_same_basis():
    basis = BSpline(grid_size=5)
    assert as_basis(basis) is basis
    assert as_basis("bspline") == as_basis({"name": "bspline", "grid_size": 5, "domain": [-1, 1]}) == basis


def test_a_basis_inside_a_basis_is_given_in_the_same_ways():
    for inner in (Gram(3), {"name": "gram", "degree": 3}):
        assert as_basis({"name": "squashed", "basis": inner}) == Squashed(Gram(3))
    assert Squashed("gram") == Squashed(Gram())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Chebyshev, r"a basis is an object, .* got the class Chebyshev: write Chebyshev\(\)"),
        (None, "a registered name or a dict with a 'name' and settings, got None"),
        (3, "got 3"),
        (["chebyshev"], r"got \['chebyshev'\]"),
        ({"degree": 3}, r"got {'degree': 3}"),
        ({"name": Chebyshev}, "got {'name'"),
        ("chebishev", "unknown basis 'chebishev'; did you mean 'chebyshev'"),
        ({"name": "chebyshev", "degre": 3}, "unknown option of basis 'chebyshev': 'degre'; did you mean 'degree'"),
    ],
    ids=str,
)
def test_anything_else_is_refused_in_one_sentence(given, words):
    with pytest.raises(EdgewiseError, match=words):
        as_basis(given)
