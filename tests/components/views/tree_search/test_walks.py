"""Numbers of a simulation of a tree search, phase by phase: by hand on a small trace, and computed
anew from the raw events of real searches."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from backend.core.registry import STRATEGIES
from backend.core.steps import Backed, Pruned, Rolled, Selected, Step
from backend.core.types import Finish, Node, Score
from backend.strategies.parts.tree.choices import WalkParams
from components.views.tree_search.walks import (
    PHASES,
    BackedChange,
    Fresh,
    Simulation,
    TriedLeaf,
    WalkLevel,
    WalkOption,
    describe_phase,
    rounds,
    simulation,
)
from components.views.tree_search.walks_figure import LEVELS, WalkMark, walk_figure, walk_picture
from tests.components.traced import Seen, searched, seen
from tests.pages.traces import Writer


def drawn(run: Writer, parent: Node, *values: float) -> list[Node]:
    nodes = [
        Node(f"{value}\n\n", (1,), (-0.1,), parent, parent.depth + 1, finish=Finish.STEP)
        for value in values
    ]
    for node, value in zip(nodes, values, strict=True):
        run.recorder.node(node)
        run.recorder.score("prm", node, Score(value))
    return nodes


def walked() -> Seen:
    """Two simulations: the first expands the root; the second chooses node 2 against its Q, expands
    it by 3 and a copy, tries 3 out, backs 0.5 up."""
    run = Writer(0)
    one, two = drawn(run, run.root, 0.6, 0.5)
    run.recorder.step(
        Step(
            [],
            [],
            (Selected((run.root,), "uct", ()), Backed((run.root,), 0.6, (0.6,))),
            phase="expand",
        ),
        0,
    )
    four, copy = drawn(run, two, 0.75, 0.75)
    choice = Selected(
        (run.root, two),
        "uct",
        (1.25,),
        ((one, two),),
        ((0, 0),),
        ((0.6, 0.5),),
        ((0.75, 1.25),),
        ((0.25, 0.75),),
    )
    notes = (
        choice,
        Pruned((copy,), "same text as a sibling"),
        Rolled(four, copy, 0.5),
        Backed((run.root, two), 0.5, (0.55, 0.5)),
    )
    run.recorder.step(Step([], [], notes, phase="expand"), 0)
    return seen(run.end())


def second() -> Simulation:
    of = walked()
    return simulation(of.rows, of.events, rounds(of.events), 2)


def test_a_simulation_holds_its_choices_what_it_drew_and_what_it_changed() -> None:
    of = walked()
    backed = [event.seq for event in of.events if event.kind == "backed"]
    options = (WalkOption(1, 0, 0.6, 0.75, False, 0.25), WalkOption(2, 0, 0.5, 1.25, True, 0.75))
    assert second() == Simulation(
        2,
        backed[1],
        (WalkLevel(0, 1, "uct", options),),
        (Fresh(3, 2, 0.75, False), Fresh(4, 2, 0.75, True)),
        (TriedLeaf(3, 4, 0.5),),
        0.5,
        (BackedChange(0, 2, 0.6, 0.55), BackedChange(2, 1, None, 0.5)),
    )
    assert [option.bonus for option in options] == pytest.approx([0.15, 0.75])


def test_at_a_moment_a_simulation_counts_once_its_value_is_back() -> None:
    of = walked()
    last = rounds(of.events)[-1].backed.seq
    assert [len(rounds(of.events, until)) for until in (0, last - 1, last)] == [0, 1, 2]


def test_each_phase_says_what_it_did() -> None:
    said = {phase: describe_phase(second(), phase) for phase in PHASES}
    assert said == {
        "select": (
            "1 choice on the way down, each by the value of uct; the star marks the greatest."
        ),
        "expand": "2 nodes drawn below the leaf; 1 dropped, most for saying what a sibling says.",
        "evaluate": (
            "Node 2 is worth 0.500; the rollout from node 3 ended in node 4 with score 0.500."
        ),
        "back up": (
            "0.500 goes back along 2 nodes; each gains a visit. Q of the root was 0.600 and is "
            "now 0.550."
        ),
    }


def test_the_picture_grows_phase_by_phase() -> None:
    marks = {
        phase: [(mark.node, mark.kind) for mark in walk_picture(second(), phase).marks]
        for phase in PHASES
    }
    chosen = [(0, "path"), (1, "passed over"), (2, "path")]
    assert marks["select"] == chosen and marks["expand"] == [*chosen, (3, "drawn"), (4, "dropped")]
    assert marks["evaluate"] == marks["back up"] == [*marks["expand"], (4, "rollout")]
    picture = walk_picture(second(), "select")
    assert (
        picture.marks[2] == WalkMark(2, 0.16, 1, "path", "N 0, Q 0.50<br>\u2605 <b>1.25</b>")
        and picture.hidden == 0
    )
    assert picture.lines == ((0.0, 0, -0.16, 1, False), (0.0, 0, 0.16, 1, True))
    labels = [mark.label for mark in walk_picture(second(), "back up").marks]
    assert labels[:3:2] == ["N 1\u21922<br>Q 0.60\u21920.55", "N 0\u21921<br>Q \u2013\u21920.50"]
    clicks = [
        node
        for trace in walk_figure(picture).data
        if trace.customdata is not None
        for node in trace.customdata
    ]
    assert sorted(clicks) == [0, 1, 2]


def test_a_deep_path_shows_its_lowest_levels() -> None:
    nodes = tuple(range(LEVELS + 3))
    choices = tuple(
        WalkLevel(node, 1, "uct", (WalkOption(after, 0, 0.5, 0.5, True),))
        for node, after in pairwise(nodes)
    )
    deep = Simulation(
        1, 9, choices, (), (), 0.5, tuple(BackedChange(node, 1, None, 0.5) for node in nodes)
    )
    picture = walk_picture(deep, "select")
    assert picture.hidden == 3 and [mark.node for mark in picture.marks] == list(nodes[3:])


@pytest.mark.parametrize("formula", ["uct", "puct", "treequest", "rstar"])
async def test_the_value_of_every_choice_follows_from_the_numbers_beside_it(formula: str) -> None:
    """N, Q, the prior and the visits of the parent are enough to compute what the formula made of
    them."""
    params = {"simulations": 16, "formula": formula}
    of = await searched("mcts", params=params, seed=4)
    c = WalkParams.model_validate(params).rule.c
    found = rounds(of.events)
    compared = 0
    for number in range(1, len(found) + 1):
        for choice in simulation(of.rows, of.events, found, number).choices:
            assert choice.greatest and sum(
                option.prior or 0.0 for option in choice.options
            ) == pytest.approx(1.0)
            for option in choice.options:
                spread = math.log(choice.visits) / max(1, option.visits)
                prior = option.prior or 0.0
                expected = {
                    "uct": c * math.sqrt(spread),
                    "treequest": c * prior * math.sqrt(spread),
                    "rstar": c * math.sqrt(spread) if option.visits else math.inf,
                    "puct": prior
                    * (math.log((choice.visits + 19653) / 19652) + 1.25)
                    * math.sqrt(choice.visits)
                    / (option.visits + 1),
                }[formula]
                assert option.bonus == pytest.approx(expected)
                compared += 1
    assert len(found) == 16 and compared > 20


async def test_in_tree_sampling_the_value_is_the_probability_of_draws_and_soft_values() -> None:
    of = await searched("tree_sampling", params={"iterations": 24, "reward_weight": 4.0}, seed=4)
    found = rounds(of.events)
    compared = 0
    for number in range(1, len(found) + 1):
        one = simulation(of.rows, of.events, found, number)
        for choice in one.choices:
            tilted = [
                (option.draws or 0) * math.exp(4.0 * option.mean) for option in choice.options
            ]
            assert [option.worth for option in choice.options] == pytest.approx(
                [value / sum(tilted) for value in tilted]
            )
            compared += len(choice.options)
        for phase in PHASES:
            drawn_nodes = {mark.node for mark in walk_picture(one, phase).marks}
            assert phase == "select" or set(one.path[-LEVELS:]) <= drawn_nodes
    assert compared > 20


async def test_each_backup_starts_where_the_last_one_ended() -> None:
    of = await searched("mcts", params={"simulations": 12, "value": "rollout"}, seed=2)
    found = rounds(of.events)
    known: dict[int, tuple[int, float | None]] = {}
    for number in range(1, len(found) + 1):
        one = simulation(of.rows, of.events, found, number)
        for change in one.changes:
            assert (change.visits - 1, change.before) == known.get(change.node, (0, None))
            known[change.node] = (change.visits, change.after)
    assert known[0][0] == 12


def test_the_searches_that_walk_announce_it() -> None:
    assert [name for name in STRATEGIES if "walks" in STRATEGIES[name].card.views] == [
        "mcts",
        "tree_sampling",
    ]
