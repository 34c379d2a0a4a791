"""Formulas with a node's numbers: computed anew from raw events, they give what the search itself
recorded."""

from __future__ import annotations

import ast
import asyncio
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from backend.core.events import Drawn, Kept, Selected
from backend.core.formulas import FORMULAS
from backend.core.formulas.posteriors import POSTERIORS
from backend.core.records import MemorySink
from backend.core.registry import STRATEGIES
from backend.core.tree import tree_table
from backend.strategies.parts.tree.choices import CONSTANTS
from components.tree.inspector.formula.case import (
    NEARLY_ZERO,
    TOLERANCE,
    Explanation,
    FormulaCase,
    case,
    settings,
)
from components.tree.inspector.formula.draws import scores_of_arm, split_scores
from components.tree.inspector.formula.table import explain
from components.tree.inspector.formula.values import BACKUPS
from components.tree.inspector.formula.walks import (
    exploration_at,
    find_level,
    level_inputs,
)
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


def cases(name: str, *changes: tuple[str, Any], until: int | None = None) -> Iterator[FormulaCase]:
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
    ("ab_mcts", (), [Compared("Belief about", 6), Compared("Wider or deeper", 1)]),
    ("ab_mcts", (("prior", "gaussian"), ("answers", 24)), [Compared("Belief about", 8)]),
]


@pytest.mark.parametrize(
    ("name", "changes", "least"), OTHERS, ids=lambda one: one if isinstance(one, str) else None
)
def test_what_is_computed_here_is_what_the_search_recorded(
    name: str, changes: tuple[tuple[str, Any], ...], least: list[Compared]
) -> None:
    made: list[Explanation] = [formula for one in cases(name, *changes) for formula in explain(one)]
    assert [formula for formula in made if not formula.agrees] == []
    for title, count in least:
        both = [
            formula
            for formula in made
            if title in formula.title and formula.value is not None and formula.recorded is not None
        ]
        assert len(both) >= count, f"{title}: {len(both)}"
        assert all(formula.shown and formula.shown.numbers for formula in both)


@pytest.mark.parametrize("changes", [walk for walk in WALKS if walk[1][1] != "rstar"])
def test_a_walk_goes_to_the_child_of_the_greatest_shown_value(
    changes: tuple[tuple[str, Any], ...],
) -> None:
    choices = 0
    for one in cases("mcts", *changes):
        level = find_level(one, one.node.id)
        if level is None or level.taken != one.node.id:
            continue
        name = level.event.body.formula
        turn = sum(event.seq < level.event.seq for event in one.of(Selected[int]))
        constant = exploration_at(one, name, turn)
        assert constant is not None
        values = [
            FORMULAS[name].show(
                {**level_inputs(one, replace(level, place=place)), "c": constant.shown.value}
            )
            for place in range(len(level.children))
        ]
        assert values[level.place].value == max(each.value for each in values)
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
            assert explain(at) == explain(cut) and all(
                formula.seq <= until for formula in explain(at)
            )
            different += explain(at) != explain(last)
    assert different


def test_weights_of_a_population_add_up_to_one() -> None:
    for until in [
        event.seq for event in search("particle_filter").events if event.kind == "weighed"
    ]:
        found = {
            one.node.id: formula
            for one in cases("particle_filter", until=until)
            for formula in explain(one)
            if formula.title == "Normalised weight" and formula.seq == until
        }
        assert math.isclose(sum(formula.value or 0.0 for formula in found.values()), 1.0)


def test_a_node_taken_from_the_frontier_had_the_least_price_of_all_that_waited() -> None:
    taken = 0
    for one in cases("a_star", ("expansions", 20)):
        for formula in explain(one):
            if (
                any(rival.taken for rival in formula.rivals)
                and formula.title == "Price in the frontier"
            ):
                assert formula.value == pytest.approx(min(rival.value for rival in formula.rivals))
                taken += len(formula.rivals) > 1
    assert taken >= 5


def test_a_thompson_draw_goes_to_the_greatest() -> None:
    titles = [formula.title for one in cases("ab_mcts") for formula in explain(one)]
    assert {"Wider or deeper", "Thompson draw among the children"} <= set(titles)
    for one in cases("ab_mcts"):
        for formula in explain(one):
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
        for formula in explain(one):
            assert (
                formula.title != "Log weight" or formula.value is None or math.isinf(formula.value)
            )


def test_what_leads_to_a_formula_is_what_the_search_recorded_too() -> None:
    """g and h of A*, the posteriors of AB-MCTS, the sample size of a particle filter."""
    for name, changes, titles in (
        ("a_star", (), {"Cost so far", "Estimated cost to a goal"}),
        ("ab_mcts", (), {"Failures"}),
        (
            "ab_mcts",
            (("prior", "gaussian"),),
            {"Pseudo-count of the mean", "Degrees of freedom", "Scale of the variance"},
        ),
        ("particle_filter", (), {"Effective sample size"}),
    ):
        compared = [
            step
            for one in cases(name, *changes)
            for explanation in explain(one)
            for step in explanation.steps
            if step.recorded is not None
        ]
        assert {step.shown.title for step in compared} == titles
        assert all(step.agrees for step in compared) and len(compared) >= 6


@pytest.mark.parametrize("name", ["beam_search", "lookahead", "dvts", "stepwise_best_of_n"])
def test_a_selection_shows_each_node_with_the_value_that_the_search_ranked_it_by(name: str) -> None:
    kept = {
        (node, value)
        for one in cases(name)
        for event in one.of(Kept[int])
        for node, value in zip(event.body.nodes, event.body.values, strict=True)
    }
    shown = {
        (rival.node, rival.value)
        for one in cases(name)
        for explanation in explain(one)
        if explanation.title == "Kept or cut"
        for rival in explanation.rivals
        if rival.taken
    }
    assert shown and shown <= kept


def test_a_draw_for_a_new_child_learns_from_the_answers_right_below_and_the_other_from_the_rest() -> (
    None
):
    found = 0
    for one in cases("ab_mcts", ("answers", 24)):
        if one.of(Drawn[int]) and case_draws(one):
            fresh, deeper = split_scores(one, one.node.id, one.events[-1].seq + 1)
            every = scores_of_arm(one, one.node.id, one.events[-1].seq + 1)
            own = [] if one.node.kind == "prompt" else [one.score(one.node.id)]
            assert sorted([*fresh, *deeper, *own]) == sorted(every)
            found += bool(fresh and deeper)
    assert found


def case_draws(one: FormulaCase) -> bool:
    """Whether the search ever chose between wider and deeper at the node."""
    return any(event.body.node == one.node.id for event in one.of(Drawn[int]))


FILES = sorted((Path(__file__).parents[5] / "components/tree/inspector/formula").glob("*.py"))
SAFE = {"inf", "isclose", "isfinite", "isinf", "fsum"}
"""What the inspector may take of `math`: nothing that a formula is made of."""
PLAIN = {0.0, 1.0, TOLERANCE, NEARLY_ZERO}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_inspector_holds_no_constant_and_no_mathematics_of_a_strategy(file: Path) -> None:
    """It collects inputs and asks the formulas: no fractions, no powers, no logarithms of its
    own."""
    tree = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    constants = {
        node.value
        for node in tree
        if isinstance(node, ast.Constant) and isinstance(node.value, float)
    }
    assert constants <= PLAIN
    assert not [node for node in tree if isinstance(node, ast.Pow | ast.FloorDiv | ast.Div)]
    used = {
        node.attr
        for node in tree
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "math"
    }
    assert used <= SAFE
    imported = {node.module for node in tree if isinstance(node, ast.ImportFrom)}
    assert not {name for name in imported if name and name.startswith(("numpy", "math"))}


def test_every_formula_that_the_inspector_asks_for_is_exported() -> None:
    """By name or as a function: what is drawn beside a node is in the catalogue."""
    known = {formula.value for formula in FORMULAS.values()}
    asked = [
        (file.name, getattr(module, name))
        for file in FILES
        if file.stem != "__init__"
        for module in [import_module(f"components.tree.inspector.formula.{file.stem}")]
        for name in SHOWN_BY_FUNCTION.findall(file.read_text(encoding="utf-8"))
    ]
    assert len(asked) >= 15
    assert [(file, function) for file, function in asked if function not in known] == []
    named = {
        name for file in FILES for name in SHOWN_BY_NAME.findall(file.read_text(encoding="utf-8"))
    }
    assert named and named <= FORMULAS.keys()
    assert {*BACKUPS, *POSTERIORS.values()} <= FORMULAS.keys()


SHOWN_BY_FUNCTION = re.compile(r"(?<![\w.])show\((\w+)[,)]")
SHOWN_BY_NAME = re.compile(r"\b(?:show_named|latex_of)\(\s*\"(\w+)\"")


@pytest.mark.parametrize("formula", [*CONSTANTS, "boltzmann"])
def test_every_formula_of_a_walk_finds_its_inputs_in_the_log(formula: str) -> None:
    """A new one whose inputs have these names is shown without a change here."""
    name = "tree_sampling" if formula == "boltzmann" else "mcts"
    changes: tuple[tuple[str, Any], ...] = (("iterations", 30),)
    if name == "mcts":
        changes = (("simulations", 30), ("formula", formula))
    levels = [
        (one, level) for one in cases(name, *changes) if (level := find_level(one, one.node.id))
    ]
    one, level = levels[0]
    known = {key for key, value in level_inputs(one, level).items() if value is not None} | {"c"}
    assert FORMULAS[formula].inputs.keys() <= known
    assert level.event.body.formula == formula
