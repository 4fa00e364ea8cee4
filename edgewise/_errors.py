"""Errors a user can mend: one clear sentence each, saying what, which value, the rule and the fix."""


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
