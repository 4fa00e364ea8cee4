import threading

import pytest

from edgewise import EdgewiseError, backend_in_use, use_backend
from edgewise.ops import BACKENDS, ops


def test_auto_is_lean():
    with use_backend("auto"):
        assert backend_in_use() == "lean"
        assert ops() is BACKENDS["lean"]


@pytest.mark.parametrize("name", BACKENDS)
def test_in_a_block(name):
    with use_backend(name):
        assert backend_in_use() == name
        assert ops() is BACKENDS[name]
    assert backend_in_use() == "lean"


def test_blocks_nest_and_end_with_errors():
    with use_backend("reference"):
        with pytest.raises(KeyError), use_backend("plain"):
            raise KeyError
        assert backend_in_use() == "reference"


def test_as_a_setter():
    use_backend("plain")
    assert backend_in_use() == "plain"
    use_backend("auto")
    assert backend_in_use() == "lean"


def test_a_block_does_not_reach_other_threads():
    seen = []
    with use_backend("reference"):
        thread = threading.Thread(target=lambda: seen.append(backend_in_use()))
        thread.start()
        thread.join()
    assert seen == ["lean"]


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(EdgewiseError, match="unknown backend 'referense'; did you mean 'reference'"):
        use_backend("referense")
    assert backend_in_use() == "lean"


@pytest.mark.parametrize("backend", BACKENDS.values(), ids=BACKENDS)
def test_each_backend_has_all_ops(backend):
    for op in ("linear", "conv", "shared_linear", "shared_conv", "execute"):
        assert callable(getattr(backend, op))
