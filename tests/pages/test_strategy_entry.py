"""The catalogue entry stands beside the form of its strategy, complete, and as text."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from backend.core.registry import STRATEGIES
from backend.service.catalog import strategy
from components.form.judge_entry_panel import find_judges, judge_sections
from components.form.strategy_entry_panel import CAPABILITIES, needs, sections
from tests.pages.conftest import Open
from tests.pages.fake_service import CATALOG

HEADINGS = [
    "Paper", "Taken from", "Departs from the paper", "Published defects left out", "Needs", "Published final rule", "Published defaults", "A round",
]  # fmt: skip


def entry_of(page: AppTest) -> Any:
    """The expander that holds the entry."""
    [found] = [
        expander
        for expander in page.sidebar.get("expander")
        if expander.label == "About this strategy"
    ]
    return found


def test_the_entry_stands_beside_the_form_with_all_its_parts(open_page: Open) -> None:
    entry = entry_of(open_page("solve"))
    texts = "\n".join(element.value for element in entry.text)
    for told in (
        (
            "Particle filter keeps the most promising partial solutions.\n\nIt goes on until "
            "all are finished."
        ),
        "Snell et al. 2024, arXiv:2408.03314, 2024",
        "Copies do not vote twice.",
        "a verifier\n\u2022 an engine that reports log-probabilities of sampled tokens",
        "\u2022 best",
    ):
        assert told in texts
    assert entry.code[0].value == "select       keep the best n"
    [table] = [element.proto.body for element in entry.get("html")]
    assert (
        "<td>n</td><td>4</td><td>beams kept a round [SAL]</td>" in table
        and "<td>duplicates</td><td>true</td>" in table
    )


def test_nothing_of_the_catalogue_is_taken_for_markdown(open_page: Open) -> None:
    entry = entry_of(open_page("solve"))
    assert [element.value for element in entry.markdown] == [
        f"**{heading}**" for heading in HEADINGS
    ]
    texts = [element.value for element in entry.text]
    assert "\u2022 The round: **Snell** et al., section 5.2." in texts
    assert "\u2022 Finished solutions are kept :material/home: $n$ times." in texts
    assert not entry.get("caption")


def test_the_entry_follows_the_strategy(open_page: Open) -> None:
    page = open_page("solve")
    page.selectbox(key="form.strategy").select("beam_search").run()
    assert entry_of(page).text[0].value.startswith("Beam search keeps")


def test_what_is_not_there_is_said() -> None:
    nothing = {
        "sources": [],
        "departures": [],
        "avoided": [],
        "needs": [],
        "needs_verifier": False,
        "paper": "",
    }
    bare = CATALOG.strategies[0].model_copy(update=nothing)
    told = dict(sections(bare))
    assert all(told.values()) and told["Departs from the paper"] == ["in nothing that is known"]
    assert needs(bare) == ["no verifier", "any engine"]
    assert needs(bare.model_copy(update={"needs": ["telepathy"], "roles": ["judge"]}))[1:] == [
        "telepathy",
        "a model for the role judge",
    ]


def test_verifier_and_final_rule_tell_their_cards_beside_the_form(open_page: Open) -> None:
    page = open_page("solve")
    [entry] = [
        expander
        for expander in page.sidebar.get("expander")
        if expander.label == "About the verifier and the final rule"
    ]
    texts = "\n".join(element.value for element in entry.text)
    assert [element.value for element in entry.markdown][:2] == ["**Verifier**", "**Computes**"]
    assert "\u2022 Process reward model" in texts and "\u2022 Best score, arXiv 2110.14168" in texts
    assert "The candidate with the greatest value among those with a readable answer." in texts


def test_the_rule_of_the_strategy_stands_in_where_a_run_names_none() -> None:
    strategies, fields = CATALOG.strategies[0], {"verifier": "exact", "selector": None}
    chosen = find_judges(CATALOG, strategies, fields)
    assert [(role, one.name) for role, one in chosen] == [
        ("Verifier", "exact"),
        ("Final rule", strategies.selector),
    ]
    named = find_judges(CATALOG, strategies, {"verifier": "nobody", "selector": "softmax"})
    assert [one.name for _, one in named] == ["softmax"]
    assert all(lines for _, lines in judge_sections(*chosen[0]))


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_every_entry_reaches_the_page_whole(name: str) -> None:
    known = STRATEGIES[name].card
    told = dict(sections(strategy(STRATEGIES[name])))
    assert told["Taken from"] == list(known.sources) and told["Departs from the paper"] in (
        list(known.departures),
        ["in nothing that is known"],
    )
    assert told["Published defects left out"] in (list(known.avoided), ["none is known"])
    assert set(known.needs) <= set(CAPABILITIES)
