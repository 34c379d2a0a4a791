"""What does the store say to a question of my own? SQL on a copy, with examples, and rows that lead
to their traces."""

import streamlit as st

from components.frame.service import connect, require
from components.store.sql_editor_form import copy_line, editor
from components.store.sql_result_panel import result
from components.store.sql_tables_panel import table_browser

service = connect()
tables = require(service.sql.tables, "The tables")
copy_line(service, require(service.sql.copy, "The copy of the store"))
left, right = st.columns([5, 2], gap="medium")
with left:
    query = editor(service, require(service.sql.queries, "The kept queries"))
with right:
    table_browser(tables)
if query:
    result(service, query)
else:
    st.info("Choose an example, or write a query and run it.", icon=":material/database:")
