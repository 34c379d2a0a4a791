"""Where a run comes from and what came from it, with links; and the origins' nodes for its tree."""

from __future__ import annotations

import streamlit as st

from backend.client import Client, Refused
from backend.core.tree import tree_table
from backend.messages.forks import Descendant, Kin, Origin
from backend.messages.runs import OVER
from components.frame.address import address, page
from components.frame.prose import plain_markdown
from components.run.context import Ancestor, ContextNode, context_of
from components.run.log import RunLog
from components.run.words import amount, state_word

EDITED = {"": "", "text": ", its text edited by hand", "token": ", a token exchanged by hand"}
_LOGS = "fork.logs"


def fork_header(kin: Kin) -> None:
    """One line each for the origins and for the forks; nothing for a run that has neither."""
    if not kin.origins and not kin.forks:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for place, origin in enumerate(kin.origins):
            _link(
                ("" if place == 0 else "which was ") + from_words(origin),
                origin.run,
                origin.node,
                origin.stored,
            )
        for fork in kin.forks[:3]:
            _link(fork_words(fork), fork.run, None, True)
        if len(kin.forks) > 3:
            with st.popover(f"{len(kin.forks) - 3} more", icon=":material/fork_right:"):
                for fork in kin.forks[3:]:
                    _link(fork_words(fork), fork.run, None, True)


def from_words(origin: Origin) -> str:
    """A run's origin in words."""
    name = f"run {origin.run}" + (
        f" ({origin.strategy.replace('_', ' ')})" if origin.strategy else ""
    )
    if origin.continued:
        taken = origin.replayed.get("generated_tokens", 0)
        words = f"continues {name} with more budget, {amount(taken)} tokens replayed"
    else:
        words = f"forked from {name} at node {origin.node}{EDITED[origin.edited]}"
    return words + (
        ", in another store"
        if origin.elsewhere
        else ""
        if origin.stored
        else ", which is no longer stored"
    )


def fork_words(fork: Descendant) -> str:
    """A run that came from this one in words."""
    what = "continued as" if fork.continued else f"forked at node {fork.node} into"
    ending = fork.grade if fork.answer is not None else state_word(fork.status)
    return f"{what} run {fork.run} ({fork.strategy.replace('_', ' ')}, {ending})"


def _link(words: str, run: int, node: int | None, stored: bool) -> None:
    if stored:
        label, query = plain_markdown(words), address(run=run, node=node)
        st.page_link(
            page("trace"),
            label=label,
            icon=":material/fork_right:",
            query_params=query,
            width="content",
        )
    else:
        st.caption(plain_markdown(words), width="content")


def origin_context(service: Client, kin: Kin) -> tuple[ContextNode, ...]:
    """The nodes of the origins for the tree of a fork, as far as they are stored. A continued run
    has its origin's nodes itself."""
    ancestors = []
    for origin in kin.origins:
        if (
            not origin.continued
            and origin.stored
            and (log := _log(service, origin.run)) is not None
        ):
            ancestors.append(Ancestor(origin.run, origin.shared, tree_table(log.nodes, log.events)))
    return context_of(ancestors)


def _log(service: Client, run_id: int) -> RunLog | None:
    """The log of an origin, fetched once for as long as forks of it are looked at; None where it is
    gone."""
    kept: dict[int, tuple[RunLog, bool]] = st.session_state.setdefault(_LOGS, {})
    log, whole = kept.get(run_id, (RunLog(run_id), False))
    if not whole:
        try:
            over = service.info(run_id).status in OVER
            kept[run_id] = (log.read_on(service), over)
        except Refused:
            return None
    return log
