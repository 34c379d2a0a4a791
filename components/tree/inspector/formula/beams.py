"""How a round shares its width out and whom it keeps: the events `Allocated`, `Kept`, `Pruned` and
`Rolled`."""

from __future__ import annotations

from collections.abc import Sequence

from backend.core.events import Allocated, Kept, Pruned, Rolled
from backend.core.formulas import Shown, Term, show
from backend.core.formulas.backups import rolled_value
from backend.core.formulas.shares import ROOT_SCORE, even_share, least_kept
from components.tree.inspector.formula.case import (
    Explanation,
    FormulaCase,
    Logged,
    Rival,
    show_named,
)


def explain_shares(case: FormulaCase) -> list[Explanation]:
    """How many children the node was granted when a width was last shared out."""
    event = case.latest(Allocated[int], lambda body: case.node.id in body.nodes)
    if event is None:
        return []
    nodes, widths = event.body.nodes, event.body.widths
    place = nodes.index(case.node.id)
    rivals = tuple(
        Rival(node, widths[at], widths[at] > 0, _score_text(case, node))
        for at, node in enumerate(nodes)
    )
    said = f"{sum(widths)} children were shared out among {len(nodes)}."
    made = _share(case, nodes, sum(widths), place)
    return [
        Explanation(
            "Children granted", event.seq, made, float(widths[place]), rivals=rivals, said=said
        )
    ]


def _share(case: FormulaCase, nodes: Sequence[int], width: int, place: int) -> Shown | None:
    if "share" in case.declared:
        scores = [_ranking_score(case, node) for node in nodes]
        return show_named("share", {**case.numbers, "scores": scores, "width": width}, place)
    if "even_share" in case.declared:
        return show(even_share, place)(width, len(nodes))
    return None


def _score_text(case: FormulaCase, node: int) -> str:
    score = case.score(node)
    return "" if score is None else f"score {score:.4g}"


def _ranking_score(case: FormulaCase, node: int) -> float:
    """What a share goes by: the score; the root, which nobody scores, alone gets everything."""
    score = case.score(node)
    return score if score is not None else ROOT_SCORE if case.rows[node].kind == "prompt" else 0.0


def explain_cut(case: FormulaCase) -> list[Explanation]:
    """What the node was ranked by, against the worst that was kept beside it, and the rollout that
    its value came from."""
    return [made for made in (_rollout(case), _ranking(case)) if made is not None]


def _rollout(case: FormulaCase) -> Explanation | None:
    event = case.latest(Rolled[int], lambda body: body.node == case.node.id)
    if event is None or event.body.value is None:
        return None
    end = event.body.rollout
    score = case.score(end)
    return Explanation(
        "Value by rollout",
        event.seq,
        None if score is None else show(rolled_value)(score),
        event.body.value,
        said=f"The score of where its rollout ends, node {end}, is its value.",
    )


def _ranking(case: FormulaCase) -> Explanation | None:
    """The newest selection that kept the node, or cut it, with all that stood beside it."""
    event = _selection(case) if "cut" in case.declared else None
    if event is None:
        return None
    beside = (event.round, event.track)
    survivors = [
        node
        for kept in case.of(Kept[int])
        if (kept.round, kept.track) == beside
        for node in kept.body.nodes
    ]
    values = {
        node: value
        for node in (*survivors, *_cut_beside(case, *beside))
        if (value := _rank_value(case, node)) is not None
    }
    least = [values[node] for node in survivors if node in values]
    if case.node.id not in values or not least:
        return None
    order = sorted(values, key=lambda node: -values[node])
    return Explanation(
        "Kept or cut",
        event.seq,
        show(least_kept)(least),
        _read_cut(case, *beside),
        more=(Term("v", "what this node was ranked by", values[case.node.id]),),
        rivals=tuple(Rival(node, values[node], node in survivors) for node in order),
        said=(
            f"Number {order.index(case.node.id) + 1} of {len(order)}; {len(survivors)} "
            f"{'was' if len(survivors) == 1 else 'were'} kept."
        ),
    )


def _selection(case: FormulaCase) -> Logged[Kept[int]] | Logged[Pruned[int]] | None:
    """The newest `Kept` that holds the node, or the newest `Pruned` with a cut that does."""
    kept = case.latest(Kept[int], lambda body: case.node.id in body.nodes)
    return kept or case.latest(
        Pruned[int], lambda body: case.node.id in body.nodes and body.cut is not None
    )


def _cut_beside(case: FormulaCase, turn: int, track: str) -> list[int]:
    return [
        node
        for pruned in case.of(Pruned[int])
        if (pruned.round, pruned.track) == (turn, track) and pruned.body.cut is not None
        for node in pruned.body.nodes
    ]


def _read_cut(case: FormulaCase, turn: int, track: str) -> float | None:
    """The least value that a round recorded of those it kept: they stand the best first."""
    kept = [one for one in case.of(Kept[int]) if (one.round, one.track) == (turn, track)]
    return kept[-1].body.values[-1] if kept and kept[-1].body.values else None


def _rank_value(case: FormulaCase, node: int) -> float | None:
    """What a node is ranked by: a rollout's score where there is one, else the own one."""
    rolled = case.latest(Rolled[int], lambda body: body.node == node)
    return rolled.body.value if rolled is not None else case.score(node)
