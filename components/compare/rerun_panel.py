"""Running a run again, and where the first token of the second one differs from the first."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backend.client import Client
from backend.messages.compare import DifferingSetting, Divergence, Gap, TokenAt
from backend.messages.runs import Run
from components.compare.address import CompareAddress, choose_node, show_runs
from components.compare.facts import settings_html
from components.compare.settings import format_value
from components.compare.tracks_panel import Track, keep
from components.frame.prose import plain_markdown, visible
from components.frame.service import refusals

TITLE = "Where does the first token differ?"


def rerun_button(service: Client, now: CompareAddress, run: Run) -> None:
    """Have the same run once more, same seed and all, and put the two side by side."""
    if st.button(
        "Run again and compare",
        icon=":material/replay:",
        key=f"compare.again.{run.id}",
        help="The same settings and the same seed",
    ):
        try:
            spec = run.again()
        except ValueError:
            st.warning(
                (
                    "The settings of this run are not accepted by this version, so it cannot "
                    "be run again."
                ),
                icon=":material/search_off:",
            )
            return
        with refusals():
            show_runs((run.id, service.submit(spec)))
            st.rerun()


def first_token(service: Client, now: CompareAddress, one: Track, other: Track) -> None:
    """The panel for a pair of runs. Two runs of different settings are compared only if asked."""
    same = one.run.spec == other.run.spec
    with st.expander(TITLE, icon=":material/difference:", expanded=same):
        if not (one.over and other.over):
            st.text("Both runs have to be over. This panel fills by itself when they are.")
            return
        if not same and not st.toggle(
            "Compare them although their settings differ", key="compare.token_by_token"
        ):
            st.text(
                "For two runs with the same settings: choose \u22ef above a tree, and Run "
                "again and compare."
            )
            return
        with (
            refusals(),
            st.spinner(
                "Comparing token by token; the model that wrote them is asked for their texts."
            ),
        ):
            name = ("divergence", one.run.id, other.run.id)
            _found(
                now,
                keep(
                    name,
                    (one.run.finished_at, other.run.finished_at),
                    lambda: service.compare.divergence(one.run.id, other.run.id),
                ),
            )


def _found(now: CompareAddress, found: Divergence) -> None:
    icon = {"identical": ":material/check_circle:", "course": ":material/call_split:"}.get(
        found.how, ":material/difference:"
    )
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(icon, width="content")
        st.text(visible(found.sentence), width="content")
        for run, node in ((found.run_id, found.one_node), (found.other_id, found.other_node)):
            if node is not None:
                label = f"Node {node} of run {run}"
                st.button(
                    label,
                    key=f"compare.differs.{run}",
                    on_click=choose_node,
                    args=(now, run, node),
                    width="content",
                )
    for line in gaps(found):
        st.caption(plain_markdown(line))
    if found.one is not None or found.other is not None:
        st.html(
            settings_html(
                [f"run {found.run_id}", f"run {found.other_id}"],
                token_rows(found.one, found.other),
                first="",
            )
        )
    _explanations(found)


def gaps(found: Divergence) -> list[str]:
    """What else is known of how far the two runs agree, in sentences of the page's own."""
    lines = []
    if found.gap is not None:
        lines.append(f"Log-probabilities of the equal tokens {_widest(found.gap)}.")
    if found.score_gap is not None:
        lines.append(f"Verifier scores of the equal nodes {_widest(found.score_gap)}.")
    if found.cut:
        lines.append(
            f"{found.cut} texts were given up or out of budget at another place, which is "
            "no difference of the model."
        )
    if found.only_one or found.only_other:
        lines.append(
            f"{found.only_one} nodes are only in run {found.run_id}, {found.only_other} "
            f"only in run {found.other_id}."
        )
    return lines


def _widest(gap: Gap) -> str:
    if not gap.value:
        return "are all exactly the same"
    token = "" if gap.position is None else f", token {gap.position}"
    return f"differ by at most {gap.value:.3g} (node {gap.node}{token})"


def token_rows(one: TokenAt | None, other: TokenAt | None) -> list[tuple[str, Sequence[str], bool]]:
    """The two tokens at the first difference: text, id, log-probability."""

    def row(name: str, of: str) -> tuple[str, Sequence[str], bool]:
        return name, [_describe_token(token, of) for token in (one, other)], False

    return [row("token", "text"), row("id", "token_id"), row("log p", "logprob")]


def _describe_token(token: TokenAt | None, of: str) -> str:
    if token is None:
        return "the text has ended" if of == "text" else ""
    if of == "text":
        return repr(token.text) if token.text else "the model is not at hand"
    if of == "logprob":
        return "not sampled" if token.logprob is None else f"{token.logprob:.6f}"
    return str(token.token_id)


def _explanations(found: Divergence) -> None:
    """What differs around the two runs and may be the reason."""
    differing = [*found.settings, *found.manifest]
    if not differing:
        st.caption(
            "Settings, engine, versions and hashes of the models are the same."
            + ("" if found.how == "identical" else _UNEXPLAINED)
        )
        return
    st.caption("What differs around them, and may be the reason:")
    st.html(
        settings_html(
            [f"run {found.run_id}", f"run {found.other_id}"],
            [(one.name, _values(one), False) for one in differing],
        )
    )


_UNEXPLAINED = (
    " What is left are limits in seconds, the shape of the batches on an engine that is "
    "sensitive to it, and a server that does not follow seeds."
)


def _values(setting: DifferingSetting) -> list[str]:
    return [
        format_value(setting.one) if setting.one_has else "\u2014",
        format_value(setting.other) if setting.other_has else "\u2014",
    ]
