"""What the card of a strategy says of it and what the review of its code found are the same.

The rule: the worked check of every card has a table `| Sentence of the specification | Code |
Verdict |`. A verdict is `same`, `missing: why` or `departs: KEY PHRASE`. The key phrase stands word
for word in one of the strategy's departures, and every departure is named by a row.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from backend.core.ports import Capabilities
from backend.core.registry import STRATEGIES
from backend.judging.rules import SELECTORS

ROOT = Path(__file__).parents[2]
CARDS = ROOT / "backend" / "strategies" / "cards"
HEADER = "| Sentence of the specification | Code | Verdict |"
FEWEST_ROWS = 10

on_all = pytest.mark.parametrize("name", list(STRATEGIES))


class Row(NamedTuple):
    sentence: str
    code: str
    verdict: str


def review(check: str) -> list[Row]:
    """The rows of the review table of a worked check, which ends it."""
    _, found, below = f"{check}\n".partition(HEADER + "\n")
    assert found, f"no table {HEADER}"
    lines = below.splitlines()
    assert re.fullmatch(r"\|(-+\|){3}", lines[0]), "the line below the header"
    rows = []
    for line in lines[1:]:
        if not line.startswith("|"):
            break
        rows.append(Row(*(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])))
    return rows


def disagreements(rows: list[Row], departures: tuple[str, ...]) -> list[str]:
    """Where a review and the departures of the catalogue part."""
    phrases = [
        row.verdict.partition(":")[2].strip() for row in rows if row.verdict.startswith("departs")
    ]
    unknown = [
        f"the catalogue does not say: {phrase!r}"
        for phrase in phrases
        if not phrase or not any(phrase in said for said in departures)
    ]
    unseen = [
        f"no row departs for: {said!r}"
        for said in departures
        if not any(phrase and phrase in said for phrase in phrases)
    ]
    return unknown + unseen


@on_all
def test_the_review_and_the_catalogue_name_the_same_departures(name: str) -> None:
    card = STRATEGIES[name].card
    assert disagreements(review(card.check), card.departures) == []


@on_all
def test_the_review_has_enough_rows_with_code_that_is_there_and_a_verdict(name: str) -> None:
    rows = review(STRATEGIES[name].card.check)
    assert len(rows) >= FEWEST_ROWS and len({row.sentence for row in rows}) == len(rows)
    for row in rows:
        assert row.verdict == "same" or re.match(r"(departs|missing): \S", row.verdict), row
        files = re.findall(r"`([\w/.]+\.py)`", row.code)
        assert all(
            any(path.match(f"*/{file}") for path in ROOT.glob(f"backend/**/{Path(file).name}"))
            for file in files
        ), row
        assert files or not row.verdict.startswith(("same", "departs")), row


@on_all
def test_the_entry_is_complete(name: str) -> None:
    card = STRATEGIES[name].card
    assert card.idea and card.paper and card.year and card.sources and card.selector in SELECTORS
    assert all(hasattr(Capabilities(), need) for need in card.needs)
    for sentence in (*card.sources, *card.departures, *card.avoided):
        assert (
            len(sentence) >= 20 and sentence == sentence.strip() and not sentence.endswith(".")
        ), sentence


def test_every_card_belongs_to_a_strategy() -> None:
    assert {path.stem for path in CARDS.iterdir()} == set(STRATEGIES)


@pytest.mark.parametrize(
    ("verdicts", "departures", "told"),
    [
        (["same", "departs: keeps all"], ("it keeps all of them",), []),
        (
            ["departs: keeps all"],
            ("it keeps none",),
            ["does not say: 'keeps all'", "no row departs for: 'it keeps none'"],
        ),
        (["departs"], ("it keeps none",), ["does not say: ''", "no row departs for"]),
        (["departs:"], (), ["does not say: ''"]),
        (["same"], ("it keeps none",), ["no row departs for: 'it keeps none'"]),
    ],
)
def test_a_disagreement_is_named(
    verdicts: list[str], departures: tuple[str, ...], told: list[str]
) -> None:
    found = disagreements([Row("sentence", "code", verdict) for verdict in verdicts], departures)
    assert len(found) == len(told) and all(
        part in line for part, line in zip(told, found, strict=True)
    )


def test_a_card_without_a_review_is_told() -> None:
    with pytest.raises(AssertionError, match="no table"):
        review("# A strategy\n")
