"""Tables of a page as CSV: what a spreadsheet would compute is quoted, numbers stay."""

from __future__ import annotations

import pandas as pd

from components.frame.tables import table_csv


def test_texts_and_names_of_columns_are_quoted_and_numbers_stay() -> None:
    table = pd.DataFrame({"=arm": ["=1+1", "beam", "-5"], "credit": [-0.5, None, 1.0]})
    assert table_csv(table) == "'=arm,credit\n'=1+1,-0.5\nbeam,\n-5,1.0\n"
