"""What can be said of a run that another program made: whether its file holds the right answer, and
whether that is what was chosen.

How such a search chose, pruned or ended is not in its file, so nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.core.types import Kind, Node
from backend.review.stored_run import ChosenAnswer
from backend.review.why import evidence, words
from backend.review.why.death import Cause, Death, SearchCase


def explain_foreign(case: SearchCase) -> Death:
    """What the file of a run says of the right answer. It blocks where answers have to be compared
    by algebra."""
    own = case.own
    if case.problem.answer is None:
        return Death(Cause.UNKNOWN, UNKNOWN, None if own is None else own.node)
    if own is not None and own.correct is True:
        return Death(Cause.RIGHT, _say_right(own), own.node, seq=case.last_answer)
    if own is not None and own.answer is not None and own.correct is None:
        sentence = words.say_not_extracted(own, case.answer, None)
        return Death(Cause.NOT_EXTRACTED, sentence, own.node, seq=case.last_answer)
    texts = [node for node in case.trace.nodes if node.done and node.kind is not Kind.PROMPT]
    grader = evidence.Grader(case.grade, case.trace.read)
    right = evidence.find_finished_texts(texts, grader.right)
    if not right:
        return Death(
            Cause.NEVER_GENERATED,
            f"{_say_choice(own)}, and none of the {_count(texts)} of the file gives the right "
            f"answer {case.answer}.",
            None if own is None else own.node,
            seq=case.last_answer,
        )
    first = case.trace.ids[right[0]]
    return Death(
        Cause.NOT_CHOSEN,
        f"{_say_choice(own)}; {len(right)} of the {_count(texts)} of the file "
        f"give{'s' if len(right) == 1 else ''} the right answer {case.answer}, the first of them in "
        f"node {first}.",
        first,
        seq=case.trace.seqs[first],
        evidence="finished",
    )


UNKNOWN = (
    "The right answer is not known: the file does not hold it. Import the file again with it to have "
    "the answers graded."
)


def _say_right(own: ChosenAnswer) -> str:
    return f"The program answered right: {words.short(own.answer or '')} (node {own.node})."


def _say_choice(own: ChosenAnswer | None) -> str:
    if own is None:
        return "The file names no choice"
    if own.answer is None:
        return f"No answer can be read from what the program chose (node {own.node})"
    return f"The program chose {words.short(own.answer)} (node {own.node}), which is wrong"


def _count(texts: Sequence[Node]) -> str:
    return f"{len(texts)} finished text{'' if len(texts) == 1 else 's'}"


__all__ = ["explain_foreign"]
