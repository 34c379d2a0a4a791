"""What may happen in a run: one class a kind of event, with the meaning of every field.

A run is a log of events. The word by which a kind is stored and sent (its tag, `kind_of`) stands in
the head of its class. How the fields of a class lie in the columns of the store and of the service
is declared beside them by marks; `backend.core.event_columns` reads the declarations and converts
both ways. A field called `node` lies in the column `node_id`, a field without a mark in the mapping
`data` under its own name (or the name that `msgspec.field` gives).

Nodes are named by their ids, dense from 0. A *note* is an event that a strategy writes to explain a
decision. Strategies hold nodes, not ids, so a note is generic in how it names nodes: a strategy
yields a `Pruned[Node]` (or just `Pruned`), the recorder makes it a `Pruned[int]`, and whoever reads
a log sees the latter. Floats of notes may be infinite unless their range says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Generic, TypeAlias, get_args, get_origin

import msgspec
from typing_extensions import TypeVar

from backend.core.types import JSON, Node

N = TypeVar("N", default=Node)
"""How a note names nodes: `Node` in a strategy, `int` in a log."""


class FieldMark(Enum):
    """Where a field is stored, if not just in `data`."""

    LABEL = "in the column `label` instead"
    VALUE = "in the column `value` instead"
    COPIED = "also in the column `value`, if it is a finite float"
    RARE = "in `data`, and left out where it has its default"
    NODE = "a node's id, where the type is not generic"


NodeId: TypeAlias = Annotated[int, FieldMark.NODE]


class Body(msgspec.Struct, frozen=True, gc=False, tag_field="kind"):
    """Root of all kinds of event: what happened, without when."""


class NodeAdded(Body, frozen=True, tag="node"):
    """A node was recorded: from here on other events may name it.

    Of a generated text: `prompt_tokens` the model read for it, `cached_tokens` of them from its
    cache, the `failure` that ended it, if one did, and a `remark` on what its server told. Of text
    that nobody generated: the `reason` for putting it in. Of a node on the path that a fork begins
    with: `given`, and `origin`, its id in the run that was forked. Of a prompt beside the search:
    the nodes that it is `about`, and the `question` that was put.
    """

    node: NodeId
    given: Annotated[bool, FieldMark.RARE] = False
    origin: Annotated[int | None, FieldMark.RARE] = msgspec.field(default=None, name="from")
    reason: Annotated[str | None, FieldMark.RARE] = None
    prompt_tokens: Annotated[int | None, FieldMark.RARE] = None
    cached_tokens: Annotated[int | None, FieldMark.RARE] = None
    failure: Annotated[str | None, FieldMark.RARE] = None
    remark: Annotated[str | None, FieldMark.RARE] = None
    about: Annotated[tuple[NodeId, ...] | None, FieldMark.RARE] = None
    question: Annotated[str | None, FieldMark.RARE] = None


class LikelihoodGiven(Body, frozen=True, tag="likelihood"):
    """The policy called `role` said how likely it goes on from `node` by given steps.

    `value` is the log-probability in nats, at most 0, and None where it never does (minus
    infinity), for example because the engine refused to judge them: then `failure` says why. `key`
    names the call, as the key of a node does. Token counts are those of the prompt.
    """

    node: NodeId
    role: Annotated[str, FieldMark.LABEL]
    value: Annotated[float | None, FieldMark.VALUE]
    key: str
    prompt_tokens: int = 0
    cached_tokens: int = 0
    failure: Annotated[str | None, FieldMark.RARE] = None


class ScoreGiven(Body, frozen=True, tag="score"):
    """The verifier called `scorer` gave its opinion of the path that ends in `node`.

    `value` lies in [0, 1], or is None where scoring failed: then `reason` says why. `steps` are the
    scores of the steps of the path, in order, before aggregation. `tokens` went through the
    verifier's model for it, `cached` were reused by it. `evidence` are nodes beside the search that
    argued for the score.
    """

    node: NodeId
    scorer: Annotated[str, FieldMark.LABEL]
    value: Annotated[float | None, FieldMark.VALUE]
    steps: tuple[float, ...] = ()
    tokens: int = 0
    cached: int = 0
    reason: Annotated[str | None, FieldMark.RARE] = None
    evidence: Annotated[tuple[NodeId, ...], FieldMark.RARE] = ()


class StepEnded(Body, frozen=True, tag="step"):
    """A strategy ended a step; what else it said of the step stands in the notes before.

    The candidates for the answer are the first `known` ones of the step before, and then `nodes`.
    `values` ranks the latter, one each, None where unknown. `stats` are the scalars of the step by
    name, finite.
    """

    known: int = msgspec.field(name="from")
    nodes: tuple[NodeId, ...]
    values: tuple[float | None, ...]
    stats: Mapping[str, float] = {}


class CallEnded(Body, frozen=True, tag="call"):
    """A batch of calls of a model, or one text of a race, came back.

    `role` says whose: a policy's name, or "verifier" and its name. A policy made `requests` and
    generated, read and reused so many tokens; a verifier has `scored` so many nodes. `started_ms`
    and `ended_ms` count from the start of the run. `ledger` is what the run has spent by now, by
    axis of the budget.
    """

    role: Annotated[str, FieldMark.LABEL]
    requests: Annotated[int | None, FieldMark.RARE] = None
    generated_tokens: Annotated[int | None, FieldMark.RARE] = None
    prompt_tokens: Annotated[int | None, FieldMark.RARE] = None
    cached_tokens: Annotated[int | None, FieldMark.RARE] = None
    scored: Annotated[int | None, FieldMark.RARE] = None
    started_ms: Annotated[float | None, FieldMark.RARE] = None
    ended_ms: Annotated[float | None, FieldMark.RARE] = None
    ledger: Annotated[Mapping[str, float] | None, FieldMark.RARE] = None


class AnswersCompared(Body, frozen=True, tag="compared"):
    """Answers were compared by algebra before a vote.

    `pairs` are two answers, by their forms, and whether they are equal (None: undecided). `bridges`
    are two answers that count as equal only because each equals the third. See
    `backend.problems.classes`.
    """

    pairs: tuple[tuple[str, str, bool | None], ...]
    bridges: tuple[tuple[str, str, str], ...] = ()


class AnswerChanged(Body, frozen=True, tag="answer"):
    """The run now answers with what is written at `node`.

    `answer` is None where none can be read there. `correct` is None where nobody can tell, and
    `reason` says why it is right or wrong. `ledger` is what had been spent by then, by axis of the
    budget; an imported run has none. `read_by` is the rule that read the answer, or why there is
    none (`backend.problems.extraction`), and `grader` the version that judged it; both are None in
    runs that were made before they were recorded.
    """

    node: NodeId
    answer: str | None
    correct: bool | None
    reason: str | None = None
    ledger: Annotated[Mapping[str, float] | None, FieldMark.RARE] = None
    read_by: Annotated[str | None, FieldMark.RARE] = None
    grader: Annotated[int | None, FieldMark.RARE] = None


class LimitReached(Body, frozen=True, tag="limit"):
    """The budget ended the run: `limit` of `axis` was all there was, in the unit of the axis."""

    axis: Annotated[str, FieldMark.LABEL]
    limit: Annotated[float, FieldMark.VALUE]


class StatusChanged(Body, frozen=True, tag="status"):
    """The run began, finished or was cancelled: `status` is the new one.

    `ledger` is what has been spent by now, by axis of the budget. `limit` is the axis of the budget
    that ended a finished run, None where it came to its own end.
    """

    status: Annotated[str, FieldMark.LABEL]
    ledger: Annotated[Mapping[str, float] | None, FieldMark.RARE] = None
    limit: Annotated[str | msgspec.UnsetType | None, FieldMark.RARE] = msgspec.UNSET


class Note(Body, frozen=True):
    """Root of the notes: what happened in a step of a strategy. Views, replay and what-if are
    computed from notes alone."""


class Weighed(Note, Generic[N], frozen=True, tag="weighed"):
    """Particles got new log weights; `increments` are what this round added (natural logarithms,
    one each)."""

    particles: tuple[N, ...]
    log_weights: tuple[float, ...]
    increments: tuple[float, ...]


class Resampled(Note, Generic[N], frozen=True, tag="resampled"):
    """Slot i now continues `particles[ancestors[i]]`. `uniforms` are the draws used; `ess` is
    measured before resampling, in [1, N]."""

    scheme: str
    particles: tuple[N, ...]
    ancestors: tuple[int, ...]
    uniforms: tuple[float, ...]
    log_weights: tuple[float, ...]
    ess: float


class Referenced(Note, Generic[N], frozen=True, tag="referenced"):
    """The trajectory that ends in `node` is held as the reference from now on: slot `slot` of those
    with `log_weights`, drawn by weight with `uniform`."""

    node: N
    slot: int
    uniform: float
    log_weights: tuple[float, ...]


class Swapped(Note, Generic[N], frozen=True, tag="swapped"):
    """Two chains were to swap their references, which end in `nodes`. The swap was accepted if
    `uniform` lay below `probability`, in [0, 1].

    `temperatures` are those of the chains, `energies` the log potentials of the two trajectories at
    temperature 1, in nats.
    """

    chains: tuple[str, str]
    nodes: tuple[N, N]
    temperatures: tuple[float, float]
    energies: tuple[float, float]
    probability: float
    uniform: float
    accepted: bool


class Selected(Note, Generic[N], frozen=True, tag="selected"):
    """A descent through the tree chose `path`, from the top down. `formula` names the rule;
    `values` holds the winning score a level.

    The other fields show the choice with its numbers, one entry a level: the `children` that were
    considered, their `visits` N and `means` Q as they stood then, and what the formula made of
    them, `scores` (infinite for a child that has to be tried first); and where the rule knows them,
    the `priors` P of the children, or how many equal `draws` each of them stands for.
    """

    path: tuple[N, ...]
    formula: str
    values: tuple[float, ...]
    children: tuple[tuple[N, ...], ...] = ()
    visits: tuple[tuple[int, ...], ...] = ()
    means: tuple[tuple[float, ...], ...] = ()
    scores: tuple[tuple[float, ...], ...] = ()
    priors: tuple[tuple[float, ...], ...] = ()
    draws: tuple[tuple[int, ...], ...] = ()


class Backed(Note, Generic[N], frozen=True, tag="backed"):
    """`value` was backed up along `path`, root first: every node on it gains one visit and, where
    the rule is the plain mean, `value`. `means` holds their Q afterwards, whatever the rule."""

    path: tuple[N, ...]
    value: Annotated[float, FieldMark.COPIED]
    means: tuple[float, ...] = ()


class Rolled(Note, Generic[N], frozen=True, tag="rolled"):
    """`node` was tried out: `rollout` is its continuation, to the end or as far as the search
    looked, and `value` the verifier's score of that (None: it has none)."""

    node: N
    rollout: N
    value: Annotated[float | None, FieldMark.COPIED]


class Jumped(Note, Generic[N], frozen=True, tag="jumped"):
    """The search left the place where it was for `node`, the best of all open nodes: `score` is the
    sum of `terms`, its parts by name."""

    node: N
    score: float
    terms: Mapping[str, float]


class Drawn(Note, Generic[N], frozen=True, tag="drawn"):
    """Thompson draws at `node`: one for a new child (`gen`), one for going on below those it has
    (`cont`), and where that was the greater, one for each of the `children`, in `draws`; the
    greatest wins. `beliefs` are the posteriors that were drawn from, in the same order, by the
    names of their parameters: m, kappa, nu, tau2 (normal-inverse-gamma) or a, b (beta)."""

    node: N
    gen: float
    cont: float
    children: tuple[N, ...]
    draws: tuple[float, ...]
    beliefs: tuple[Mapping[str, float], ...] = ()


class Pushed(Note, Generic[N], frozen=True, tag="pushed"):
    """A node entered the frontier with cost so far `g` and heuristic `h`; f = g + h."""

    node: N
    g: float
    h: float


class Popped(Note, Generic[N], frozen=True, tag="popped"):
    """A node left the frontier to be expanded or, if finished, accepted as a goal."""

    node: N
    g: float
    h: float


class Kept(Note, Generic[N], frozen=True, tag="kept"):
    """The survivors of a selection, best first, with the values they were ranked by."""

    nodes: tuple[N, ...]
    values: tuple[float | None, ...]


class Pruned(Note, Generic[N], frozen=True, tag="pruned"):
    """Nodes that will not be extended again. `cut` is the value they would have needed, where there
    is one."""

    nodes: tuple[N, ...]
    reason: str
    cut: float | None = None


class Allocated(Note, Generic[N], frozen=True, tag="allocated"):
    """How many children each node was granted in this round."""

    nodes: tuple[N, ...]
    widths: tuple[int, ...]


class Replaced(Note, Generic[N], frozen=True, tag="replaced"):
    """A part of a trace gave way to another one from the same node on: `old` and `new` hold the
    steps after it, in order, with what each was worth there, in [0, 1]."""

    old: tuple[N, ...]
    new: tuple[N, ...]
    old_value: float
    new_value: float


class Remarked(Note, Generic[N], frozen=True, tag="remarked"):
    """A sentence for the reader about something unusual in this round, such as an unscored particle
    given the mean weight.

    `text` may be about `nodes`. Where a person asked for children of `node` while the run was
    paused, `nodes` are the children, `by` says that it was a person, and `begins` is the number of
    the first event of all that was recorded for it.
    """

    text: str
    nodes: tuple[N, ...] = ()
    node: N | None = None
    by: Annotated[str | None, FieldMark.RARE] = None
    begins: Annotated[int | None, FieldMark.RARE] = msgspec.field(default=None, name="from")


class UnknownEvent(msgspec.Struct, frozen=True, gc=False):
    """An event that this version cannot read, with its columns as they are stored.

    Its kind is not known here, because a newer version wrote it; or `problem` says which field of
    it is not what it must be. Readers of events pass it over.
    """

    kind: str
    node_id: int | None
    label: str
    value: float | None
    data: dict[str, JSON] | None
    problem: str | None = None


EventBody: TypeAlias = (
    NodeAdded
    | LikelihoodGiven
    | ScoreGiven
    | StepEnded
    | CallEnded
    | AnswersCompared
    | AnswerChanged
    | LimitReached
    | StatusChanged
    | Weighed[int]
    | Resampled[int]
    | Referenced[int]
    | Swapped[int]
    | Selected[int]
    | Backed[int]
    | Rolled[int]
    | Jumped[int]
    | Drawn[int]
    | Pushed[int]
    | Popped[int]
    | Kept[int]
    | Pruned[int]
    | Allocated[int]
    | Replaced[int]
    | Remarked[int]
    | UnknownEvent
)
"""What a log may hold."""

KINDS: tuple[type[Body], ...] = tuple(
    get_origin(each) or each for each in get_args(EventBody) if each is not UnknownEvent
)
"""All kinds that this version knows."""


LEDGERS = (CallEnded, AnswerChanged, StatusChanged)


def ledger_of(body: EventBody) -> Mapping[str, float] | None:
    """What the run had spent by this event, by axis of the budget, if the event tells it."""
    return body.ledger if isinstance(body, LEDGERS) else None


def kind_of(body: Body | UnknownEvent | type[Body]) -> str:
    """The word by which the kind of an event is stored and sent."""
    return body.kind if isinstance(body, UnknownEvent) else str(body.__struct_config__.tag)
