"""Which problems of one's own are there? Bring a file, see what was read, remove it."""

import streamlit as st

from components.frame.service import connect, require
from components.store.problem_files_form import problem_file_list, upload_form

service = connect()
found = require(service.problem_files, "The problem files")
st.subheader("Problems of your own")
upload_form(service, found)
problem_file_list(service, found)
