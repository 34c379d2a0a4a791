"""Where the right answer died: the cause for which a run on a problem with a known answer did not
answer right.

The causes, by how far the right answer came:

- `right`: it was answered;
- `not_extracted`: it was chosen, but could not be read or graded;
- `not_chosen`: it was among the candidates of the end, and the final rule preferred another;
- `pruned`: it was generated, finished or so far that every step was right, and the search dropped
  it;
- `cut_off`: the same, and a budget, a length or the end of the run cut it off;
- `never_generated`: nothing of the kind was written; `unknown`: the right answer is not known.

What of the evidence decides: a finished text before a solution that was right so far, and among
those the one that was over last. So a search in which right beginnings were pruned early, while
another one lived on and then went wrong, died of what was written and not of the pruning.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from backend.core.events import AnswerChanged
from backend.core.ports import Classes
from backend.core.splitting import AT_BLANK_LINES, Splitting
from backend.core.types import Kind, Node
from backend.problems.base import Grade, Problem
from backend.review.reselect import Ranked
from backend.review.stored_run import ChosenAnswer, Trace
from backend.review.why import evidence, words
from backend.review.why.chosen import measure_by
from backend.review.why.fate import Fate, FateKind, Fates
from backend.review.why.notes import Notes
from backend.review.why.words import Where


class Cause(StrEnum):
    RIGHT = "right"
    NOT_EXTRACTED = "not_extracted"
    NOT_CHOSEN = "not_chosen"
    PRUNED = "pruned"
    CUT_OFF = "cut_off"
    NEVER_GENERATED = "never_generated"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Death:
    """A cause in one `sentence`, and where to look: the `node` after `step` written steps, and the
    event `seq`.

    `evidence` is `finished` (a text with the right answer), `sound` (by the exact checker every
    step so far was right), `mentioned` (the text names the right answer where none is read) or
    None. `note` is the kind of the deciding event and `reason` its words. `value` is what the node
    had, `cut` what it was measured against, of the kind that `measure` names.
    """

    cause: Cause
    sentence: str
    node: int | None = None
    step: int | None = None
    seq: int | None = None
    evidence: str | None = None
    note: str = ""
    reason: str = ""
    value: float | None = None
    cut: float | None = None
    measure: str = ""


class SearchCase(NamedTuple):
    """A stored run under investigation. `pool` are its candidates at the end and `own` its choice;
    `rule` and `status` are names."""

    trace: Trace
    problem: Problem
    grade: Callable[[str | None], Grade]
    pool: Sequence[Ranked]
    classes: Classes
    own: ChosenAnswer | None
    rule: str
    status: str
    splitting: Splitting = AT_BLANK_LINES

    def where(self, node: Node, *, finished: bool = False) -> Where:
        return Where(self.trace.ids[node], len(self.splitting.split(node.texts())), finished)

    @property
    def answer(self) -> str:
        return words.short(self.problem.answer or "")

    @property
    def last_answer(self) -> int | None:
        """The number of the event of the last answer; None where there is none."""
        return max(
            (event.seq for event in self.trace.events if isinstance(event.body, AnswerChanged)),
            default=None,
        )


def death(case: SearchCase) -> Death:
    """Find the cause for one run. It blocks where answers have to be compared by algebra."""
    if case.problem.answer is None:
        return Death(Cause.UNKNOWN, words.UNKNOWN)
    nodes, grader = evidence.solutions(case.trace), evidence.Grader(case.grade, case.trace.read)
    if not nodes:
        return Death(Cause.NEVER_GENERATED, words.NOTHING)
    if case.own is not None and (cause := _explain_choice(case, case.own)) is not None:
        return cause
    right = evidence.find_finished_texts(nodes, grader.right)
    candidates = {one.node for one in case.pool}
    if case.own is not None and (passed_over := [node for node in right if node in candidates]):
        return _explain_rival(case, case.own, passed_over)
    notes = Notes(case.trace.events)
    fates = Fates(case.trace, notes, case.pool, case.status)
    if right:
        node, fate = _last_over(case.trace, right, fates.left_out)
        return _explain_drop(case, fate, case.where(node, finished=True))
    copies = {case.trace.nodes[copy] for copy in notes.copies}
    sound = evidence.sound(nodes, case.problem, case.splitting, copies)
    if sound is None:
        return _without_checker(case, [node for node in nodes if node not in copies], fates)
    parents = {node.parent for node in sound}
    node, fate = _last_over(case.trace, [node for node in sound if node not in parents], fates.of)
    return _explain_drop(case, fate, case.where(node))


def _explain_choice(case: SearchCase, own: ChosenAnswer) -> Death | None:
    """Explain the chosen text where it is right, or where its answer could not be read or graded;
    None for any other."""
    node = None if own.node is None else case.trace.nodes[own.node]
    step = None if node is None else case.where(node).step
    if own.correct is True:
        return Death(
            Cause.RIGHT, words.right(own), own.node, step, case.last_answer, "finished", "answer"
        )
    found = (
        evidence.unread(node, case.problem, case.splitting)
        if node is not None and own.answer is None
        else None
    )
    undecided = own.answer is not None and own.correct is None
    if found is None and not undecided:
        return None
    reason = "the grade is undecided" if undecided else "no answer can be read"
    return Death(
        Cause.NOT_EXTRACTED,
        words.say_not_extracted(own, case.answer, found),
        own.node,
        step,
        case.last_answer,
        found,
        "answer",
        reason,
    )


def _explain_rival(case: SearchCase, own: ChosenAnswer, right: Sequence[Node]) -> Death:
    """Compare the candidate with the right answer that came nearest to being chosen with the one
    that was chosen."""
    measure = measure_by(
        case.rule,
        case.pool,
        lambda node: case.classes.of(case.trace.read(node.solution_text()).answer),
    )
    best = measure.strongest(right)
    winning = None if own.node is None else measure.worth.get(case.trace.nodes[own.node])
    seq = case.trace.seqs[case.trace.ids[best]] if case.last_answer is None else case.last_answer
    fate = Fate(
        FateKind.DROPPED, "answer", seq, seq, case.rule, measure.worth[best], winning, measure.name
    )
    sentence = words.say_not_chosen(case.rule, own, case.trace.ids[best], case.answer, fate)
    return _describe(Cause.NOT_CHOSEN, sentence, fate, case.where(best, finished=True))


def _explain_drop(case: SearchCase, fate: Fate, where: Where) -> Death:
    if fate.how is FateKind.DROPPED:
        return _describe(Cause.PRUNED, words.say_dropped(fate, where, case.answer), fate, where)
    if fate.how is FateKind.CUT_OFF:
        return _describe(Cause.CUT_OFF, words.cut_off(fate, where, case.answer), fate, where)
    return _describe(Cause.NEVER_GENERATED, words.went_wrong(fate, where, case.answer), fate, where)


def _without_checker(case: SearchCase, nodes: Sequence[Node], fates: Fates) -> Death:
    """Explain a run on a problem without a checker of steps: only finished texts count as evidence,
    and none of them is right. Where none is finished at all, the cause is what cut the last one
    off."""
    texts = [node for node in nodes if node.done and node.kind is not Kind.ROLLOUT]
    leaves = [
        node for node in nodes if node not in fates.children and node.kind is not Kind.ROLLOUT
    ]
    if not texts and leaves:
        node, fate = _last_over(case.trace, leaves, fates.of)
        if fate.how is FateKind.CUT_OFF:
            where = case.where(node)
            return replace(
                _describe(Cause.CUT_OFF, words.open_end(fate, where), fate, where), evidence=None
            )
    sentence = words.never_among(len(texts), case.answer)
    return Death(
        Cause.NEVER_GENERATED,
        sentence,
        None if case.own is None else case.own.node,
        seq=case.last_answer,
    )


def _last_over(
    trace: Trace, nodes: Sequence[Node], fate_of: Callable[[Node], Fate]
) -> tuple[Node, Fate]:
    """The node whose line was over last; among those that ended together the deepest, then the
    first."""
    fates = [(node, fate_of(node)) for node in nodes]
    return max(fates, key=lambda pair: (pair[1].over, pair[0].depth, -trace.ids[pair[0]]))


def _describe(cause: Cause, sentence: str, fate: Fate, where: Where) -> Death:
    value, cut = (
        number if number is not None and math.isfinite(number) else None
        for number in (fate.value, fate.cut)
    )
    found, measure = (
        "finished" if where.finished else "sound",
        "" if value is None else fate.measure,
    )
    return Death(
        cause,
        sentence,
        where.node,
        where.step,
        fate.seq,
        found,
        fate.note,
        fate.reason,
        value,
        cut,
        measure,
    )


def count_causes(deaths: Iterable[Death]) -> dict[Cause, int]:
    """Count how often each cause occurs; causes that do not occur count 0."""
    found = Counter(death.cause for death in deaths)
    return {cause: found[cause] for cause in Cause}
