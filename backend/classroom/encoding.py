"""Documents as token ids: a ChatML prompt, then steps.

The policy reads steps parted by a blank line and ended by `<|im_end|>`; the reward model reads the
same steps without blank lines, each followed by the tag at which its score is read. Parts are
encoded one by one, so that ids never depend on what follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from backend.classroom.tokenizer import DELIMITER, STEP_TAG, TURN_END, TURN_START
from backend.engines.shared.chat import ChatTokenizer


class EncodedText(NamedTuple):
    """Token ids of prompt and solution together; `start` is where the solution begins."""

    ids: list[int]
    start: int


class Tagged(NamedTuple):
    """Token ids of prompt and tagged steps; `tags` are the positions of the step tags, one per
    step, in order."""

    ids: list[int]
    tags: list[int]


def prompt(question: str) -> str:
    """The chat template's text for one question, up to where the solution starts."""
    return f"{TURN_START}user\n{question}{TURN_END}\n{TURN_START}assistant\n"


def solution(tokenizer: ChatTokenizer, question: str, steps: Sequence[str]) -> EncodedText:
    """What the policy is trained on."""
    written = [step + DELIMITER for step in steps[:-1]] + [steps[-1] + TURN_END]
    head, *rest = tokenizer.encode_all([prompt(question), *written])
    return EncodedText([*head, *(i for part in rest for i in part)], len(head))


def tag_steps(tokenizer: ChatTokenizer, question: str, steps: Sequence[str]) -> Tagged:
    """What the reward model reads."""
    ids, *parts = tokenizer.encode_all([prompt(question), *(step + STEP_TAG for step in steps)])
    tags = []
    for part in parts:
        ids = ids + part
        tags.append(len(ids) - 1)
    return Tagged(ids, tags)
