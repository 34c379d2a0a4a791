"""The script that the scripted engine knows by heart: add up the numbers of the question, now and
then wrongly.

Right steps, near slips and misread numbers come with fixed probabilities, so the tree has right
paths, wrong paths and paths that look right; the scores that belong to it see a wrong sum most of
the time, but not always.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b

SUM = re.compile(r"(\d+) \+ (\d+) = (\d+)")


def chance(*parts: str) -> float:
    """A number in [0, 1) that depends on the parts alone."""
    return (
        int.from_bytes(
            blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=6).digest()
        )
        / 2**48
    )


def numbers_of(question: str) -> list[int]:
    """Three to six numbers below 100: those of the question, filled up from its letters."""
    found = [int(text) for text in re.findall(r"(?<!\d)\d{1,2}(?!\d)", question)][:6]
    while len(found) < 3:
        found.append(2 + int(chance(question, str(len(found))) * 18))
    return found


def toy_script(question: str, written: str) -> Sequence[tuple[str, float]]:
    """What may follow `written`: one addition a step, then the answer."""
    numbers = numbers_of(question)
    sums = SUM.findall(written)
    so_far = int(sums[-1][2]) if sums else numbers[0]
    if len(sums) >= len(numbers) - 1:
        return (
            (f"The answer is \\boxed{{{so_far}}}.<end>", 0.9),
            (f"So \\boxed{{{so_far + 1}}} is the answer.<end>", 0.1),
        )
    term = numbers[len(sums) + 1]
    right = so_far + term
    opening = "Start" if not sums else "Then"
    return (
        (f"{opening} with {so_far} + {term} = {right}.\n\n", 0.4),
        (f"We add {term}: {so_far} + {term} = {right}.\n\n", 0.25),
        (f"{opening} with {so_far} + {term} = {right + 1}.\n\n", 0.15),
        (
            f"We add {term}: {so_far} + {term} = {right - 10 if right > 10 else right + 10}.\n\n",
            0.12,
        ),
        (f"Misreading, {so_far} + {term + 1} = {right + 1}.\n\n", 0.08),
    )


def toy_scores(question: str, steps: tuple[str, ...]) -> list[float]:
    """A score a step: high for true sums of the question's numbers, lower from the first mistake
    on, with fixed noise."""
    numbers, value, scores = numbers_of(question), 0.9, []
    for i, step in enumerate(steps):
        noise = chance(question, *steps[: i + 1])
        if found := SUM.search(step):
            left, term, total = map(int, found.groups())
            expected = numbers[i + 1] if i + 1 < len(numbers) else term
            if (left + term != total or term != expected) and noise > 0.15:
                value = min(value, 0.25)
        scores.append(round(min(0.98, max(0.02, value + (noise - 0.5) * 0.2)), 4))
    return scores
