"""From a table to a formula: the search for a network, its formula, and the report about both."""

from edgewise.kan.discovery.csv_table import CsvTable, read_csv
from edgewise.kan.discovery.discover import Discovery, discover

__all__ = ["CsvTable", "Discovery", "discover", "read_csv"]
