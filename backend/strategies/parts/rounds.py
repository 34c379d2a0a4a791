"""One round of a search: continue some nodes, drop what is dead, score the rest once, in two
batches toward the models.

Also the two orders that strategies choose by, so that ties and missing scores are treated alike
everywhere: the higher score first, then the earlier node; a node without a score only where nothing
has one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Annotated, Final, NamedTuple, TypeAlias

from msgspec.structs import replace
from pydantic import AfterValidator, Field, ValidationInfo

from backend.core.ports import END, STEP, Policy, Sampling, Until, Verifier
from backend.core.steps import Note, Pruned, Remarked
from backend.core.types import Finish, Node

MaxSteps = Annotated[
    int,
    Field(
        ge=1,
        le=1000,
        description=(
            "rounds at most: a path never grows more than this many steps below the root; 40 "
            "in search-and-learn"
        ),
    ),
]


def divides(width: int, info: ValidationInfo) -> int:
    """`width`, if the field `n` before it is a multiple of it."""
    if info.data.get("n", width) % width:
        raise ValueError(f"a divisor of n = {info.data['n']}")
    return width


BeamWidth = Annotated[
    int,
    Field(
        ge=1,
        le=1024,
        validate_default=True,
        description="M, a divisor of n: n / M prefixes survive a round; 4 in search-and-learn",
    ),
    AfterValidator(divides),
]


UNSCORED: Final = "could not be scored: not selected while others have a score"
UNSCORED_ROUND: Final = (
    "nothing in this round could be scored: order and weights stay as they were, nothing is "
    "backed up"
)


class Scored(NamedTuple):
    """A new node with its score in [0, 1] (None: scoring failed) and the number of identical draws
    that it stands for."""

    node: Node
    value: float | None
    draws: int = 1


class Brood(NamedTuple):
    """The living children of one parent, in order of drawing, and what happened to the others."""

    children: list[Scored]
    notes: tuple[Note, ...]


def dead(nodes: Iterable[Node]) -> tuple[Note, ...]:
    """Notes about the nodes that cannot be continued and are no answer: they wrote nothing, or
    their generation failed."""
    failed, empty = [], []
    for node in nodes:
        if node.finish is Finish.ABORTED:
            failed.append(node)
        elif not node.done and not node.text.strip():
            empty.append(node)
    reasons = ((empty, "empty step"), (failed, "generation failed"))
    return tuple(Pruned(tuple(group), reason) for group, reason in reasons if group)


def living(nodes: Iterable[Node]) -> list[Node]:
    """Return the nodes that are not dead (see `dead`)."""
    return [node for node in nodes if not dead((node,))]


def merge_equal(nodes: Sequence[Node]) -> tuple[dict[Node, int], tuple[Note, ...]]:
    """Keep the first of siblings with the same text. Returns how many each stands for, and a note
    about the copies."""
    first: dict[tuple[str, bool], Node] = {}
    counts: dict[Node, int] = {}
    copies: list[Node] = []
    for node in nodes:
        stands = first.setdefault((node.text, node.done), node)
        counts[stands] = counts.get(stands, 0) + 1
        if stands is not node:
            copies.append(node)
    return counts, (Pruned(tuple(copies), "same text as a sibling"),) if copies else ()


async def scores(verifier: Verifier, nodes: Sequence[Node]) -> list[float | None]:
    """One score a node, None where it could not be scored."""
    return [score.value for score in await verifier.score(nodes)] if nodes else []


class Valued(NamedTuple):
    """What a new node is ranked by, in [0, 1] or None, and what was done to find that out."""

    value: float | None
    notes: tuple[Note, ...] = ()


Valuation: TypeAlias = Callable[[Policy, Verifier, Sequence[Node]], Awaitable[list[Valued]]]
"""One `Valued` a new node, same order."""


async def own_score(policy: Policy, verifier: Verifier, nodes: Sequence[Node]) -> list[Valued]:
    """Value each node by the verifier's score of its own path."""
    return [Valued(value) for value in await scores(verifier, nodes)]


async def expand(
    policy: Policy,
    verifier: Verifier,
    parents: Sequence[Node],
    n: int = 1,
    *,
    until: Until = STEP,
    sampling: Sampling | None = None,
    merge: bool = False,
    value: Valuation = own_score,
) -> list[Brood]:
    """One brood a parent, in one generation batch and one scoring batch. `merge` makes siblings
    with equal text one before scoring; `value` says what a child is ranked by."""
    assert not any(parent.done for parent in parents), "a finished node is not extended"
    groups = await policy.extend(parents, n, until=until, sampling=sampling)
    fates = [
        merge_equal(living(group)) if merge else (dict.fromkeys(living(group), 1), ())
        for group in groups
    ]
    fresh = [node for counts, _ in fates for node in counts]
    valued = dict(zip(fresh, await value(policy, verifier, fresh), strict=True))
    remark = UNSCORED if any(one.value is not None for one in valued.values()) else UNSCORED_ROUND
    broods = []
    for group, (counts, notes) in zip(groups, fates, strict=True):
        children = [Scored(node, valued[node].value, count) for node, count in counts.items()]
        score_notes = (note for node in counts for note in valued[node].notes)
        broods.append(
            Brood(
                children, (*dead(group), *notes, *score_notes, *remark_unscored(children, remark))
            )
        )
    return broods


def remark_unscored(children: Sequence[Scored], remark: str = UNSCORED) -> tuple[Note, ...]:
    """A remark about the children that have no score, if there are any."""
    missing = tuple(child.node for child in children if child.value is None)
    return (Remarked(remark, missing),) if missing else ()


def pass_over(best: Scored, children: Sequence[Scored]) -> tuple[Note, ...]:
    """A note about the siblings of the next step that goes on, if there are any."""
    others = tuple(child.node for child in children if child is not best)
    higher = "another next step scored higher"
    reason = higher if best.value is not None else "nothing has a score: the first one goes on"
    return (Pruned(others, reason, best.value),) if others else ()


async def complete(policy: Policy, verifier: Verifier, node: Node) -> Brood:
    """Continue the node greedily to the model's end token."""
    [brood] = await expand(
        policy, verifier, [node], until=END, sampling=replace(policy.sampling, temperature=0.0)
    )
    return brood


def rank(children: Iterable[Scored]) -> list[Scored]:
    """Those that may be selected, best first: the scored ones, or all of them in the order that
    they had where none has a score. Ties: the earlier first."""
    everyone = list(children)
    known = [(child.value, child) for child in everyone if child.value is not None]
    known.sort(key=lambda pair: -pair[0])
    return [child for _, child in known] or everyone


def distinct(children: list[Scored]) -> tuple[list[Scored], tuple[Note, ...]]:
    """The first of all children with the same text so far, and notes that say how many each stands
    for."""
    groups: dict[str, list[Scored]] = {}
    for child in children:
        groups.setdefault(child.node.solution_text(), []).append(child)
    repeated = [group for group in groups.values() if len(group) > 1]
    remarks = [
        Remarked(f"stands for {len(group)} prefixes with the same text", (group[0].node,))
        for group in repeated
    ]
    copies = [
        Pruned(tuple(child.node for child in group[1:]), "same text as another prefix")
        for group in repeated
    ]
    return [group[0] for group in groups.values()], (*remarks, *copies)
