"""Rational functions of groups of channels."""

from edgewise.ops.rational.definition import READINGS, Reading, group_rational

__all__ = ["READINGS", "Reading", "group_rational"]
