"""Optional packages: imported where they are used, and asked for by the extra that brings them."""

import importlib
from types import ModuleType

from edgewise._ground.errors import MissingPackageError


def require(module: str, extra: str) -> ModuleType:
    """Import and return an optional module, or say which extra of edgewise installs it.

    Args:
        module: Dotted name of the module, such as ``"monai.losses"``.
        extra: The extra of edgewise that brings it, such as ``"training"``.

    Raises:
        MissingPackageError: The package is absent, or present and broken.

    Example:
        >>> require("math", extra="data").pi
        3.141592653589793
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"{module} is needed here and {error.name} is not installed: pip install 'edgewise[{extra}]'"
        ) from error
    except Exception as error:
        raise MissingPackageError(
            f"{module} is installed but fails to import ({type(error).__name__}: {error}): "
            f"reinstall it with pip install --force-reinstall 'edgewise[{extra}]'"
        ) from error
