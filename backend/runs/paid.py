"""What an earlier attempt at a run has already paid for.

A rerun of the same spec makes the same calls under the same keys. Before the policy asks the engine
it looks here: a call whose key is stored is answered from the store, and only calls with new keys
go to the engine. So nothing is paid for twice, except a text that the budget had cut off and that a
larger budget lets grow longer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from backend.core.errors import BudgetExhausted
from backend.core.events import AnswersCompared, NodeAdded
from backend.core.ports import Completion, Request
from backend.core.records import EventRecord
from backend.core.spec import TextEdit
from backend.core.types import JSON, Alternative, Finish, Node, Score
from backend.problems.classes import Verdicts
from backend.runs.budget import Meter


@dataclass(frozen=True)
class PaidScore:
    """A stored score with the verifier tokens it took."""

    score: Score
    tokens: int = 0
    cached: int = 0


class PaidLikelihood(NamedTuple):
    """A stored log-likelihood of given steps with the tokens it took; `failure` says why it is -inf
    where the engine refused to judge them."""

    value: float
    prompt_tokens: int = 0
    cached_tokens: int = 0
    failure: str | None = None


class Placed(NamedTuple):
    """A node that a run was given and did not generate: `origin` is its id in the run that was
    forked, `reason` why nobody generated it there or here."""

    node: Node
    origin: int | None
    reason: str | None = None

    def added(self, node_id: int) -> NodeAdded:
        """The event that announces the node."""
        return NodeAdded(node_id, True, self.origin, self.reason)


@dataclass(frozen=True)
class RunStart:
    """The path that a fork begins with, prompt first; it costs nothing. `settled`: it is as the
    run's own log has it. Else it is the origin's: `edit` is still to be made in its last node, and
    its tokens are those of the model that `writer` names (engine, model and hashes)."""

    path: tuple[Placed, ...]
    settled: bool = True
    edit: TextEdit | None = None
    writer: Mapping[str, JSON] = field(default_factory=dict)


class Requested(NamedTuple):
    """Children of node `node` (its id) that a person asked for: their keys, what the log says of
    it, and the event that it begins with."""

    seq: int
    node: int
    keys: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Paid:
    """Stored answers by key. `order` numbers the keys as they were recorded; `verdicts` say which
    answers were found the same; `next_seq` events are stored; `elapsed_ms` had passed. With `anew`
    the budget is asked about paid answers too, because the run has other settings than the one that
    paid. `start` is the path of a fork, `requested` what people asked for on the way."""

    completions: Mapping[str, Completion] = field(default_factory=dict)
    order: Mapping[str, int] = field(default_factory=dict)
    scores: Mapping[tuple[str, str], PaidScore] = field(default_factory=dict)
    verdicts: Verdicts = field(default_factory=dict)
    likelihoods: Mapping[str, PaidLikelihood] = field(default_factory=dict)
    next_seq: int = 0
    elapsed_ms: float = 0.0
    anew: bool = False
    start: RunStart | None = None
    requested: tuple[Requested, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.completions


NOTHING_PAID = Paid()


def index_paid(
    completions: Iterable[Completion],
    scores: Mapping[tuple[str, str], PaidScore],
    *,
    next_seq: int,
    elapsed_ms: float,
    verdicts: Verdicts | None = None,
    likelihoods: Mapping[str, PaidLikelihood] | None = None,
    start: RunStart | None = None,
    requested: Sequence[Requested] = (),
) -> Paid:
    """Make `Paid` of stored completions, in order of record, and of stored scores by (scorer, node
    key)."""
    kept = list(completions)
    return Paid(
        {completion.key: completion for completion in kept},
        {completion.key: index for index, completion in enumerate(kept)},
        dict(scores),
        dict(verdicts or {}),
        dict(likelihoods or {}),
        next_seq,
        elapsed_ms,
        start=start,
        requested=tuple(requested),
    )


class Admitted(NamedTuple):
    """What becomes of a batch: answers that were paid for, by key in order of record; requests for
    the engine, their tokens capped by the budget; and what to raise in the end where the budget
    does not let the whole batch through."""

    paid: dict[str, Completion]
    live: list[Request]
    short: BudgetExhausted | None


def split_batch(requests: Sequence[Request], stored: Paid, meter: Meter) -> Admitted:
    """Split a batch into what is paid and what the budget lets through to the engine.

    The budget is asked about the whole batch, paid answers included: so a batch that was cut off is
    admitted as it was the first time. A text that the budget had cut counts as paid unless it may
    grow longer now.
    """
    known = sorted(
        (request.key for request in requests if request.key in stored.completions),
        key=stored.order.__getitem__,
    )
    answers = {key: stored.completions[key] for key in known}
    whole = len(answers) == len(requests)
    if (
        whole
        and not stored.anew
        and not any(answer.finish is Finish.BUDGET for answer in answers.values())
    ):
        return Admitted(answers, [], None)
    try:
        fitting = meter.admit(requests)
    except BudgetExhausted as exhausted:
        return (
            Admitted({}, [], exhausted)
            if stored.anew
            else Admitted(answers, [], None if whole else exhausted)
        )
    if stored.anew:
        lasting = {
            request.key for request in fitting if not too_long(answers.get(request.key), request)
        }
        answers = {key: answer for key, answer in answers.items() if key in lasting}
    for request in fitting:
        if request.key in answers and may_grow(answers[request.key], request):
            del answers[request.key]
    live = [request for request in fitting if request.key not in answers]
    short = (
        BudgetExhausted(*meter.find_spent_axis(len(requests)))
        if len(fitting) < len(requests)
        else None
    )
    return Admitted(answers, live, short)


def may_grow(answer: Completion, request: Request) -> bool:
    """Whether the budget had cut this answer and lets it grow longer now."""
    return answer.finish is Finish.BUDGET and len(answer.token_ids) < request.limit


def too_long(answer: Completion | None, request: Request) -> bool:
    """Whether this answer is longer than the budget lets it be now."""
    return answer is not None and len(answer.token_ids) > request.limit


def verdicts_in(events: Iterable[EventRecord]) -> dict[tuple[str, str], bool | None]:
    """What a log says of pairs of answers: whether they are the same, None where it is
    undecided."""
    return {
        (answer, other): equal
        for event in events
        if isinstance(event.body, AnswersCompared)
        for answer, other, equal in event.body.pairs
    }


def alternatives_from(stored: object) -> tuple[tuple[Alternative, ...], ...]:
    """Alternatives as `trace.node_record` stored them, typed again."""
    if not isinstance(stored, list):
        return ()
    return tuple(
        tuple(Alternative(int(i), str(text), float(lp)) for i, text, lp in position)
        for position in stored
    )
