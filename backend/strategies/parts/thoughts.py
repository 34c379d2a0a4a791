"""Thoughts: the stretches of a trace between two changes of mind, and what a stretch is worth.

A trace is a list of step nodes, each the parent of the next. A step that begins with a transition
word ("wait", "alternatively" ...) opens a new thought. A change of mind in the middle of a node is
not noticed."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import NamedTuple, TypeAlias

from backend.core.formulas.traces import discount
from backend.core.ports import Policy
from backend.core.steps import Note, Pruned, Replaced
from backend.core.types import Node
from backend.judging.rules import SELECTORS
from backend.problems.exact import canonical
from backend.strategies.parts.rounds import living

TRANSITIONS = "alternatively, wait, but, however, hmm, another, actually, let me check"
"""The first two are named where the paper is reported; the others are the marks of a change of mind
that reasoning models use most."""


AnswerOf: TypeAlias = Callable[[Node], str | None]
"""The answer written on the path to a node: `Policy.answer`."""


class Transitions:
    """The words that open a new thought, given in one line and parted by commas; case is
    ignored.
    """

    def __init__(self, listed: str) -> None:
        words = [
            r"\s+".join(map(re.escape, word.split())) for word in listed.split(",") if word.strip()
        ]
        self._opening = (
            re.compile(rf"\W*(?:{'|'.join(words)})(?!\w)", re.IGNORECASE) if words else None
        )

    def open(self, step: Node) -> bool:
        """Whether the step begins with one of the words, as a whole word; quotes and spaces before
        it do not count."""
        return self._opening is not None and self._opening.match(step.text) is not None

    def boundaries(self, trace: Sequence[Node], *, every: bool = False) -> list[int]:
        """After how many steps another thought begins: places in [1, steps), ascending. With
        `every` each step is a thought."""
        return [place for place in range(1, len(trace)) if every or self.open(trace[place])]

    def ban(self, step: Node, prefix: Node) -> tuple[Note, ...]:
        """Return a note that says why the step may not stand right after the prefix; empty where it
        may."""
        return (
            (Pruned((step,), "begins with a transition word"),)
            if step.parent is prefix and self.open(step)
            else ()
        )


class Standard(NamedTuple):
    """What traces are measured by: the answer that they should give (None: there is none), the
    discount gamma of a step, and how answers are read."""

    target: str | None
    gamma: float
    answer: AnswerOf

    def worth(self, steps: Sequence[Node]) -> float:
        """gamma^(number of steps) if they end in the target answer, else 0: in [0, 1)."""
        answer = self.answer(steps[-1]) if steps[-1].done else None
        reached = (
            self.target is not None
            and answer is not None
            and canonical(answer) == canonical(self.target)
        )
        return discount(self.gamma, len(steps), reached)


def commonest_answer(finished: Sequence[Node], answer: AnswerOf) -> str | None:
    """The answer given most often, ties to the one given first; None where no answer can be
    read.
    """
    if not finished:
        return None
    tally = SELECTORS["majority"].tally()
    for node in finished:
        tally.add(node, None, answer(node))
    return answer(tally.winner())


def standard(finished: Sequence[Node], gamma: float, policy: Policy) -> Standard:
    """The standard that the finished traces set: the answer given most often."""
    return Standard(commonest_answer(finished, policy.answer), gamma, policy.answer)


def steps_below(node: Node, ancestor: Node) -> list[Node]:
    """The path from below `ancestor` down to `node`."""
    path = node.path()
    return path[path.index(ancestor) + 1 :]


def verdict(old: Sequence[Node], new: Sequence[Node], standard: Standard) -> tuple[Note, ...]:
    """Compare two ways on from the same node: the new one replaces the old one only if it is worth
    more. Returns the notes that say which was pruned."""
    before, after = standard.worth(old), standard.worth(new)
    if after <= before:
        return (Pruned(tuple(new), "worth no more than what it would replace", before),)
    return Replaced(tuple(old), tuple(new), before, after), Pruned(
        tuple(old), "a continuation was worth more", after
    )


def late(node: Node, horizon: int) -> tuple[Note, ...]:
    """Return a note about a node that is unfinished at the greatest depth; empty for any other
    node."""
    return (Pruned((node,), "step limit"),) if node.depth >= horizon and not node.done else ()


async def write_on(
    policy: Policy, nodes: Sequence[Node], horizon: int
) -> AsyncGenerator[list[Node]]:
    """The nodes one step further, in one batch a round, until each is finished, dead or `horizon`
    deep."""
    growing = list(nodes)
    while growing := [node for node in growing if not node.done and node.depth < horizon]:
        fresh = [child for [child] in await policy.extend(growing)]
        yield fresh
        growing = living(fresh)


async def on_course(
    policy: Policy, prefix: Node, words: Transitions, tries: int, horizon: int
) -> AsyncGenerator[Node]:
    """Yield the steps of a continuation that does not begin with a transition word, one by one.
    First steps that do begin with one are yielded too, up to `tries` of them."""
    for _ in range(tries):
        [[first]] = await policy.extend([prefix])
        yield first
        if not words.ban(first, prefix):
            break
    else:
        return
    async with aclosing(write_on(policy, living([first]), horizon)) as rounds:
        async for [node] in rounds:
            yield node
