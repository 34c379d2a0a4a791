"""Completions servers on the settings page: which there are, what each can, and adding, testing and
removing them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from pydantic import ValidationError

from backend.client import Client
from backend.core.settings import ADDRESS
from backend.messages.servers import Probed, Server, Servers
from components.frame.prose import plain_markdown
from components.frame.service import refusals
from components.frame.theme import NOTHING

ACCEPTED = {
    "name": "accepted: up to 40 small letters, digits, - and _",
    "url": f"accepted: {ADDRESS}",
}
STATES = {None: "not tested", True: "works", False: "does not work"}


def server_panel(service: Client, found: Servers) -> None:
    """The servers with their probes' results, and what can be done about them."""
    if found.address:
        st.text(f"The environment names {found.address}.")
    if found.servers:
        server_table(found.servers)
        server_actions(service, found.servers)
    elif not found.address:
        st.text("No server is known. Add one by its address, and it is tested.")
    server_form(service)


def server_table(servers: Sequence[Server]) -> None:
    """One line a server: state, model, context, what it gives and refuses; and why one fails."""
    columns = ["name", "address", "state", "model", "context", "gives", "refuses"]
    lines = [(one.name, one.url, *probe_cells(one.probed)) for one in servers]
    st.dataframe(pd.DataFrame(lines, columns=columns), hide_index=True, placeholder=NOTHING)
    for one in servers:
        if one.probed is not None and not one.probed.ok:
            st.text(f"{one.name}: {one.probed.reason}. {one.probed.remedy}")


def probe_cells(probed: Probed | None) -> tuple[str | int | None, ...]:
    """What a probe found, a cell a column; nothing where nobody has asked, or nobody answered."""
    if probed is None or not probed.ok:
        return (STATES[None if probed is None else False], None, None, None, None)
    gives = ", ".join(probed.gives)
    return (STATES[True], probed.model, probed.context or None, gives, probed.refuses)


def server_actions(service: Client, servers: Sequence[Server]) -> None:
    """Test or remove some servers, or test all."""
    names = [server.name for server in servers]
    choice, test, remove = st.columns([4, 1, 1], vertical_alignment="bottom")
    with choice:
        chosen = st.multiselect("Servers", names, key="servers.chosen", placeholder="All servers")
    if test.button("Test", width="stretch", key="servers.test"):
        with st.spinner("Asking"), refusals():
            for name in chosen or names:
                service.test_server(name)
            st.rerun()
    if remove.button("Remove", width="stretch", key="servers.remove", disabled=not chosen):
        with refusals():
            for name in chosen:
                service.remove_server(name)
            st.session_state.pop("servers.chosen", None)
            st.rerun()


def server_form(service: Client) -> None:
    """Add a server, or give one another address; it is tested at once."""
    with st.form("servers.add", clear_on_submit=False):
        name, url, add = st.columns([2, 4, 1], vertical_alignment="bottom")
        called = name.text_input(
            "Name", placeholder="lab", help="small letters, digits, - and _", key="servers.name"
        )
        address = url.text_input(
            "Address", placeholder="http://localhost:8000/v1", key="servers.url"
        )
        if add.form_submit_button("Add", width="stretch"):
            with st.spinner("Asking"), refusals():
                try:
                    service.add_server(called.strip(), address.strip())
                except ValidationError as error:
                    where = str(error.errors()[0]["loc"][0])
                    st.error(plain_markdown(f"{where}: {ACCEPTED[where]}"), icon=":material/error:")
                else:
                    st.rerun()
    st.caption(
        "A run uses a server by the engine openai and a model MODEL@NAME, or @NAME for its first "
        "model."
    )
