"""A vote among the solutions that hesitate least, by the words they use (after Think Deep, Think
Fast, arXiv 2504.14047).

Solutions of reasoning models that are right hedge less and turn round less, and connect their steps
more. With counts of such markers in the thinking part, m_i = (hedges + turns - connectives) /
length; the share of candidates with the lowest m_i votes. The lists are a beginning of our own and
parameters of the rule. Where a text marks no thinking part, all of it counts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import Field

from backend.core.ports import Classes, Decision
from backend.core.registry import Params
from backend.judging.rules import selector
from backend.judging.selectors.path import Size, comparable, lengths, size
from backend.judging.selectors.poll import Poll, add_facts, weigh
from backend.judging.selectors.vote import Ballot

Markers = tuple[str, ...]


class MarkerVoteParams(Params):
    """Parameters of the vote by markers. A marker is a word or several, matched as whole words in
    any case."""

    share: float = Field(
        0.5,
        gt=0.0,
        le=1.0,
        description=(
            "share of the candidates that votes, those with the lowest marker score; our choice"
        ),
    )
    hedges: Markers = Field(
        ("maybe", "perhaps", "possibly", "might", "seems", "likely", "not sure", "I think"),
        description="markers of doubt, counted for 1",
    )
    turns: Markers = Field(
        ("wait", "hmm", "alternatively", "let me check", "actually", "but"),
        description="markers of turning round, counted for 1",
    )
    connectives: Markers = Field(
        ("first", "second", "therefore", "thus", "so", "because", "finally", "in conclusion"),
        description="markers of an argument, counted for -1",
    )
    opening: str = Field(
        "<think>",
        description="what the thinking part begins with; a text without it thinks from its start",
    )
    closing: str = Field(
        "</think>",
        description="what the thinking part ends with; a text without it thinks to its end",
    )


class Marked(NamedTuple):
    """What the rule knows of a candidate: markers for and against doubt, summed up, and the size of
    the text."""

    doubt: int
    size: Size


@selector("marker_vote", MarkerVoteParams, votes=True)
class MarkerVote(Poll[MarkerVoteParams, Marked]):
    """The majority among the candidates with the fewest markers of doubt a token; of equal scores
    the earlier vote. One that was cut off takes no part while there are others."""

    def __init__(self, params: MarkerVoteParams, classes: Classes | None = None) -> None:
        super().__init__(params, classes)
        self._doubtful, self._connecting = (
            pattern((*params.hedges, *params.turns)),
            pattern(params.connectives),
        )

    def measure(self, ballot: Ballot) -> Marked:
        thinking = thinking_part(
            ballot.node.solution_text(), self.params.opening, self.params.closing
        )
        return Marked(
            count(self._doubtful, thinking) - count(self._connecting, thinking), size(ballot.node)
        )

    def count(self) -> Decision:
        sizes = [marked.size for marked in self.measures]
        scores = [
            marked.doubt / max(1, length)
            for marked, length in zip(self.measures, lengths(sizes), strict=True)
        ]
        order = sorted(
            (place for place, own in enumerate(comparable(sizes)) if own), key=scores.__getitem__
        )
        voters = set(order[: math.ceil(self.params.share * len(order))])
        decision = weigh(
            self.ballots,
            [1.0 if place in voters else None for place in range(len(self.ballots))],
            self.classes,
        )
        return add_facts(
            decision, voters=len(voters), highest_score=max(scores[place] for place in voters)
        )


def thinking_part(text: str, opening: str, closing: str) -> str:
    """The thinking part of a text."""
    before, found, _ = text.partition(closing) if closing else (text, "", "")
    inside = before if found else text
    return inside.partition(opening)[2] if opening and opening in inside else inside


def pattern(markers: Sequence[str]) -> re.Pattern[str] | None:
    """Matches any of the markers as whole words, the longest where several begin; None for no
    markers."""
    words = sorted(
        (marker.split() for marker in markers if marker.strip()),
        key=lambda marker: -sum(map(len, marker)),
    )
    alternatives = "|".join(r"\s+".join(map(re.escape, marker)) for marker in words)
    return re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE) if words else None


def count(markers: re.Pattern[str] | None, text: str) -> int:
    return 0 if markers is None else sum(1 for _ in markers.finditer(text))
