"""What the runs of a comparison have in common, and two of their branches side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st
from pydantic import ValidationError

from backend.core.spec import by_delimiter, stored_splitting
from backend.core.splitting import BLANK_LINE, Splitting
from backend.core.tree import TreeRow, find_chosen_node, tree_table
from components.compare.address import CompareAddress, choose_node, choose_nodes
from components.compare.alignment import (
    AlignedRun,
    Alignment,
    align,
    common,
    first_difference,
    outline,
)
from components.compare.branches import branch_rows, branches_html
from components.compare.tracks_panel import Track, keep
from components.frame.address import put_in_address
from components.frame.prose import visible
from components.frame.theme import NOTHING

MOST_LEAVES, MOST_LINES = 300, 500
Rows = Mapping[int, Sequence[TreeRow]]


def branches(now: CompareAddress, shown: Sequence[Track]) -> tuple[Track, Track]:
    """Draw the comparison of branches and return the pair that is looked at."""
    by_id = {track.run.id: track for track in shown}
    st.subheader("Branches", anchor=False)
    pair = _pair(now)
    version = tuple(len(track.log.nodes) for track in shown)
    alignment = keep(
        "alignment",
        (now.runs, version),
        lambda: align(
            [AlignedRun(track.run.id, track.log.nodes, _splitting(track)) for track in shown]
        ),
    )
    events = {track.run.id: len(track.log.events) for track in shown}
    rows = keep(
        "rows",
        (now.runs, *events.values()),
        lambda: {track.run.id: tree_table(track.log.nodes, track.log.events) for track in shown},
    )
    _summary(now, alignment, rows)
    _two(now, pair, alignment, rows, events)
    _in_common(now, alignment)
    return by_id[pair[0]], by_id[pair[1]]


def _splitting(track: Track) -> Splitting:
    """Where steps end in this run, by its settings and by what its manifest says of its engine."""
    engine = track.run.manifest.get("engine")
    delimiter = engine.get("delimiter") if isinstance(engine, dict) else None
    ends = delimiter if isinstance(delimiter, str) and delimiter else BLANK_LINE
    prompt = next((node.text for node in track.log.nodes if node.parent_id is None), "")
    try:
        return stored_splitting(track.run.spec, ends, prompt)
    except ValidationError:  # settings that this version does not know
        return by_delimiter(ends)


def _pair(now: CompareAddress) -> tuple[int, int]:
    pairs = now.pairs()
    if len(pairs) == 1:
        return pairs[0]
    key = "compare.pair"
    chosen = next(
        (pair for pair in pairs if now.pair is not None and set(pair) == set(now.pair)), pairs[0]
    )
    st.session_state[key] = chosen
    st.segmented_control(
        "Which two?",
        pairs,
        format_func=lambda pair: f"{pair[0]:d} and {pair[1]:d}",
        key=key,
        required=True,
        on_change=lambda: put_in_address(pair=",".join(map(str, st.session_state[key]))),
    )
    return chosen


def _summary(now: CompareAddress, alignment: Alignment, rows: Rows) -> None:
    """One line a pair: how much is the same, and where the paths of the answers part."""
    pairs = now.pairs()
    lines = [
        (
            f"Runs {one} and {other}: {describe_shared(alignment, one, other)} "
            f"{answer_paths(alignment, rows, one, other)}"
        )
        for one, other in pairs
    ]
    st.text("\n".join(lines))


def describe_shared(alignment: Alignment, one: int, other: int) -> str:
    """How many beginnings two searches have in common."""
    found = common(alignment, one, other)
    if not (found.one and found.other):
        return "not both have written a step yet."
    if not found.both:
        return "no step in common, they part at once."
    return (
        f"{found.both} of {found.one} and {found.other} beginnings in common, down to step "
        f"{found.deepest}."
    )


def answer_paths(alignment: Alignment, rows: Rows, one: int, other: int) -> str:
    """Where the paths of the two answers part."""
    nodes = [find_chosen_node(rows[run]) for run in (one, other)]
    if None in nodes:
        return "Not both have an answer yet."
    found = first_difference(
        *(alignment.steps(run, node) for run, node in zip((one, other), nodes, strict=True))
    )
    if found.same:
        return "Their answers' paths are the same, word for word."
    return (
        f"Their answers' paths share {found.shared} step{'' if found.shared == 1 else 's'}; "
        f"the first difference is step {found.shared + 1}."
    )


def _two(
    now: CompareAddress,
    pair: tuple[int, int],
    alignment: Alignment,
    rows: Rows,
    versions: Mapping[int, int],
) -> None:
    chosen = []
    for run, column in zip(pair, st.columns(2, gap="small"), strict=True):
        with column:
            chosen.append(_branch(now, run, rows[run], versions[run]))
    if chosen[0] is None or chosen[1] is None:
        st.text("Nothing has been written yet. Choose a branch when there is one.")
        return
    steps = [alignment.steps(run, node) for run, node in zip(pair, chosen, strict=True)]
    if not any(steps):
        st.text("Both are the problem itself. Click a node in each tree, or choose a branch above.")
        return
    found = first_difference(*steps)
    differing = (
        f"First difference: step {found.shared + 1}. Struck through: only left; underlined: "
        "only right."
    )
    st.text("These two branches are the same, word for word." if found.same else differing)
    st.html(
        branches_html(
            branch_rows(*steps),
            *(f"Run {run}, node {node}" for run, node in zip(pair, chosen, strict=True)),
        )
    )


def _branch(now: CompareAddress, run: int, rows: Sequence[TreeRow], version: int) -> int | None:
    """The node of a run whose path is shown: the one in the address, else its answer, else its
    first branch. `version` counts the events."""
    by_id = {row.id: row for row in rows}
    options = leaves(rows)
    wanted = now.nodes.get(run)
    if wanted in by_id and wanted not in options:
        options = [wanted, *options]
    if not options:
        return None
    first = wanted if wanted in options else options[0]
    # Lines name scores and states, so a box whose lines have changed is another box. What a browser
    # says of the earlier one counts as a change too.
    key = f"compare.branch.{run}.{first}.{version}"

    def choose_end() -> None:
        if st.session_state[key] != first:
            choose_node(now, run, st.session_state[key])

    st.selectbox(
        f"Branch of run {run}",
        options,
        index=options.index(first),
        format_func=lambda node: branch_words(by_id[node]),
        key=key,
        help="Or click any node in the tree above",
        on_change=choose_end,
    )
    return int(st.session_state[key])


def leaves(rows: Sequence[TreeRow]) -> list[int]:
    """The nodes below which nothing was written, the answer first and then the best scores."""
    inner = {row.parent for row in rows}
    found = [
        row
        for row in rows
        if row.id not in inner and row.kind != "aside" and row.parent is not None
    ]
    chosen = find_chosen_node(rows)
    found.sort(
        key=lambda row: (
            row.id != chosen,
            not row.done,
            -(row.score if row.score is not None else -1.0),
            row.id,
        )
    )
    ids = [row.id for row in found][:MOST_LEAVES]
    return ids if chosen is None or chosen in ids else [chosen, *ids]


def branch_words(row: TreeRow) -> str:
    score = "" if row.score is None else f", score {row.score:.3f}"
    text = " ".join(visible(row.text).split())
    short = text if len(text) <= 60 else text[:59] + "\u2026"
    return f"node {row.id}, {row.state}{score}: {short}"


def _in_common(now: CompareAddress, alignment: Alignment) -> None:
    """The steps that several runs have, as an outline; choosing a line chooses these nodes."""
    places = outline(alignment, now.runs)
    with st.expander(f"Steps in common ({len(places)})", icon=":material/join_inner:"):
        if not places:
            st.text("No step was written word for word by two of these runs.")
            return
        if len(places) > MOST_LINES:
            st.caption(f"The first {MOST_LINES} of {len(places)}.")
        lines = [
            (
                place.depth,
                "\u2003" * (place.depth - 1) + " ".join(visible(place.text).split())[:300],
                *(place.holders.get(run) for run in now.runs),
            )
            for place in places[:MOST_LINES]
        ]
        names = [f"node in run {run}" for run in now.runs]
        table = pd.DataFrame(lines, columns=["step", "text", *names]).astype(
            dict.fromkeys(names, "Int64")
        )
        wide = {"text": st.column_config.TextColumn(width="large")}
        key = f"compare.common.{len(places)}"

        def choose_line() -> None:
            picked = st.session_state[key]["selection"]["rows"]
            if picked and picked[0] < len(lines):
                choose_nodes(now, places[picked[0]].holders)

        st.dataframe(
            table,
            hide_index=True,
            placeholder=NOTHING,
            height=300 if len(lines) > 8 else "content",
            column_config=wide,
            key=key,
            on_select=choose_line,
            selection_mode="single-row",
        )
