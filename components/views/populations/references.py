"""The references of conditional particle filters: one line a pass that drew a trajectory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from components.views.populations.passes import (
    Pass,
    track_label,
)


def reference_table(lines: Sequence[Pass], heats: Mapping[str, float]) -> pd.DataFrame:
    """One line a pass that drew a trajectory: what it held, what it drew, and how uneven its
    weights became."""
    columns = [
        "track",
        "pass",
        "rounds",
        "held to node",
        "drawn node",
        "slot",
        "weight",
        "outcome",
        "least ESS",
    ]
    outcomes = {True: "kept", False: "replaced", None: "first"}
    tracks = [one.track for one in lines]
    return pd.DataFrame(
        [
            (
                track_label(one.track, tracks, heats),
                one.number,
                len(one.rounds),
                one.reference,
                one.drawn.node,
                one.drawn.slot,
                one.drawn.weight,
                outcomes[one.kept],
                min(row.ess for row in one.rounds),
            )
            for one in lines
            if one.drawn is not None
        ],
        columns=columns,
    ).astype({"held to node": "Int64"})
