"""Everything about one node: text, path, token probabilities, the exact prompt, scores, settings and counts."""

from __future__ import annotations

import json

import pandas as pd
import streamlit as st

from backend.api.schemas import NodeDetail
from components.prose import path_html, prompt_html, rendered_markdown, visible
from components.tables import TreeRow, path_to
from components.tokens import heatmap_html, token_rows


def inspector(node: NodeDetail, rows: list[TreeRow]) -> None:
    """Draw the node; `rows` are the run's nodes at the moment shown, for path and state."""
    row = next((row for row in rows if row.id == node.id), None)
    _headline(node, row)
    text, path, tokens, prompt, facts = st.tabs(["Text", "Path", "Tokens", "Prompt", "Facts"], key="inspector.tab")
    with text:
        _text(node)
    with path:
        steps = [step for step in path_to(rows, node.id) if step.parent is not None]
        st.html(path_html([step.text for step in steps], len(steps) - 1)) if steps else st.text("This is the problem itself; steps begin below it.")
    with tokens:
        _tokens(node)
    with prompt:
        _prompt(node)
    with facts:
        _facts(node)


def _headline(node: NodeDetail, row: TreeRow | None) -> None:
    latest = node.scores[-1] if node.scores else None
    facts = [f"step {node.depth}", f"{node.n_tokens} tokens"]
    if latest is not None and latest.value is not None:
        facts.insert(0, f"score {latest.value:.3f}")
    if node.mean_logprob is not None:
        facts.append(f"mean log p {node.mean_logprob:.2f}")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f"**Node {node.id}**", width="content")
        st.badge(row.state if row else "not yet written", color="gray")
        st.caption(" \u00b7 ".join(facts), width="content")
    if latest is not None and latest.value is None:
        st.warning(f"No score: {visible(latest.reason or 'no reason given')}", icon=":material/warning:")


def _text(node: NodeDetail) -> None:
    rendered = st.toggle(
        "Rendered",
        key="inspector.rendered",
        help="Formulas and formatting; images are never loaded. Off: exactly what was written.",
        persist_state="session",
    )
    if rendered:
        with st.container(border=True):
            st.markdown(rendered_markdown(node.text))
    else:
        st.code(visible(node.text) or " ", language=None, wrap_lines=True)


def _tokens(node: NodeDetail) -> None:
    if not node.tokens:
        st.text(
            "The model is not loaded, so token texts are not at hand."
            if node.token_ids
            else "Nobody sampled this text, so it has no token probabilities."
        )
        return
    rows = token_rows(node.tokens, node.logprobs)
    st.html(heatmap_html(rows))
    if st.toggle("Values", key="inspector.values", persist_state="session"):
        table = pd.DataFrame(
            [
                {
                    "position": row.position,
                    "id": token_id,
                    "token": row.text,
                    "p": row.probability,
                    "log p": row.logprob,
                    "alternatives": _alternatives(node, row.position),
                }
                for row, token_id in zip(rows, node.token_ids, strict=True)
            ]
        )
        st.dataframe(
            table,
            hide_index=True,
            height=260,
            column_config={
                "p": st.column_config.ProgressColumn(min_value=0, max_value=1, format="%.3f"),
                "log p": st.column_config.NumberColumn(format="%.3f"),
            },
        )


def _alternatives(node: NodeDetail, position: int) -> str:
    options = node.alternatives[position] if position < len(node.alternatives) else []
    return "  ".join(f"{visible(option.text)!r} {option.logprob:.2f}" for option in options)


def _prompt(node: NodeDetail) -> None:
    st.caption("Exactly what the model was given before it wrote this node, special tokens marked.")
    st.html(prompt_html(node.prompt_text or node.text))


def _facts(node: NodeDetail) -> None:
    facts = {
        "kind": node.kind,
        "role": node.role,
        "finish": node.finish or "-",
        "call key": node.key,
        "announced by event": node.seq,
        "parent": node.parent_id,
        "sampling": node.sampling or "not sampled",
    }
    st.code(
        "\n".join(f"{name:<20} {value if isinstance(value, str) else json.dumps(value)}" for name, value in facts.items()),
        language=None,
        wrap_lines=True,
    )
    for score in node.scores:
        st.caption(f"Scores by {visible(score.scorer)}, step by step")
        steps = [f"step {at + 1}: {value:.3f}" for at, value in enumerate(score.steps)]
        st.code(
            "\n".join([*steps, f"path:   {score.value:.3f}" if score.value is not None else f"path:   none ({visible(score.reason or '')})"]),
            language=None,
        )
