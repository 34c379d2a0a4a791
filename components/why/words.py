"""Causes in words and looks: what each says of a run, its colour, and a hatching, so that nothing
depends on colour alone."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from components.frame.theme import BLUE, GREEN, MUTED, ORANGE, PURPLE, SKY, VERMILION


class CauseLook(NamedTuple):
    """A cause: its name for readers, its colour, its hatching in a bar, and what it means."""

    title: str
    color: str
    pattern: str
    meaning: str


CAUSES: Mapping[str, CauseLook] = MappingProxyType({
    "right": CauseLook("answered right", GREEN, "", "The search gave the right answer."),
    "not_extracted": CauseLook(
        "chosen, not read", SKY, ".",
        ("The search chose a right solution, but its answer could not be read or graded. "
"Look at how the answer is written."),
    ),
    "not_chosen": CauseLook(
        "not chosen", BLUE, "/",
        ("The right answer stood among the finished candidates, and the final rule "
"preferred another. Another rule or verifier may save it."),
    ),
    "pruned": CauseLook(
        "pruned", ORANGE, "\\",
        ("The search had the right answer in reach and dropped it. A better verifier, a "
"wider search or another threshold may save it."),
    ),
    "cut_off": CauseLook(
        "cut off", PURPLE, "x",
        ("The right answer was in reach when a budget, a length or the end of the run cut "
"it off. More of that may save it."),
    ),
    "never_generated": CauseLook(
        "never generated", VERMILION, "+",
        "No text gives the right answer, so no final rule could have saved it. It takes more "
        "samples, a verifier that keeps right beginnings, or "
        "another model.",
    ),
    "unknown": CauseLook("answer not known", MUTED, "-", ("The right answer of this problem is not "
    "known, so nothing can be said of where "
"it died.")),
})  # fmt: skip
"""All causes, by how far the right answer came, the farthest first."""

EVIDENCE: Mapping[str, str] = MappingProxyType(
    {
        "finished": "A finished text gives the right answer.",
        "sound": (
            "By the exact checker every step so far is right, and the right answer could still "
            "be reached."
        ),
        "mentioned": "The last step names the right answer, where none can be read.",
    }
)
"""On what a cause rests, in a sentence."""


def title(cause: str) -> str:
    """The name of a cause; one that this version does not know goes by its own."""
    return CAUSES[cause].title if cause in CAUSES else cause.replace("_", " ")
