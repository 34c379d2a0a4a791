"""Cards: what is read of a file, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from backend.core.cards import CodeLine, JudgeCard, StrategyCard, card_beside, read_card
from backend.core.errors import BadInput
from backend.core.registry import STRATEGIES

CARD = """+++
title = "Coin toss"
paper = "none"
year = 2025
needs = ["logprobs"]

[phases]
toss = "toss a coin"
+++

## Idea

Heads or tails.

Or the edge.

## Pseudo-code

```
            | s := problem
toss @node  |     s := s + a
```

## Sources

- a coin, which has two sides and
  an edge
- chance

## Parameters

- `side`: the one that is up

## Worked check

### Review

None.
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "coin.md"
    path.write_text(text, encoding="utf-8")
    return path


def test_head_and_sections_become_fields(tmp_path: Path) -> None:
    card = read_card(written(tmp_path, CARD), StrategyCard)
    assert (card.title, card.year, card.selector, card.needs) == (
        "Coin toss",
        2025,
        "best",
        ("logprobs",),
    )
    assert card.idea == "Heads or tails.\n\nOr the edge."
    assert card.pseudocode == (
        CodeLine((), "s := problem"),
        CodeLine(("toss",), "    s := s + a", ("node",)),
    )
    assert card.sources == ("a coin, which has two sides and an edge", "chance")
    assert card.parameters == {"side": "the one that is up"} and card.phases == {
        "toss": "toss a coin"
    }
    assert card.check == "### Review\n\nNone." and card.departures == () == card.avoided


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('title = "Coin toss"\n', "", "field title: got 'nothing', accepted: Field required"),
        ("year = 2025", 'year = "soon"', "field year: got 'soon', accepted: .*integer"),
        ("year = 2025", "colour = 1", "field colour: got 1, accepted: title, paper, idea"),
        ("## Idea", "## Ideas", "field (idea|Ideas): "),
        ("- chance", "- chance\n\n## Departures\n\nnone", "field departures: .*'- '"),
        ("- `side`:", "- side:", "field parameters: .*'`name`: '"),
        ("year = 2025", "year = ", "head of card .*: got '.*', accepted: TOML"),
        ("+++\n", "", "got 'no head', accepted: TOML between two lines"),
    ],
)
def test_a_wrong_card_is_refused_with_its_file_and_field(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    path = written(tmp_path, CARD.replace(old, new))
    with pytest.raises(BadInput, match=told) as refused:
        read_card(path, StrategyCard)
    assert str(path) in str(refused.value)


def test_a_card_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nobody\.md.*no such file"):
        read_card(card_beside(str(tmp_path / "x.py"), "nobody"), StrategyCard)


def test_a_judge_has_to_say_what_it_computes(tmp_path: Path) -> None:
    text = '+++\ntitle = "Coin"\n+++\n\n## Idea\n\nToss.\n'
    with pytest.raises(BadInput, match="field formula: got 'nothing'"):
        read_card(written(tmp_path, text), JudgeCard)
    card = read_card(written(tmp_path, f"{text}\n## Formula\n\nHeads.\n"), JudgeCard)
    assert card.formula == "Heads."


def test_a_card_is_read_when_it_is_asked_for_and_once() -> None:
    entry = STRATEGIES["chain"]
    fresh = type(entry)(entry.name, entry.run, entry.formulas, entry.source)
    assert "card" not in vars(fresh) and "params" not in vars(fresh)
    assert fresh.card is fresh.card and isinstance(fresh.card, BaseModel)
