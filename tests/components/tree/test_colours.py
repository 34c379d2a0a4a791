"""The colour of a tree at first: one that the run has numbers for."""

from __future__ import annotations

import json

import pytest

from backend.exchange.base import ImportHints
from backend.exchange.formats import parse_file
from backend.messages.runs import Node
from components.tree.colours import first_colour
from tests.exchange.files import FORMATS, THOUGHT, content


@pytest.mark.parametrize(
    ("name", "colour"),
    [
        ("llamppl-smc.json", "weight"),
        ("genlm-smc.json", "weight"),
        ("its_hub-particle-filtering.json", "weight"),
        ("its_hub-best-of-n.json", "score"),
        ("its_hub-self-consistency.json", "order"),
        ("treequest-mcts.json", "score"),
        ("inspect.json", "score"),
    ],
)
def test_an_imported_run_is_shown_in_a_colour_that_it_has(name: str, colour: str) -> None:
    run = parse_file(FORMATS[name], content(name), ImportHints())[0]
    assert first_colour([], [event.record() for event in run.events]) == colour


def test_a_run_of_missing_scores_has_no_colour_of_scores() -> None:
    whole = {"responses": [{"content": "a"}], "scores": [None], "selected_index": 0}
    [run] = parse_file("its_hub", json.dumps(whole).encode(), ImportHints())
    assert first_colour([], [event.record() for event in run.events]) == "order"


def test_plain_text_is_coloured_by_its_order_or_by_what_the_model_said() -> None:
    [run] = parse_file("thinking", THOUGHT.encode(), ImportHints())
    events = [event.record() for event in run.events]
    node = Node.model_construct(mean_logprob=-0.5)
    assert (first_colour([], events), first_colour([node], events)) == ("order", "logprob")
