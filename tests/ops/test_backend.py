import os
import subprocess
import sys
import threading

import pytest

from edgewise import EdgewiseError, backend_in_use, use_backend
from edgewise.ops import BACKENDS, native, ops

USABLE = [name for name in BACKENDS if name != "native" or native.available()]
DEFAULT = "native" if native.available() else "lean"


def test_auto_is_native_where_it_can_be_built():
    with use_backend("auto"):
        assert backend_in_use() == DEFAULT
        assert ops() is BACKENDS["native"]  # which hands on to lean what it has no kernels for


@pytest.mark.parametrize("name", USABLE)
def test_in_a_block(name):
    with use_backend(name):
        assert backend_in_use() == name
        assert ops() is BACKENDS[name]
    assert backend_in_use() == DEFAULT


def test_blocks_nest_and_end_with_errors():
    with use_backend("reference"):
        with pytest.raises(KeyError), use_backend("plain"):
            raise KeyError
        assert backend_in_use() == "reference"


def test_as_a_setter():
    use_backend("plain")
    assert backend_in_use() == "plain"
    use_backend("auto")
    assert backend_in_use() == DEFAULT


def test_a_block_does_not_reach_other_threads():
    seen = []
    with use_backend("reference"):
        thread = threading.Thread(target=lambda: seen.append(backend_in_use()))
        thread.start()
        thread.join()
    assert seen == [DEFAULT]


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(EdgewiseError, match="unknown backend 'referense'; did you mean 'reference'"):
        use_backend("referense")
    assert backend_in_use() == DEFAULT


@pytest.mark.parametrize("backend", BACKENDS.values(), ids=BACKENDS)
def test_each_backend_has_all_ops(backend):
    for op in ("linear", "conv", "shared_linear", "shared_conv", "execute"):
        assert callable(getattr(backend, op))


def started_with(value: str, code: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "EDGEWISE_BACKEND": value}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def test_the_environment_chooses_the_backend_to_start_with():
    run = started_with("plain", "import edgewise; print(edgewise.backend_in_use())")
    assert run.stdout == "plain\n"


def test_an_unknown_backend_in_the_environment_is_refused():
    run = started_with("naitve", "import edgewise.ops")
    assert "unknown backend 'naitve'; did you mean 'native'" in run.stderr
    assert run.returncode != 0
