"""Tables of a page as files."""

from __future__ import annotations

import pandas as pd

from backend.core.cells import quote_cell


def table_csv(table: pd.DataFrame) -> str:
    """A table as CSV with a line of names; texts that a spreadsheet would compute are quoted."""
    shown = table.map(lambda value: quote_cell(value) if isinstance(value, str) else value)
    return str(shown.rename(columns=quote_name).to_csv(index=False))


def quote_name(name: object) -> object:
    """The name of a column, quoted where it is a text."""
    return quote_cell(name) if isinstance(name, str) else name


__all__ = ["table_csv"]
