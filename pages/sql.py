"""What does the store say to a question of my own? SQL on a copy, with examples, and rows that lead to their traces."""

import streamlit as st

from components.controls.sql_editor import copy_line, editor
from components.controls.sql_result import result
from components.controls.sql_tables import table_browser
from components.service import connect, required

service = connect()
tables = required(service.sql.tables, "The tables")
copy_line(service, required(service.sql.copy, "The copy of the store"))
left, right = st.columns([5, 2], gap="medium")
with left:
    query = editor(service, required(service.sql.queries, "The kept queries"))
with right:
    table_browser(tables)
if query:
    result(service, query)
else:
    st.info("Choose an example, or write a query and run it.", icon=":material/database:")
