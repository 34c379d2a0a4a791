"""How answers are judged: a table of kinds with pairs tried and judged wrongly.

    python -m benchmarks.answers tests/problems/answers/pairs.jsonl
    python -m benchmarks.answers FILE --before     # also by math-verify on the raw texts, as once

FILE holds JSON lines with `given`, `right`, `equal` and `kind`, and perhaps `question` and
`tolerance`. A pair that is equal and left undecided counts as wrong; one that differs does not.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from backend.problems.answers.grader import GRADER_VERSION, grade_answer
from backend.problems.equivalence import Equivalence
from backend.problems.exact import bare, canonical, exact


class AnswerPair(NamedTuple):
    """Two answers, and whether they mean the same."""

    kind: str
    given: str
    right: str
    equal: bool
    question: str = ""
    tolerance: float | None = None


class Count(NamedTuple):
    """What came out for the pairs of a kind."""

    tried: int = 0
    counted_equal: int = 0
    counted_different: int = 0
    undecided: int = 0


Judge = Callable[[AnswerPair], bool | None]


def read_pairs(path: Path) -> list[AnswerPair]:
    """The pairs of a file."""
    rows = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()]
    return [
        AnswerPair(**{key: row[key] for key in AnswerPair._fields if key in row}) for row in rows
    ]


def count(pairs: Iterable[AnswerPair], judge: Judge) -> dict[str, Count]:
    """By kind: pairs tried, different ones counted equal, equal ones not counted equal, and
    undecided ones."""
    found: dict[str, Count] = {}
    for pair in pairs:
        verdict, old = judge(pair), found.get(pair.kind, Count())
        found[pair.kind] = Count(
            old.tried + 1,
            old.counted_equal + (verdict is True and not pair.equal),
            old.counted_different + (verdict is not True and pair.equal),
            old.undecided + (verdict is None),
        )
    return found


def judge_by_math_verify(pair: AnswerPair) -> bool | None:
    """As answers were judged by version 1: the same text, two plain numbers, else math-verify on
    what it reads of the texts."""
    from math_verify import parse, verify

    if canonical(pair.given) == canonical(pair.right):
        return True
    numbers = exact(pair.given), exact(pair.right)
    if None not in numbers:
        return numbers[0] == numbers[1]
    gold, answer = (parse(f"${bare(text)}$") for text in (pair.right, pair.given))
    return bool(verify(gold, answer)) if gold and answer else None


def table(counts: dict[str, dict[str, Count]]) -> str:
    """A Markdown table: a line a kind, and for each judge the pairs counted equal and different
    wrongly."""
    judges = list(counts)
    kinds = sorted(counts[judges[0]])
    head = ["kind", "pairs"]
    for judge in judges:
        head += [f"{judge}: wrongly equal", "wrongly different", "undecided"]
    lines = [head, ["---"] * len(head)]
    for kind in [*kinds, "all"]:
        rows = [_of(counts[judge], kind) for judge in judges]
        lines.append([kind, str(rows[0].tried)] + [str(n) for row in rows for n in row[1:]])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _of(found: dict[str, Count], kind: str) -> Count:
    if kind != "all":
        return found[kind]
    columns = zip(*found.values(), strict=True)
    return Count(*(sum(column) for column in columns))


def main(arguments: list[str]) -> int:
    """Print the table; 1 if a different answer was counted equal, or more than 2 % of the equal
    ones were not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.answers", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--before", action="store_true", help="also by math-verify alone")
    told = parser.parse_args(arguments)
    pairs, pool = read_pairs(told.file), Equivalence()
    pool.algebra("x+1", "1+x")
    began = time.monotonic()

    def judge(pair: AnswerPair) -> bool | None:
        verdict = grade_answer(
            pair.given,
            pair.right,
            question=pair.question,
            tolerance=pair.tolerance,
            algebra=pool.algebra,
        )
        return verdict.equal

    counts = {f"version {GRADER_VERSION}": count(pairs, judge)}
    seconds = time.monotonic() - began
    pool.close()
    if told.before:
        counts = {"version 1": count(pairs, judge_by_math_verify), **counts}
    print(table(counts))
    print(f"\n{len(pairs)} pairs in {seconds:.1f} s by version {GRADER_VERSION}")
    total = _of(counts[f"version {GRADER_VERSION}"], "all")
    most = 0.02 * sum(pair.equal for pair in pairs)
    return int(total.counted_equal > 0 or total.counted_different > most)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
