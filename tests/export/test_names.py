"""Names of baked functions: what the language or the file has already is refused, all else gives a file that works."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

from edgewise._ground.errors import ConfigError
from edgewise.export import bake
from edgewise.kan import KAN

NONE = ("two words", "", "1st", "größe")
PYTHON = ("class", "float", "len", "range", "numpy", "math", "erf", "spline", "f0", "S12")
C = ("int", "double", "restrict", "main", "bool", "_row", "spline", "f0", "S0_coef")
LIBM = ("exp", "expf", "erf", "atan2l", "y0", "lgamma_r", "isnan", "isless", "NAN", "M_PI", "float_t", "log2p1")
CC = shutil.which("cc")


@pytest.fixture(scope="module")
def baked():
    model = KAN([2, 3, 1])
    model.fix_symbolic(0, 0, 0, "sin")
    return bake(model)


@pytest.mark.parametrize("name", NONE + PYTHON)
def test_a_name_that_python_cannot_give_is_refused(baked, name):
    with pytest.raises(ConfigError, match=f"cannot be called '{name}'"):
        baked.numpy_source(name)


@pytest.mark.parametrize("name", NONE + C + LIBM)
def test_a_name_that_c_cannot_give_is_refused(baked, name):
    with pytest.raises(ConfigError, match=f"cannot be called '{name}'"):
        baked.c_source(name)


@pytest.mark.parametrize("name", ["predict", "x", "y", "s0", "exp", "double", "match"])
def test_other_names_work_in_python(baked, name):
    x, module = np.linspace(-1, 1, 10).reshape(5, 2), {}
    exec(baked.numpy_source(name), module)
    np.testing.assert_allclose(module[name](x), baked(x), rtol=1e-12)


@pytest.mark.skipif(CC is None, reason="there is no C compiler")
@pytest.mark.parametrize("name", ["x", "s0", "x1", "b", "first", "len", "numpy", "class", "explain"])
def test_other_names_work_in_c(baked, name, tmp_path):
    baked.save(tmp_path / "baked.c", name)
    strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    command = [CC, *strict, "-shared", "-fPIC", "-o", tmp_path / "baked.so", tmp_path / "baked.c", "-lm"]
    subprocess.run(command, check=True)
    row, y = np.array([0.3, -0.4]), np.empty(1)
    pointer = ctypes.POINTER(ctypes.c_double)
    getattr(ctypes.CDLL(str(tmp_path / "baked.so")), name)(row.ctypes.data_as(pointer), y.ctypes.data_as(pointer))
    np.testing.assert_allclose(y, baked(row[None])[0], rtol=1e-12)
