"""How a round shares its width out and whom it keeps: the events `allocated`, `kept`, `pruned` and
`rolled`.

Sources: `backend/strategies/parts/shares.py` (REBASE), `rounds.py` (even shares) and `beam.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from components.tree.inspector.formula.case import (
    Case,
    Formula,
    LoggedEvent,
    Rival,
    Term,
    figure,
    tex,
)

ROUNDING = 1e-9
ROOT_SCORE = 1.0


def shares(case: Case) -> list[Formula]:
    """How many children the node was granted when a width was last shared out."""
    event = case.latest("allocated", lambda one: case.node.id in (one.data or {})["nodes"])
    if event is None:
        return []
    data = event.data or {}
    nodes, widths = list(data["nodes"]), [int(width) for width in data["widths"]]
    place = nodes.index(case.node.id)
    rivals = tuple(
        Rival(node, widths[at], widths[at] > 0, _scored(case, node))
        for at, node in enumerate(nodes)
    )
    said = f"{sum(widths)} children were shared out among {len(nodes)}."
    made = None
    if "share" in case.declared:
        made = _softmax_share(case, nodes, widths, place)
    elif "even_share" in case.declared:
        made = _even_share(widths, place)
    if made is None:
        return [
            Formula(
                "Children granted", "", "", None, widths[place], event.seq, rivals=rivals, said=said
            )
        ]
    symbols, shown, value, terms = made
    return [
        Formula(
            "Children granted", symbols, shown, value, widths[place], event.seq, terms, rivals, said
        )
    ]


def _scored(case: Case, node: int) -> str:
    score = case.score(node)
    return "" if score is None else f"score {score:.4g}"


def _softmax_share(
    case: Case, nodes: Sequence[int], widths: Sequence[int], place: int
) -> tuple[str, str, float, tuple[Term, ...]] | None:
    temperature = case.number("temperature")
    if temperature is None:
        return None
    scores = [_ranked(case, node) for node in nodes]
    raised = [math.exp((score - scores[0]) / temperature) for score in scores]
    left, own, rest = sum(widths[place:]), raised[place], math.fsum(raised[place:])
    value = math.ceil(left * own / rest - ROUNDING) if left else 0
    terms = (
        Term("R", "score", scores[place]),
        Term("T", "temperature of the shares", temperature),
        Term("B", "width that the better ones left", left),
        Term("e / Σe", "part of the softmax among this and the worse ones", own / rest),
    )
    shown = f"\\left\\lceil {left}\\cdot {tex(own / rest)} \\right\\rceil"
    return (
        r"n_i = \left\lceil B_i\,\frac{e^{R_i/T}}{\sum_{j \ge i} e^{R_j/T}} \right\rceil",
        shown,
        value,
        terms,
    )


def _ranked(case: Case, node: int) -> float:
    """What a share goes by: the score; the root, which nobody scores, alone gets everything."""
    score = case.score(node)
    return score if score is not None else ROOT_SCORE if case.rows[node].kind == "prompt" else 0.0


def _even_share(widths: Sequence[int], place: int) -> tuple[str, str, float, tuple[Term, ...]]:
    total, among = sum(widths), len(widths)
    value = total // among + (place < total % among)
    extra = " + 1" if place < total % among else ""
    terms = (
        Term("n", "next steps of the round", total),
        Term("k", "prefixes in the beam", among),
        Term("i", "place in the beam, from 0", place),
    )
    symbols = r"\left\lfloor \tfrac{n}{k} \right\rfloor + [\,i < n \bmod k\,]"
    return (
        symbols,
        f"\\left\\lfloor \\tfrac{{{total}}}{{{among}}} \\right\\rfloor{extra}",
        value,
        terms,
    )


def cut(case: Case) -> list[Formula]:
    """What the node was ranked by, against the worst that was kept beside it, and the rollout that
    its value came from."""
    return [made for made in (_rolled(case), _ranking(case)) if made is not None]


def _rolled(case: Case) -> Formula | None:
    event = case.latest("rolled", lambda one: one.node_id == case.node.id)
    if event is None or event.value is None:
        return None
    end = int((event.data or {})["rollout"])
    said = f"The score of where its rollout ends, node {end}, is its value."
    return Formula(
        "Value by rollout",
        r"v = r(\text{end of the rollout})",
        tex(event.value),
        case.score(end),
        event.value,
        event.seq,
        said=said,
    )


def _ranking(case: Case) -> Formula | None:
    """The newest `kept` that holds the node, or the `pruned` with a cut that does, with the `kept`
    of the same round and track."""
    if "cut" not in case.declared:
        return None
    pruned = case.latest(
        "pruned",
        lambda one: (
            case.node.id in (one.data or {})["nodes"] and (one.data or {}).get("cut") is not None
        ),
    )
    kept = case.latest("kept", lambda one: case.node.id in (one.data or {})["nodes"])
    event = kept or pruned
    if event is None:
        return None
    beside = [
        one
        for one in (*case.of("kept"), *case.of("pruned"))
        if (one.round, one.track) == (event.round, event.track)
    ]
    values = {node: value for one in beside for node, value in _ranked_by(case, one)}
    own = values.get(case.node.id)
    survivors = {node for one in beside if one.kind == "kept" for node in (one.data or {})["nodes"]}
    worst = min((values[node] for node in survivors if values.get(node) is not None), default=None)
    if own is None or worst is None:
        return None
    order = sorted(values, key=lambda node: -values[node])
    rivals = tuple(Rival(node, values[node], node in survivors) for node in order)
    said = (
        f"Number {order.index(case.node.id) + 1} of {len(order)}; {len(survivors)} "
        f"{'was' if len(survivors) == 1 else 'were'} kept."
    )
    sign = r"\ge" if case.node.id in survivors else r"\le"
    recorded = _recorded(case, event)
    terms = (
        Term("v", "what it was ranked by", own),
        Term("cut", "the worst value that was kept", worst),
    )
    return Formula(
        "Kept or cut",
        r"v \ge \text{cut}\,?",
        f"{tex(own)} {sign} {tex(worst)}",
        own,
        recorded,
        event.seq,
        terms,
        rivals,
        said,
    )


def _ranked_by(case: Case, event: LoggedEvent) -> list[tuple[int, float]]:
    """The nodes of an event with what they are ranked by, computed anew: a rollout's score where
    there is one, else the own one."""
    if event.kind == "pruned" and (event.data or {}).get("cut") is None:
        return []
    found = []
    for node in (event.data or {})["nodes"]:
        rolled = case.latest("rolled", lambda one, at=node: one.node_id == at)  # type: ignore[misc]
        value = rolled.value if rolled is not None else case.score(node)
        found += [(int(node), value)] if value is not None else []
    return found


def _recorded(case: Case, event: LoggedEvent) -> float | None:
    data = event.data or {}
    if event.kind != "kept":
        return None
    value = data["values"][list(data["nodes"]).index(case.node.id)]
    return None if value is None else figure(value)
