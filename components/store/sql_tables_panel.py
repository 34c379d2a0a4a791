"""What a query can name: the tables and views of the store with their columns."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from backend.messages.sql import SqlTable
from components.frame.prose import plain_markdown


def table_browser(tables: Sequence[SqlTable]) -> None:
    """One table at a time: what it holds, and its columns."""
    by_name = {table.name: table for table in tables}
    name = st.selectbox("Tables and views", list(by_name), key="sql.table")
    if name not in by_name:
        return
    st.caption(plain_markdown(by_name[name].meaning[:1].upper() + by_name[name].meaning[1:]))
    columns = pd.DataFrame(
        [(column.name, column.type) for column in by_name[name].columns], columns=["column", "type"]
    )
    st.dataframe(columns, hide_index=True, height=230, key=f"sql.columns.{name}")
