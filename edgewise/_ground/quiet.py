"""Silence about what is known and does not apply, and about nothing else."""

import contextlib
import logging
import re
import warnings
from collections.abc import Iterator, Sequence


@contextlib.contextmanager
def quiet(*messages: str, loggers: Sequence[str] = (), category: type[Warning] = Warning) -> Iterator[None]:
    """Within it, warnings of these messages are left out, also those of loggers, which say warnings and errors only.

    Args:
        *messages: Regular expressions, found anywhere in a warning's message.
        loggers: Names of loggers.
        category: Of the warnings.

    Example:
        >>> with quiet("knows no .* yet"):
        ...     warnings.warn("the optimiser knows no step yet")
    """
    found = [logging.getLogger(name) for name in loggers]
    levels = [logger.level for logger in found]

    def wanted(record: logging.LogRecord) -> bool:
        return not any(re.search(message, record.getMessage()) for message in messages)

    with warnings.catch_warnings():
        for message in messages:
            warnings.filterwarnings("ignore", f".*{message}", category)
        for logger in found:
            logger.setLevel(logging.WARNING)
            logger.addFilter(wanted)
        try:
            yield
        finally:
            for logger, level in zip(found, levels, strict=True):
                logger.setLevel(level)
                logger.removeFilter(wanted)
