"""The kernels for the vector instructions of other processors pass the tests of the operators too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from edgewise.ops.native import build

ROOT = Path(__file__).parents[3]
TESTS = ["tests/ops/kan", "tests/ops/sakan", "tests/ops/rational", "tests/ops/attention"]
CAPABILITIES = ["DEFAULT", "AVX2", "AVX512"]  # each processor has those before its own
OWN = torch.backends.cpu.get_cpu_capability()
# The generic kernels are compiled with all warnings as errors: they are warnings of all, since the sources are the same.
RUN = """
import sys
import pytest, torch
from edgewise.ops.native import build
if sys.argv[1] == "DEFAULT":
    build._FLAGS = [*(flag for flag in build._FLAGS if flag != "-w"), "-Wall", "-Wextra", "-Werror"]
assert torch.backends.cpu.get_cpu_capability() == sys.argv[1]
sys.exit(pytest.main(sys.argv[2:]))
"""


@pytest.mark.slow
@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("name", CAPABILITIES[: CAPABILITIES.index(OWN)] if OWN in CAPABILITIES else [])
def test_the_variant_passes(name):
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": name.lower(), "CI": "true"}
    command = [sys.executable, "-c", RUN, name, *TESTS, "-q", "-x", "-m", "not slow", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_flags_are_those_of_the_processor(monkeypatch):
    for name in CAPABILITIES:
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda name=name: name)
        assert f"-DCPU_CAPABILITY_{name}" in build._capability_flags()
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "a processor of tomorrow")
    assert "-DCPU_CAPABILITY_DEFAULT" in build._capability_flags()
