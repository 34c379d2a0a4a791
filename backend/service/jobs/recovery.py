"""What a run that was cut off has already paid for, read back from its log; and what one with a
larger budget may take over from it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from backend.core.events import (
    AnswersCompared,
    LikelihoodGiven,
    NodeAdded,
    Remarked,
    ScoreGiven,
    StepEnded,
)
from backend.core.ports import Completion
from backend.core.records import EventRecord
from backend.core.types import JSON, Finish, Kind, Node, Score
from backend.runs.by_hand import PERSON
from backend.runs.paid import (
    Paid,
    PaidLikelihood,
    PaidScore,
    Placed,
    Requested,
    RunStart,
    alternatives_from,
    index_paid,
    verdicts_in,
)
from storage import NodeFull, NodeRow, Store

PAGE = 2000
"""Events read at a time."""


def read_paid(store: Store, run_id: int) -> Paid:
    """The stored completions and scores of a run, in the order in which they were recorded."""
    nodes = store.read_paid_nodes(run_id)
    added: dict[int, NodeAdded] = {}
    scores: dict[tuple[str, str], PaidScore] = {}
    verdicts: dict[tuple[str, str], bool | None] = {}
    likelihoods: dict[str, PaidLikelihood] = {}
    requested: list[Requested] = []
    elapsed_ms = 0.0
    for event in _events(store, run_id):
        elapsed_ms = max(elapsed_ms, event.t_ms)
        match event.body:
            case NodeAdded() as one:
                added[one.node] = one
            case ScoreGiven() as one:
                scores[(one.scorer, nodes[one.node].key)] = _score(one)
            case LikelihoodGiven() as one:
                likelihoods[one.key] = _likelihood(one)
            case AnswersCompared() as one:
                verdicts |= verdicts_in([event])
            case Remarked(node=int()) as one if one.by == PERSON:
                requested.append(_request_of(one, one.node or 0, nodes))
    given = {node_id: one for node_id, one in added.items() if one.given}
    completions = [
        _completion(node, added.get(node.id, NodeAdded(node.id)))
        for node in nodes
        if node.finish is not None and node.id not in given
    ]
    return index_paid(
        completions,
        scores,
        next_seq=store.last_seq(run_id) + 1,
        elapsed_ms=elapsed_ms,
        verdicts=verdicts,
        likelihoods=likelihoods,
        start=RunStart(
            tuple(place_nodes([nodes[node_id] for node_id in given], list(given.values())))
        )
        if given
        else None,
        requested=requested,
    )


def place_nodes(path: Sequence[NodeFull], added: Sequence[NodeAdded]) -> list[Placed]:
    """Stored nodes of a path, prompt first, as nodes again, each with what its event says."""
    found: list[Placed] = []
    for row, known in zip(path, added, strict=True):
        parent = found[-1].node if found else None
        node = Node(
            row.text,
            row.token_ids,
            row.logprobs,
            parent,
            row.depth,
            row.done,
            None if row.finish is None else Finish(row.finish),
            row.role,
            Kind(row.kind),
            row.key,
            alternatives_from(row.alternatives),
        )
        found.append(Placed(node, known.origin, known.reason))
    return found


def carry_over(store: Store, run_id: int) -> Paid:
    """What a run with a larger budget may take over from one that is over, in a log of its own.

    What the end of that run cut off goes on: a text that the budget cut, with all that was written
    below it, and the texts of a race that were given up after the last step. So the new run goes
    the way that it would have gone with that budget from the beginning.
    """
    known = read_paid(store, run_id)
    gone = _cut_off(store, run_id, known)
    seen = min((node.seq for node in gone), default=known.next_seq)
    # of texts that are still the same
    early = {
        event.body.key
        for event in store.events(run_id, limit=None, of=[LikelihoodGiven])
        if isinstance(event.body, LikelihoodGiven) and event.seq < seen
    }
    keys = {node.key for node in gone} | {key for one in known.requested for key in one.keys}
    return replace(
        known,
        completions={key: answer for key, answer in known.completions.items() if key not in keys},
        scores={key: score for key, score in known.scores.items() if key[1] not in keys},
        likelihoods={key: answer for key, answer in known.likelihoods.items() if key in early},
        requested=(),
        next_seq=0,
    )


def _cut_off(store: Store, run_id: int, known: Paid) -> list[NodeRow]:
    """The nodes of a run that its end cut off, and those below them."""
    last = max(
        (event.seq for event in store.events(run_id, limit=None, of=[StepEnded])), default=-1
    )
    found: dict[int, NodeRow] = {}
    for node in store.nodes(run_id):
        answer = known.completions.get(node.key)
        given_up = (
            node.finish == Finish.ABORTED
            and node.seq > last
            and (answer is None or answer.failure is None)
        )
        if node.finish == Finish.BUDGET or given_up or node.parent_id in found:
            found[node.id] = node
    return list(found.values())


def count_replayed(carried: Paid) -> dict[str, JSON]:
    """What a run need not generate and score again, by axis of the ledger."""
    answers = carried.completions.values()
    tokens = sum(len(answer.token_ids) for answer in answers)
    return {
        "model_calls": len(answers) + len(carried.likelihoods),
        "generated_tokens": tokens,
        "verifier_calls": len(carried.scores),
    }


def join_paid(own: Paid, carried: Paid) -> Paid:
    """What a run paid itself, with what it may still take over."""
    order = {
        key: place
        for place, key in enumerate(dict.fromkeys((*carried.completions, *own.completions)))
    }
    return replace(
        own,
        completions={**carried.completions, **own.completions},
        order=order,
        scores={**carried.scores, **own.scores},
        verdicts={**carried.verdicts, **own.verdicts},
        likelihoods={**carried.likelihoods, **own.likelihoods},
        start=own.start or carried.start,
        elapsed_ms=max(own.elapsed_ms, carried.elapsed_ms),
    )


def _request_of(asked: Remarked[int], parent: int, nodes: Sequence[NodeFull]) -> Requested:
    keys = tuple(nodes[child].key for child in asked.nodes)
    return Requested(asked.begins or 0, parent, keys, asked.text)


def _events(store: Store, run_id: int) -> Iterator[EventRecord]:
    after = -1
    while page := store.events(run_id, after=after, limit=PAGE):
        yield from page
        after = page[-1].seq


def _completion(node: NodeFull, added: NodeAdded) -> Completion:
    return Completion(
        key=node.key,
        text=node.text,
        token_ids=tuple(node.token_ids),
        logprobs=None if node.logprobs is None else tuple(node.logprobs),
        finish=Finish(node.finish or Finish.END),
        prompt_tokens=added.prompt_tokens or 0,
        cached_tokens=added.cached_tokens or 0,
        alternatives=alternatives_from(node.alternatives),
        failure=added.failure,
        remark=added.remark,
    )


def _score(given: ScoreGiven) -> PaidScore:
    score = Score(given.value, given.steps, given.reason)
    return PaidScore(score, given.tokens, given.cached)


def _likelihood(given: LikelihoodGiven) -> PaidLikelihood:
    value = -math.inf if given.value is None else given.value
    return PaidLikelihood(value, given.prompt_tokens, given.cached_tokens, given.failure)


__all__ = ["carry_over", "count_replayed", "join_paid", "place_nodes", "read_paid"]
