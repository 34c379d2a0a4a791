"""Formulas with a node's numbers: computed anew from raw events, they give what the search itself
recorded."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import pytest

from backend.core.records import MemorySink
from backend.core.registry import STRATEGIES
from backend.core.tree import tree_table
from components.tree.inspector.formula.case import Case, Formula, case, settings
from components.tree.inspector.formula.table import formulas
from components.tree.inspector.formula.walks import RULES, considered, numbers
from tests.components.traced import Seen, nodes_of, seen
from tests.golden import SEARCHES, searched, spec
from tests.pages.traces import Trace


@cache
def search(name: str, *changes: tuple[str, Any]) -> Seen:
    """What a page has of a search on the scripted engine: the golden one, with some parameters
    changed."""
    sink = MemorySink()
    asyncio.run(searched(spec(name, params={**SEARCHES[name], **dict(changes)}), sink))
    return seen(Trace(sink.nodes, sink.events))


def cases(name: str, *changes: tuple[str, Any], until: int | None = None) -> Iterator[Case]:
    """Every node of a search, at a moment or at the end."""
    rows, events = search(name, *changes)
    entry = STRATEGIES[name]
    params = settings({**SEARCHES[name], **dict(changes)}, entry.params.model_json_schema())
    shown = [row for row in rows if until is None or row.seq <= until]
    for row in shown:
        found = case(row.id, shown, events, until, params, entry.formulas)
        assert found is not None
        yield found


class Compared(NamedTuple):
    """How many formulas of a title were computed here and recorded by the search."""

    title: str
    least: int


WALKS = [
    (("simulations", 40), ("formula", formula))
    for formula in ("uct", "treequest", "rest", "rstar", "reasoners", "puct", "deepsearch")
]
WALKS += [
    (("simulations", 30), ("schedule", schedule), ("exploration", 0.9))
    for schedule in ("exp", "lin")
]
OTHERS: list[tuple[str, tuple[tuple[str, Any], ...], list[Compared]]] = [
    *(
        (
            "mcts",
            changes,
            [Compared("chooses a child", 5), Compared("Value by what was backed up", 5)],
        )
        for changes in WALKS
    ),
    (
        "mcts",
        (("simulations", 30), ("backup", "children"), ("value", "rollout")),
        [Compared("Value by what was backed up", 6)],
    ),
    (
        "global_frontier",
        (),
        [
            Compared("Local UCT", 6),
            Compared("Global frontier", 2),
            Compared("Value by what was backed up", 4),
        ],
    ),
    (
        "tree_sampling",
        (("iterations", 40),),
        [Compared("Boltzmann choice", 5), Compared("Value by what was backed up", 8)],
    ),
    ("tree_sampling", (("iterations", 40), ("mode", "dts_star")), [Compared("UCT", 5)]),
    ("particle_filter", (), [Compared("Log weight", 12)]),
    (
        "particle_filter",
        (("mode", "exact"), ("temperature", 2.0), ("particles", 6)),
        [Compared("Log weight", 18)],
    ),
    (
        "particle_filter",
        (("reweigh_finished", True), ("potential", "prob"), ("particles", 6)),
        [Compared("Log weight", 18)],
    ),
    ("particle_gibbs", (), [Compared("Log weight", 14)]),
    ("parallel_tempering", (), [Compared("Log weight", 30), Compared("Swap of two chains", 2)]),
    ("a_star", (), [Compared("Price in the frontier", 10)]),
    *(
        (
            "a_star",
            (("cost_mode", mode), ("expansions", 20)),
            [Compared("Price in the frontier", 10)],
        )
        for mode in ("rise", "one_minus_r", "nlr")
    ),
    ("rebase", (), [Compared("Children granted", 8)]),
    ("rebase", (("width", 16), ("temperature", 0.05)), [Compared("Children granted", 8)]),
    (
        "beam_search",
        (("n", 12), ("beam_width", 4)),
        [Compared("Children granted", 6), Compared("Kept or cut", 6)],
    ),
    ("lookahead", (), [Compared("Value by rollout", 8), Compared("Kept or cut", 4)]),
    ("dvts", (), [Compared("Kept or cut", 6)]),
    ("stepwise_best_of_n", (), [Compared("Kept or cut", 3)]),
    ("retro_search", (), [Compared("Worth of a trace", 3)]),
]


@pytest.mark.parametrize(
    ("name", "changes", "least"), OTHERS, ids=lambda one: one if isinstance(one, str) else None
)
def test_what_is_computed_here_is_what_the_search_recorded(
    name: str, changes: tuple[tuple[str, Any], ...], least: list[Compared]
) -> None:
    made: list[Formula] = [formula for one in cases(name, *changes) for formula in formulas(one)]
    assert [formula for formula in made if not formula.agrees] == []
    for title, count in least:
        both = [
            formula
            for formula in made
            if title in formula.title and formula.value is not None and formula.recorded is not None
        ]
        assert len(both) >= count, f"{title}: {len(both)}"
        assert all(formula.numbers and formula.symbols for formula in both)


@pytest.mark.parametrize("changes", [walk for walk in WALKS if walk[1][1] != "rstar"])
def test_a_walk_goes_to_the_child_of_the_greatest_shown_value(
    changes: tuple[tuple[str, Any], ...],
) -> None:
    choices = 0
    for one in cases("mcts", *changes):
        level = considered(one, one.node.id)
        if level is None or level.taken != one.node.id:
            continue
        name = str((level.event.data or {})["formula"])
        turn = sum(event.seq < level.event.seq for event in one.of("selected"))
        made = [numbers(one, level, name, place, turn) for place in range(len(level.children))]
        values = [RULES[name].value(child, child.c or 0.0) for child in made]
        assert values[level.children.index(one.node.id)] == max(values)
        choices += len(values) > 1
    assert choices >= 2


def test_a_moment_knows_nothing_of_what_comes_later() -> None:
    """At each event the formulas of a node are those of a log that ends there."""
    rows, events = search("mcts", ("simulations", 12))
    entry = STRATEGIES["mcts"]
    params = settings(SEARCHES["mcts"], entry.params.model_json_schema())
    different = 0
    for until in range(10, len(events), 25):
        then = tree_table(nodes_of(rows), events, until)
        for row in then:
            at = case(row.id, then, events, until, params, entry.formulas)
            cut = case(row.id, then, events[: until + 1], None, params, entry.formulas)
            last = case(row.id, rows, events, None, params, entry.formulas)
            assert at is not None and cut is not None and last is not None
            assert formulas(at) == formulas(cut) and all(
                formula.seq <= until for formula in formulas(at)
            )
            different += formulas(at) != formulas(last)
    assert different


def test_weights_of_a_population_add_up_to_one() -> None:
    for until in [
        event.seq for event in search("particle_filter").events if event.kind == "weighed"
    ]:
        found = {
            one.node.id: formula
            for one in cases("particle_filter", until=until)
            for formula in formulas(one)
            if formula.title == "Normalised weight" and formula.seq == until
        }
        assert math.isclose(sum(formula.value or 0.0 for formula in found.values()), 1.0)


def test_a_node_taken_from_the_frontier_had_the_least_price_of_all_that_waited() -> None:
    taken = 0
    for one in cases("a_star", ("expansions", 20)):
        for formula in formulas(one):
            if (
                any(rival.taken for rival in formula.rivals)
                and formula.title == "Price in the frontier"
            ):
                assert formula.value == pytest.approx(min(rival.value for rival in formula.rivals))
                taken += len(formula.rivals) > 1
    assert taken >= 5


def test_a_thompson_draw_goes_to_the_greatest() -> None:
    titles = [formula.title for one in cases("ab_mcts") for formula in formulas(one)]
    assert {"Wider or deeper", "Thompson draw among the children"} <= set(titles)
    for one in cases("ab_mcts"):
        for formula in formulas(one):
            if formula.rivals:
                most = max(rival.value for rival in formula.rivals)
                assert [rival.taken for rival in formula.rivals] == [
                    rival.value == most for rival in formula.rivals
                ]


def test_without_a_catalogue_entry_only_what_the_log_says_is_shown() -> None:
    """An imported run: its strategy is not known here, so nothing is computed by rules that it
    never declared."""
    rows, events = search("particle_filter")
    for row in rows:
        one = case(row.id, rows, events, None, {}, {})
        assert one is not None
        for formula in formulas(one):
            assert (
                formula.title != "Log weight" or formula.value is None or math.isinf(formula.value)
            )
