"""The written steps of a path, each with the node in which it ends."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from backend.core.splitting import Splitting


@dataclass(frozen=True)
class StepPart:
    """Where a step stands in a node: characters [start, end) of the node's text."""

    node: int
    start: int
    end: int


@dataclass(frozen=True)
class WrittenStep:
    """A step: its number on the path (from 0), its text without the space around it, and the parts
    of nodes that spell it, in order."""

    number: int
    text: str
    parts: tuple[StepPart, ...]

    @property
    def node(self) -> int:
        """The node in which it ends."""
        return self.parts[-1].node


def split_steps(
    nodes: Sequence[tuple[int, str]], splitting: Splitting, ends: Collection[int] = ()
) -> list[WrittenStep]:
    """The steps that `nodes` (id and text, from below the prompt down) write together. Nodes named
    in `ends` end a step wherever their text ends, as those of other programs do."""
    found: list[WrittenStep] = []
    for group in _groups(nodes, ends):
        texts = [text for _, text in group]
        written = "".join(texts)
        for start, end in splitting.spans(texts):
            found.append(WrittenStep(len(found), written[start:end], _parts(group, start, end)))
    return found


def _groups(nodes: Sequence[tuple[int, str]], ends: Collection[int]) -> list[list[tuple[int, str]]]:
    groups: list[list[tuple[int, str]]] = [[]]
    for node in nodes:
        groups[-1].append(node)
        if node[0] in ends:
            groups.append([])
    return groups


def _parts(nodes: Sequence[tuple[int, str]], start: int, end: int) -> tuple[StepPart, ...]:
    parts: list[StepPart] = []
    at = 0
    for node, text in nodes:
        low, high = max(start, at), min(end, at + len(text))
        if low < high:
            parts.append(StepPart(node, low - at, high - at))
        at += len(text)
    return tuple(parts)


def covering(step: WrittenStep, start: int, end: int) -> list[StepPart]:
    """The parts of nodes that characters [start, end) of a step lie in."""
    found: list[StepPart] = []
    at = 0
    for part in step.parts:
        low, high = max(start, at), min(end, at + part.end - part.start)
        if low < high:
            found.append(StepPart(part.node, part.start + low - at, part.start + high - at))
        at += part.end - part.start
    return found


def tokens_over(tokens: Sequence[str], start: int, end: int) -> tuple[int, int] | None:
    """The tokens [first, end) whose texts cover characters [start, end) of the node that they
    spell; None where they do not reach so far."""
    at, first = 0, None
    for index, token in enumerate(tokens):
        if first is None and at + len(token) > start:
            first = index
        at += len(token)
        if at >= end and first is not None:
            return first, index + 1
    return None


def words_of(text: str) -> list[tuple[int, int]]:
    """The stretches [start, end) of a text that are words, for choosing a span without a mouse."""
    return [found.span() for found in re.finditer(r"\S+", text)]


__all__ = ["StepPart", "WrittenStep", "covering", "split_steps", "tokens_over", "words_of"]
