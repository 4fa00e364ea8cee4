"""From a table to a formula: the search for a network, its formula, and the report about both."""

from edgewise.kan.discovery.discover import discover
from edgewise.kan.discovery.front import Member
from edgewise.kan.discovery.knowledge import Knowledge
from edgewise.kan.discovery.result import Discovery

__all__ = ["Discovery", "Knowledge", "Member", "discover"]
