"""The way from a page to the service: one client a process, and refusals shown with what is
accepted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, TypeVar

import streamlit as st

from backend.client import Client, Refused, SlowAnswer, Unreachable, base_url
from components.frame.address import page
from components.frame.prose import Markdown, plain_markdown

Result = TypeVar("Result")
_end: Callable[[], NoReturn] = st.stop


def _open(url: str) -> Client:
    return Client(url)


_client: Callable[[str], Client] = st.cache_resource(_open, max_entries=4, on_release=Client.close)


def connect() -> Client:
    """The client of the service that the environment names; it is shared, and safe to share."""
    return _client(base_url())


@contextmanager
def refusals() -> Iterator[None]:
    """Turn a refusal within the block into a message on the page, with what was given, what is
    accepted and a remedy; the block ends there."""
    try:
        yield
    except (Refused, Unreachable) as error:
        st.error(explain(error), icon=":material/error:")


def explain(error: Refused | Unreachable) -> Markdown:
    """An error as sentences for a reader, safe as markdown."""
    if isinstance(error, SlowAnswer):
        return plain_markdown(f"{error}.")
    if isinstance(error, Unreachable):
        return Markdown(
            f"{plain_markdown(str(error))} Start it with `streamlit run app.py`, or set ARBORETUM_BACKEND to its "
            "address."
        )
    if error.status == 401:
        return _say_token_refused()
    reason = str(error)
    sentences: list[str] = [
        plain_markdown(reason if reason.endswith((".", "!", "?")) else f"{reason}.")
    ]
    if error.accepted:
        sentences.append(f"Accepted: {plain_markdown(error.accepted)}.")
    if error.remedy:
        sentences.append(plain_markdown(error.remedy))
    return Markdown(" ".join(sentences))


def require(fetch: Callable[[], Result], what: str) -> Result:
    """The fetched thing; if it is not there, say so with what to do and end the page."""
    try:
        return fetch()
    except Unreachable as error:
        st.error(explain(error), icon=":material/cloud_off:")
    except Refused as error:
        if error.status in (401, 403):
            st.error(explain(error), icon=":material/lock:")
        else:
            reason = explain(error)
            st.warning(
                f"{plain_markdown(what)} cannot be shown: {reason}", icon=":material/search_off:"
            )
            st.page_link(
                page("history"), label="See which runs there are", icon=":material/history:"
            )
    return _end()


def _say_token_refused() -> Markdown:
    given = (
        "refused the token of these pages"
        if os.environ.get("ARBORETUM_TOKEN")
        else "asks for a token, and these pages have none"
    )
    return Markdown(
        f"The service at {plain_markdown(base_url())} {given}. Set ARBORETUM_TOKEN to the "
        "service's own token and start the pages again."
    )
