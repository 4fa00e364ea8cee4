import logging
import warnings

import pytest

from edgewise._ground.quiet import quiet


def warn(category):
    warnings.warn("this is so", category, stacklevel=1)


def test_only_what_is_named_is_left_out():
    with quiet("is so", "and so", category=FutureWarning):
        warn(FutureWarning)
        with pytest.raises(UserWarning, match="this is so"):
            warn(UserWarning)


def test_all_is_as_it_was_after_an_error():
    logger = logging.getLogger("edgewise.tests.quiet")
    logger.setLevel(logging.INFO)
    hush = quiet("is so", loggers=[logger.name])
    with pytest.raises(ZeroDivisionError), hush:
        assert 1 / logger.isEnabledFor(logging.INFO)
    assert logger.level == logging.INFO
    with pytest.raises(FutureWarning):
        warn(FutureWarning)


def test_loggers_leave_out_what_is_named_too(caplog):
    logger = logging.getLogger("edgewise.tests.quiet")
    for hushed in (True, False):
        caplog.clear()
        with quiet("is so", loggers=[logger.name] * hushed):
            logger.warning("this %s so", "is")
            logger.warning("that is not")
        assert [record.getMessage() for record in caplog.records] == ["this is so"] * (not hushed) + ["that is not"]
