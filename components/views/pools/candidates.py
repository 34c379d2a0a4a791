"""The answers a run could choose from: finished candidates grouped by what they answer, counted and
weighed as the final rule does.

Everything is computed from the candidates that `step` events list, from the texts of the nodes, and
from the `limit` event, after which a run also counts finished nodes that no step has reported yet.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from plotly import graph_objects as go

from backend.core.events import LimitReached, StepEnded
from backend.core.records import EventRecord
from backend.core.tree import TreeRow, find_chosen_node, up_to
from components.frame.prose import visible
from components.frame.theme import ACCENT, MUTED, escape, frame
from components.run.reached import text_down_to

SHOWN = 20
"""Classes drawn at most, the strongest first."""

VOTES, WEIGHT, BEST = "votes", "sum of scores", "best score"
MEASURES: Mapping[str, str] = {"majority": VOTES, "weighted": WEIGHT, "best": BEST}
"""What each final rule compares classes by; a rule that is not named here is shown by votes."""

_CUT_OFF = ("aborted", "budget")

Value = float | None
AnswerOf = Callable[[str], str | None]


class Candidate(NamedTuple):
    """A finished node as the final rule sees it: its value in [0, 1] or None. A node that holds
    several slots is a candidate several times."""

    node: int
    value: Value


@dataclass(frozen=True)
class CandidateClass:
    """Candidates with one answer: how many, the sum of their values (an unscored one adds 0), the
    best value, and the node that has it; whether the run chose this answer, and whether it is known
    to be right."""

    answer: str
    votes: int
    weight: float
    best: Value
    node: int
    chosen: bool
    right: bool = False


@dataclass(frozen=True)
class CandidateInfo:
    """The strongest classes first by `measure`; `unread` candidates have no readable answer,
    `omitted` classes are not shown."""

    classes: tuple[CandidateClass, ...]
    measure: str
    unread: int
    omitted: int


def candidates(
    rows: Sequence[TreeRow], events: Iterable[EventRecord], until: int | None = None
) -> list[Candidate]:
    """The candidates of the log up to event `until`, in the order in which the final rule met
    them.
    """
    finished = {row.id: row for row in rows if row.done and row.finish not in _CUT_OFF}
    listed: list[Candidate] = []
    for event in up_to(events, until):
        match event.body:
            case StepEnded() as step:
                listed = listed if step.known else []
                listed += [
                    Candidate(node, value)
                    for node, value in zip(step.nodes, step.values, strict=True)
                    if node in finished
                ]
            case LimitReached():
                known = {candidate.node for candidate in listed}
                listed += [
                    Candidate(row.id, row.score)
                    for row in finished.values()
                    if row.finish == "end" and row.id not in known
                ]
    return listed


def candidate_info(
    rows: Sequence[TreeRow],
    found: Sequence[Candidate],
    answer_of: AnswerOf,
    rule: str,
    right: Collection[str] = (),
) -> CandidateInfo:
    """`answer_of` reads the answer from a solution's text, in the form in which answers are
    compared, or None; `rule` names the final rule; `right` are the right answers in that form."""
    by_id = {row.id: row for row in rows}
    answers = {
        node: answer_of(text_down_to(by_id, node))
        for node in dict.fromkeys(candidate.node for candidate in found)
    }
    groups: dict[str, list[Candidate]] = {}
    for candidate in found:
        answer = answers[candidate.node]
        if answer is not None:
            groups.setdefault(answer, []).append(candidate)
    spokesman = find_chosen_node(rows)
    chosen = answers.get(spokesman) if spokesman is not None else None
    classes = [
        _class(answer, members, answer == chosen, answer in right)
        for answer, members in groups.items()
    ]
    measure = MEASURES.get(rule, VOTES)
    if measure != VOTES and all(one.best is None for one in classes):
        measure = VOTES
    # Ties as the rules break them: by score the candidate met first, by weight the larger class,
    # and then the class met first.
    met = {node: place for place, node in enumerate(answers)}
    classes.sort(
        key=lambda one: (
            -strength(one, measure),
            met[one.node] if measure == BEST else -one.votes if measure == WEIGHT else 0,
        )
    )
    # Where the rule could read a cut-off text it counted it; where it could not, it was no
    # candidate at all.
    unread = sum(
        answers[candidate.node] is None and by_id[candidate.node].finish != "length"
        for candidate in found
    )
    return CandidateInfo(tuple(classes[:SHOWN]), measure, unread, max(0, len(classes) - SHOWN))


def strength(one: CandidateClass, measure: str) -> float:
    """The number that classes are compared by."""
    return float({VOTES: one.votes, WEIGHT: one.weight, BEST: one.best or 0.0}[measure])


def _class(answer: str, members: Sequence[Candidate], chosen: bool, right: bool) -> CandidateClass:
    values = [candidate.value for candidate in members if candidate.value is not None]
    best = max(values, default=None)
    node = next(candidate.node for candidate in members if candidate.value == best)
    return CandidateClass(answer, len(members), sum(values), best, node, chosen, right)


def candidate_figure(info: CandidateInfo) -> go.Figure:
    """One bar a class of equal answers, its length what the final rule compares. A star and the
    strong colour: the answer given."""
    classes = info.classes
    # not the answers themselves: two long ones may begin alike, and 24 would stand at 24
    places = list(range(len(classes)))
    figure = go.Figure(
        go.Bar(
            orientation="h",
            y=places,
            x=[strength(one, info.measure) for one in classes],
            text=[_facts(one) for one in classes],
            textposition="auto",
            customdata=[[one.node, _label(one)] for one in classes],
            marker={"color": [ACCENT if one.chosen else MUTED for one in classes]},
            hovertemplate=(
                "answer %{customdata[1]}<br>%{text}<br>node %{customdata[0]}<extra></extra>"
            ),
            unselected={"marker": {"opacity": 0.7}},
        )
    )
    frame(figure, x=info.measure, y="answer", height=80 + 30 * max(len(classes), 2))
    figure.update_yaxes(
        autorange="reversed",
        automargin=True,
        tickvals=places,
        ticktext=[_label(one) for one in classes],
    )
    few = max((one.votes for one in classes), default=0) <= 20
    figure.update_xaxes(rangemode="tozero", dtick=1 if info.measure == VOTES and few else None)
    return figure


def _label(one: CandidateClass) -> str:
    short = one.answer if len(one.answer) <= 40 else one.answer[:39] + "\u2026"
    return (
        ("\u2605 " if one.chosen else "")
        + escape(visible(short))
        + (" (right)" if one.right else "")
    )


def _facts(one: CandidateClass) -> str:
    votes = f"{one.votes} vote{'' if one.votes == 1 else 's'}"
    return votes if one.best is None else f"{votes}, sum {one.weight:.2f}, best {one.best:.3f}"
