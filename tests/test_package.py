"""What importing edgewise needs, leaves alone and offers."""

import importlib
import inspect
import pkgutil
import subprocess
import sys
import textwrap

import pytest

import edgewise

PUBLIC = [edgewise] + [
    importlib.import_module(f"edgewise.{m.name}")
    for m in pkgutil.iter_modules(edgewise.__path__)
    if m.ispkg and m.name != "cli" and not m.name.startswith("_")
]


def run(code: str, *flags: str) -> str:
    """What a fresh interpreter prints; its exit code is 0."""
    command = [sys.executable, *flags, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_needs_little():
    """Everything else is absent, and torchvision is present and broken."""
    run(
        """
        import importlib.abc, importlib.metadata, sys

        allowed = {"torch", "numpy", "safetensors", "filelock", "edgewise"}
        needed = {"typing_extensions", "sympy", "mpmath", "networkx", "jinja2", "markupsafe", "fsspec"}
        others = set(importlib.metadata.packages_distributions()) - allowed - needed

        class Block(importlib.abc.MetaPathFinder):
            def find_spec(self, name, path=None, target=None):
                root = name.split(".")[0]
                if root == "torchvision":
                    raise RuntimeError("operator torchvision::nms does not exist")
                if root in others and not root.startswith(("torch", "nvidia", "triton", "_", "functorch")):
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        sys.meta_path.insert(0, Block())
        import edgewise
        import edgewise.vision.data

        import torch
        edgewise.create_model("all_ukan", widths=(8, 8, 8))(torch.zeros(2, 3, 32, 32))
        try:
            edgewise.create_model("unet")
        except edgewise.EdgewiseError as error:
            assert "edgewise[training]" in str(error), error
        else:
            raise AssertionError("monai was found")
        """
    )


def test_import_leaves_the_process_alone():
    run(
        """
        import random, warnings
        import numpy as np, torch

        def look():
            return (
                torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate(),
                torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled(),
                torch.are_deterministic_algorithms_enabled(), torch.get_float32_matmul_precision(),
                list(warnings.filters),
            )

        torch._dynamo  # comes with its own
        before = look()
        import edgewise, edgewise.analysis, edgewise.vision.data
        assert look() == before
        """
    )


def test_import_warns_of_nothing_and_works_optimised():
    run("import edgewise", "-W", "error", "-O")


@pytest.mark.parametrize("module", PUBLIC, ids=lambda m: m.__name__)
def test_public_names_exist_and_are_documented(module):
    assert module.__doc__
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isclass(thing) or inspect.isroutine(thing):  # and not the name of a type
            assert (thing.__doc__ or "").strip(), f"{module.__name__}.{name}"


def test_version_is_that_of_the_installed_package():
    from importlib.metadata import version

    assert edgewise.__version__ == version("edgewise")
