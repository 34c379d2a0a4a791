"""Nodes, log, ledger and scores of a run as pandas DataFrames: typed columns in a fixed order, also
where there are no rows.

Whole numbers that may be missing are pandas' nullable integers, other numbers are float64 with NaN
for "none", texts are strings with a missing value of their own, and lists and mappings stay Python
objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import pandas as pd

from backend.core.events import ScoreGiven, ledger_of
from backend.messages.runs import Event, Node, Run
from backend.messages.series import SeriesScore

Types: TypeAlias = Mapping[str, str]
Row: TypeAlias = Mapping[str, object]

NODES: Types = {
    "id": "int64", "parent_id": "Int64", "depth": "int64", "kind": "string", "role": "string", "text": "string", "finish": "string",
    "done": "bool", "mean_logprob": "float64", "n_tokens": "int64", "seq": "int64",
}  # fmt: skip
EVENTS: Types = {
    "seq": "int64", "t_ms": "float64", "kind": "string", "node_id": "Int64", "track": "string", "round": "int64", "phase": "string",
    "label": "string", "value": "float64", "data": "object",
}  # fmt: skip
LEDGER: Types = {
    "seq": "int64", "model_calls": "int64", "generated_tokens": "int64", "discarded_tokens": "int64", "prompt_tokens": "int64",
    "cached_tokens": "int64", "verifier_calls": "int64", "verifier_tokens": "int64", "verifier_cached_tokens": "int64", "rounds": "int64",
    "seconds": "float64", "flops": "float64",
}  # fmt: skip
SCORES: Types = {
    "series": "string", "node_id": "int64", "scorer": "string", "value": "float64", "steps": "object", "reason": "string", "seq": "Int64",
}  # fmt: skip
RUN_SERIES = "run"


def frame(rows: Iterable[Row], types: Types, index: str | list[str]) -> pd.DataFrame:
    """The rows with these columns only, in this order and of these types."""
    listed = list(rows)
    columns = {
        name: pd.Series([row.get(name) for row in listed], dtype=kind)
        for name, kind in types.items()
    }
    return pd.DataFrame(columns).set_index(index)


def node_frame(nodes: Sequence[Node]) -> pd.DataFrame:
    """One row a node, by id."""
    return frame((node.model_dump() for node in nodes), NODES, "id")


def event_frame(events: Sequence[Event]) -> pd.DataFrame:
    """One row an event, by seq; `data` holds what is particular to its kind."""
    return frame((event.model_dump(exclude={"node"}) for event in events), EVENTS, "seq")


def ledger_frame(run: Run, events: Sequence[Event]) -> pd.DataFrame:
    """What had been spent, by the event that tells it; the last row is the whole. A run whose log
    tells nothing has the one row of its end."""
    rows: list[Row] = []
    for event in events:
        if (ledger := ledger_of(event.body)) is not None:
            rows.append({**dict.fromkeys(LEDGER, 0), **ledger, "seq": event.seq})
    if run.ledger and not rows:
        rows.append(
            {**dict.fromkeys(LEDGER, 0), **run.ledger, "seq": events[-1].seq if events else 0}
        )
    return frame(rows, LEDGER, "seq")


def score_frame(
    events: Sequence[Event], later: Mapping[str, Sequence[SeriesScore]]
) -> pd.DataFrame:
    """One row a score, by series and node: first series `run`, those that the search went by, in
    order of seq; then each later series by node."""
    rows: list[Row] = []
    for event in events:
        if isinstance(given := event.body, ScoreGiven):
            rows.append(
                {
                    "series": RUN_SERIES,
                    "node_id": given.node,
                    "scorer": given.scorer,
                    "value": given.value,
                    "steps": list(given.steps),
                    "reason": given.reason,
                    "seq": event.seq,
                }
            )
    for series, scores in sorted(later.items()):
        rows.extend({"series": series, "scorer": series, **score.model_dump()} for score in scores)
    return frame(rows, SCORES, ["series", "node_id"])


__all__ = ["event_frame", "frame", "ledger_frame", "node_frame", "score_frame"]
