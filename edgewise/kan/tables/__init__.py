"""Tables in files (CSV, Excel, Parquet) as numbers: decimal commas, dates and missing cells are said, and never guessed."""

from edgewise.kan.tables.reading import Missing, Reading
from edgewise.kan.tables.table import DataTable, read_table

__all__ = ["DataTable", "Missing", "Reading", "read_table"]
