"""Which stored nodes had the right answer in reach.

Two kinds of evidence. A *finished* text in which the right answer is read. And, where the problem
set has an exact checker of steps, a *sound* node: every step so far is right, and the right answer
can still be reached. The prompt is sound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from backend import problems
from backend.core.splitting import Splitting
from backend.core.types import ON_REQUEST, Finish, Kind, Node
from backend.problems.base import REPAIR, Grade, Problem
from backend.problems.exact import bare
from backend.problems.extraction import Reader, extract
from backend.review.stored_run import Trace

CUT = (Finish.BUDGET, Finish.ABORTED, Finish.LENGTH)


class Grader:
    """Grades answers of texts, each answer once."""

    def __init__(self, grade: Callable[[str | None], Grade], read: Reader = extract) -> None:
        self._grade, self._read = grade, read
        self._known: dict[str, bool | None] = {}

    def right(self, node: Node) -> bool:
        """Whether the answer that is read from the text so far is right; no for an undecided
        one.
        """
        answer = self._read(node.solution_text()).answer
        if answer is None:
            return False
        if answer not in self._known:
            self._known[answer] = self._grade(answer).correct
        return self._known[answer] is True


def solutions(trace: Trace) -> list[Node]:
    """The prompt and all that the search wrote below it, without the texts of other prompts."""
    own: dict[Node, None] = {}
    for node in trace.nodes:
        if node.kind is Kind.PROMPT or (node.parent in own and node.role != ON_REQUEST):
            own[node] = None
    return list(own)


def find_finished_texts(nodes: Sequence[Node], right: Callable[[Node], bool]) -> list[Node]:
    """The texts at their end, by themselves or not, in which the right answer is read."""
    return [
        node
        for node in nodes
        if (node.done or node.finish is Finish.BUDGET) and node.text.strip() and right(node)
    ]


def complete_steps(node: Node, splitting: Splitting) -> tuple[str, ...]:
    """The steps on the path, without a last one that was cut off on the way."""
    steps = splitting.split(node.texts())
    return steps[:-1] if node.finish in CUT and not splitting.complete(node.texts()) else steps


def sound(
    nodes: Sequence[Node], problem: Problem, splitting: Splitting, copies: Collection[Node]
) -> list[Node] | None:
    """The nodes whose steps are all right, the prompt among them; None where the problem set has no
    checker of steps.

    Not among them: rollouts, nodes that wrote nothing, and `copies`, for which another node stands.
    """
    if problems.check(problem, ()) is None:
        return None
    found: dict[Node, None] = {}
    for node in nodes:
        if node.parent is None:
            found[node] = None
        elif (
            node.kind is not Kind.ROLLOUT
            and node not in copies
            and node.text.strip()
            and _may_be_sound(node, found)
        ):
            verdicts = problems.check(problem, complete_steps(node, splitting))
            if not verdicts or verdicts[-1].ok:
                found[node] = None
    return list(found)


def _may_be_sound(node: Node, found: Collection[Node]) -> bool:
    """Whether the path to a node may be sound: the path to its parent is (`found`), or the node
    begins with a repair."""
    return node.parent in found or node.text.lstrip().startswith(REPAIR)


def unread(node: Node, problem: Problem, splitting: Splitting) -> str | None:
    """What speaks for a text in which no answer can be read: `sound`, it came to its end and the
    exact checker finds nothing wrong with it, or `mentioned`, its last step names the right answer.
    """
    steps = splitting.split(node.texts())
    verdicts = problems.check(problem, steps)
    if verdicts is not None:
        return "sound" if verdicts and verdicts[-1].ok and node.finish is Finish.END else None
    named = re.compile(rf"(?<![\w.]){re.escape(bare(problem.answer or ''))}(?!\w|\.\d)")
    return "mentioned" if steps and problem.answer and named.search(steps[-1]) else None
