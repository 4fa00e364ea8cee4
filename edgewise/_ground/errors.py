"""Errors and warnings a user can mend: one clear sentence each, saying what, which value, the rule and the fix."""

import sys
import warnings


class EdgewiseError(Exception):
    """Base of every error that edgewise raises on purpose; the command line prints it in one line."""


class ConfigError(EdgewiseError, ValueError):
    """A setting that cannot work: an unknown name or option, an impossible size."""


class DataError(EdgewiseError, ValueError):
    """A file or folder of data that cannot be used as it is."""


class CheckpointError(EdgewiseError, ValueError):
    """A checkpoint or run folder that is corrupted, foreign, incomplete or in use."""


class NonFiniteError(EdgewiseError, ArithmeticError):
    """A NaN or an infinity where training needs a number."""


class MissingPackageError(EdgewiseError, ImportError):
    """An optional package that is needed here is absent or broken."""


class EdgewiseWarning(UserWarning):
    """A result that may not be what was meant, said once with the value that it is about; filters can silence it."""


class ExtrapolationWarning(EdgewiseWarning):
    """Predictions for rows beyond those that an estimator was fitted to."""


def warn(message: str, category: type[EdgewiseWarning] = EdgewiseWarning) -> None:
    """Warn whoever called this package, in the line from which it was called."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] == "edgewise":
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


for _kind in (
    EdgewiseError,
    ConfigError,
    DataError,
    CheckpointError,
    NonFiniteError,
    MissingPackageError,
    EdgewiseWarning,
    ExtrapolationWarning,
):
    _kind.__module__ = "edgewise"  # where users find them
