"""The compiled operators, loaded into PyTorch as ``torch.ops.edgewise`` when they are first needed."""

from collections.abc import Callable

import torch

from edgewise._ground.errors import warn
from edgewise._ground.torch_private import constant_in_graphs
from edgewise.ops.native.build import BuildError, built_library

REGISTRY = torch.library.Library("edgewise", "FRAGMENT")  # what is registered with it lives as long as it does
_descriptions: list[Callable[[], None]] = []
_problem: BuildError | None = None
_loaded = False


def described(description: Callable[[], None]) -> Callable[[], None]:
    """Mark a function that tells PyTorch more of the operators, such as shapes without numbers; called once they exist."""
    _descriptions.append(description)
    return description


def load() -> None:
    """Make ``torch.ops.edgewise`` usable; builds the library when it is first needed.

    Raises:
        BuildError: That cannot be done here; said again each time, tried once.
    """
    global _loaded, _problem
    if _problem is not None:
        raise _problem
    if _loaded:
        return
    try:
        torch.ops.load_library(built_library())
    except (BuildError, OSError) as error:
        _problem = error if isinstance(error, BuildError) else BuildError(f"the kernels do not load: {error}")
        raise _problem from error
    for describe in _descriptions:
        describe()
    _loaded = True


def obstacle() -> str | None:
    """Why the kernels cannot be used here, in words; None if they can, for which they are built."""
    try:
        load()
    except BuildError as error:
        return str(error)
    return None


@constant_in_graphs
def available() -> bool:
    """Whether the kernels can be used; if not, a warning says why, once."""
    if _loaded:
        return True
    known = _problem is not None
    try:
        load()
    except BuildError as error:
        if not known:
            warn(f"layers run on the slower lean backend, since {error}")
        return False
    return True
