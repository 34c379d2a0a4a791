"""The pages made from cards: what is committed is what is made, and every plug-in has a card."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backend.core.cards import Card
from backend.core.registry import STRATEGIES, Params
from backend.judging.rules import SELECTORS
from backend.judging.scorers import VERIFIERS
from backend.service import catalog
from backend.service.reference import pages, parameter_table, table, write

ROOT = Path(__file__).resolve().parents[2]
JUDGING = ROOT / "backend" / "judging"
CARDS: dict[str, tuple[Card, type[Params]]] = {
    **{name: (entry.card, entry.params) for name, entry in STRATEGIES.items()},
    **{f"selector {name}": (rule.card, rule.params) for name, rule in SELECTORS.items()},
    **{f"verifier {name}": (entry.card, entry.params) for name, entry in VERIFIERS.items()},
}


@pytest.mark.parametrize("name", list(pages()))
def test_the_documentation_is_what_the_cards_make(name: str) -> None:
    found = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert found == pages()[name], "run python -m backend.service.reference"


def test_no_page_of_a_strategy_is_left_over() -> None:
    assert {path.stem for path in (ROOT / "docs" / "strategies").iterdir()} == set(STRATEGIES)


@pytest.mark.parametrize("name", list(CARDS))
def test_every_card_explains_itself_in_sentences(name: str) -> None:
    card, params = CARDS[name]
    assert card.title and card.idea and card.sources
    for sentence in (*card.sources, *card.departures, *card.avoided):
        assert len(sentence) >= 20 and not sentence.endswith("."), sentence
    assert card.parameters.keys() <= params.model_fields.keys()


@pytest.mark.parametrize(
    ("folder", "names"), [("selectors", list(SELECTORS)), ("verifiers", list(VERIFIERS))]
)
def test_every_card_of_a_judge_belongs_to_one(folder: str, names: list[str]) -> None:
    assert {path.stem for path in (JUDGING / folder / "cards").iterdir()} == {"README", *names}


def test_the_review_of_the_selectors_names_files_that_are_there() -> None:
    files = re.findall(r"`([\w/]+\.py)`", (ROOT / "docs" / "selectors.md").read_text("utf-8"))
    assert files and not [
        file for file in files if not list((ROOT / "backend").glob(f"**/{Path(file).name}"))
    ]


def test_a_selector_and_a_verifier_tell_their_cards_in_the_catalogue() -> None:
    rule, judge = catalog.selector(SELECTORS["rpc"]), catalog.verifier(VERIFIERS["prm"])
    assert rule.departures == list(SELECTORS["rpc"].card.departures) and "Weibull" in rule.formula
    assert judge.title == "Process reward model" and judge.idea and judge.sources


def test_a_parameter_has_its_remark_and_a_cell_cannot_break_the_table() -> None:
    card, params = CARDS["a_star"]
    lines = parameter_table(params, card).splitlines()
    assert "| `branching` | 4 |" in lines[2] and lines[2].endswith("; 4 is our choice |")
    assert table(("a",), [("x | y",)]) == "| a |\n|---|\n| x \\| y |" and table(("a",), []) == ""


def test_writing_names_what_has_changed(tmp_path: Path) -> None:
    assert set(write(tmp_path)) == set(pages()) and write(tmp_path) == []
