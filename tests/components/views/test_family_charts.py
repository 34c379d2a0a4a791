"""Numbers of the charts that show the idea of a family of searches: by hand on small traces, and
anew from the raw events of real searches."""

from __future__ import annotations

import math

import pytest

from backend.core.events import CallEnded
from backend.core.formulas.shares import shares
from backend.core.steps import (
    Allocated,
    Backed,
    Drawn,
    Jumped,
    Kept,
    Popped,
    Pruned,
    Pushed,
    Replaced,
    Rolled,
    Selected,
    Step,
)
from backend.core.types import Finish, Kind, Node, Score
from components.views.beams.allocation import (
    BeamShare,
    Granted,
    allocation_figure,
    allocations,
    course_figure,
)
from components.views.beams.beam import KEPT, PRUNED, Contender, Cut, beam_figure, beam_info
from components.views.beams.lookahead import Outlook, count_overturned, outlook_figure, outlooks
from components.views.pools.candidates import Candidate
from components.views.pools.growth import GrowthInfo, GrowthLine, growth_figure, growth_info
from components.views.pools.race import (
    CANDIDATE,
    ENDED,
    STOPPED,
    FinishRaceInfo,
    Racer,
    race_figure,
    race_info,
)
from components.views.pools.revisions import Revision, RevisionInfo, revision_figure, revision_info
from components.views.tree_search.beliefs import spread
from components.views.tree_search.draws import (
    CHILD,
    NEW,
    ON,
    ThompsonArm,
    ThompsonDescent,
    ThompsonLevel,
    descents,
    lanes,
    reach,
)
from components.views.tree_search.draws_figure import draw_figure
from components.views.tree_search.turns import Turn, turn_figure, turns
from components.views.tree_search.waiting import (
    FrontierWaiting,
    WaitingInfo,
    waiting_figure,
    waiting_info,
)
from tests.components.traced import Seen, searched, seen
from tests.pages.traces import Writer


def node(
    run: Writer,
    parent: Node,
    text: str,
    score: float | None = None,
    *,
    finish: Finish = Finish.STEP,
    tokens: int = 1,
    kind: Kind = Kind.STEP,
) -> Node:
    done = finish in (Finish.END, Finish.ABORTED)
    made = Node(
        text, (1,) * tokens, (-0.1,) * tokens, parent, parent.depth + 1, done, finish, kind=kind
    )
    run.recorder.node(made)
    if score is not None:
        run.recorder.score("prm", made, Score(score))
    return made


def frontier() -> Seen:
    """The root is popped and pushes 1 (f .6), 3 (f .5, drawn twice) and 4 (no score); 3 is popped;
    4 is given up."""
    run = Writer(0)
    one, three = node(run, run.root, "a\n\n", 0.5), node(run, run.root, "b\n\n", 0.75)
    copy, four = node(run, run.root, "b\n\n"), node(run, run.root, "c", finish=Finish.END)
    pushed = (Pushed(one, 0.1, 0.5), Pushed(three, 0.25, 0.25), Pushed(four, 0.0, math.inf))
    run.recorder.step(
        Step(
            [],
            [],
            (
                Pushed(run.root, 0.0, 0.5),
                Popped(run.root, 0.0, 0.5),
                Pruned((copy,), "same text as a sibling"),
                *pushed,
            ),
        ),
        0,
    )
    run.recorder.step(Step([], [], (Popped(three, 0.25, 0.25),)), 0)
    run.recorder.step(Step([], [], (Pruned((four,), "the frontier is full"),)), 0)
    return seen(run.end())


def test_the_frontier_is_sorted_as_it_will_be_taken() -> None:
    of = frontier()
    ends = [event.seq for event in of.events if event.kind == "step"]
    first = FrontierWaiting(1, 2, 1, 0.25, 0.25, 1, 2, 1, False)
    second, unscored = (
        FrontierWaiting(2, 1, 1, 0.1, 0.5, 1, 1, 1, False),
        FrontierWaiting(3, 4, 1, 0.0, None, 1, 1, 1, True),
    )
    assert waiting_info(of.rows, of.events, ends[0]) == WaitingInfo(
        (first, second, unscored), 1, 0, 1
    )
    left = FrontierWaiting(1, 1, 1, 0.1, 0.5, 1, 1, 1, False)
    assert waiting_info(of.rows, of.events) == WaitingInfo(
        (left,), 2, 1, 1
    ) and left.f == pytest.approx(0.6)
    bars = waiting_figure(WaitingInfo((first, second, unscored), 1, 0, 1)).data
    assert [list(bar.x) for bar in bars[:2]] == [[0.25, 0.1], [0.25, 0.5]] and list(
        bars[2].text
    ) == [" 0.500", " 0.600"]


@pytest.mark.parametrize(
    "params",
    [{"goals": 3}, {"cost_mode": "nlr"}, {"scope": "local"}, {"open_limit": 6, "branching": 6}],
)
async def test_in_a_real_search_the_next_pop_is_the_first_of_the_frontier(
    params: dict[str, object],
) -> None:
    of = await searched("a_star", params=params, seed=3)
    pops = [event for event in of.events if event.kind == "popped"]
    for event in pops[1:]:
        if not any(
            after.kind == "node" for after in of.events if pops[-1].seq >= after.seq > event.seq
        ):
            break  # nothing is expanded any more: the finished ones that still wait are accepted
        assert waiting_info(of.rows, of.events, event.seq - 1).entries[0].node == event.body.node
    assert len(pops) > 2


def test_each_subtree_has_its_own_cut_and_its_own_row() -> None:
    run = Writer(0)
    for track, values in (("subtree 10", [0.9, 0.3]), ("subtree 2", [0.6, 0.2])):
        best, other = (node(run, run.root, f"{value}", value) for value in values)
        run.recorder.step(
            Step(
                [],
                [],
                (Kept((best,), (values[0],)), Pruned((other,), "lower", values[0])),
                track=track,
            ),
            0,
        )
    of = seen(run.end())
    info = beam_info(of.rows, of.events)
    assert info.tracks == ("subtree 2", "subtree 10") and info.cuts == (
        Cut(1, "subtree 2", 0.6),
        Cut(1, "subtree 10", 0.9),
    )
    ours = info.of_track("subtree 10")
    assert ours.contenders == (
        Contender(1, 1, 0.9, KEPT, "", "subtree 10"),
        Contender(1, 2, 0.3, PRUNED, "lower", "subtree 10"),
    )
    assert (
        beam_figure(info).layout.yaxis2.title.text == "subtree 10"
        and "yaxis2" not in beam_figure(ours).layout
    )


def looked() -> Seen:
    """Two steps tried out two steps deep: the better one by itself (.9) ends at .2, the other (.5)
    at .7 and is kept."""
    run = Writer(0)
    for own, end, keep in ((0.9, 0.2, False), (0.5, 0.7, True)):
        step = node(run, run.root, f"{own}\n\n")
        first = node(run, step, "on\n\n", kind=Kind.ROLLOUT)
        last = node(run, first, "end", finish=Finish.END, kind=Kind.ROLLOUT)
        run.recorder.score("prm", last, Score(end, steps=(own, 0.8, end)))
        fate = Kept((step,), (end,)) if keep else Pruned((step,), "outside the beam", 0.7)
        run.recorder.step(Step([], [], (Rolled(step, last, end), fate)), 0)
    return seen(run.end())


def test_looking_ahead_shows_the_score_before_and_after() -> None:
    of = looked()
    found = outlooks(of.rows, of.events)
    assert (
        found == (Outlook(1, 4, 6, 2, 0.5, 0.7, True), Outlook(1, 1, 3, 2, 0.9, 0.2, False))
        and count_overturned(found) == 1
    )
    assert [list(trace.y) for trace in outlook_figure(found).data[1:]] == [[0.5, 0.9], [0.7], [0.2]]
    assert outlooks(of.rows, of.events, 1) == () and count_overturned(()) == 0


async def test_after_looking_ahead_a_real_search_keeps_the_best_ends() -> None:
    of = await searched("lookahead", params={"n": 8, "k": 1}, seed=2)
    found = outlooks(of.rows, of.events)
    for step in {one.step for one in found}:
        kept = [one.after for one in found if one.step == step and one.kept]
        lost = [one.after for one in found if one.step == step and one.kept is False]
        assert not kept or not lost or min(kept) >= max(lost)
    assert len(found) >= 8


def test_a_width_is_shared_by_the_softmax_of_the_scores() -> None:
    run = Writer(0)
    one, two = node(run, run.root, "a\n\n", 0.75), node(run, run.root, "b\n\n", 0.25)
    run.recorder.step(Step([], [], (Allocated((run.root,), (2,)), Kept((run.root,), (1.0,)))), 0)
    run.recorder.step(Step([], [], (Allocated((one, two), (4, 0)), Kept((one,), (0.75,)))), 0)
    of = seen(run.end())
    weight = 1 / (1 + math.exp(-2.0))
    second = BeamShare(
        2,
        (
            Granted(1, 0.75, pytest.approx(weight), 4),
            Granted(2, 0.25, pytest.approx(1 - weight), 0),
        ),
    )
    assert (
        allocations(of.rows, of.events, 0.25) == [BeamShare(1, (Granted(0, 1.0, 1.0, 2),)), second]
        and second.width == 4
    )
    assert [each.share for each in allocations(of.rows, of.events, None)[1].granted] == [None, None]
    first_step = next(event.seq for event in of.events if event.kind == "step")
    assert len(allocations(of.rows, of.events, 0.25, first_step)) == 1
    figure = allocation_figure(allocations(of.rows, of.events, 0.25)[1])
    assert list(figure.data[0].y) == [4, 0] and list(figure.data[1].y) == pytest.approx(
        [4 * weight, 4 - 4 * weight]
    )
    assert [
        len(trace.x) for trace in course_figure(allocations(of.rows, of.events, 0.25)).data
    ] == [2, 1]


async def test_a_real_allocation_is_the_rounding_of_its_shares() -> None:
    of = await searched("rebase", params={"width": 12, "temperature": 0.1}, seed=2)
    found = allocations(of.rows, of.events, 0.1)
    for one in found:
        assert [each.width for each in one.granted] == shares(
            [each.score or 0.0 for each in one.granted], one.width, 0.1
        )
        assert sum(each.share or 0.0 for each in one.granted) == pytest.approx(1.0)
    assert len(found) > 1 and found[0].width == 12


def answered(*answers: str) -> Seen:
    run = Writer(0)
    for answer in answers:
        node(run, run.root, answer, finish=Finish.END)
    return seen(run.end())


def test_votes_grow_sample_by_sample_until_the_leader_is_settled() -> None:
    of = answered("8", "7", "?", "7", "8", "7")
    found = [
        Candidate(row.id, value)
        for row, value in zip(of.rows[1:], [0.9, 0.2, 0.5, 0.3, None, 0.1], strict=True)
    ]
    read = {"7": "7", "8": "8"}.get
    votes = growth_info(of.rows, found, read, "majority", {"7"})
    seven, eight = (
        GrowthLine("7", (0.0, 1.0, 1.0, 2.0, 2.0, 3.0), True),
        GrowthLine("8", (1.0, 1.0, 1.0, 1.0, 2.0, 2.0), False),
    )
    assert (
        votes
        == GrowthInfo(
            "votes", (seven, eight), ("8", "8", "8", "7", "8", "7"), (1, 2, 3, 4, 5, 6), 0
        )
        and votes.settled == 6
    )
    weighted = growth_info(of.rows, found, read, "weighted")
    assert [line.strengths[-1] for line in weighted.lines] == pytest.approx(
        [0.9, 0.6]
    ) and weighted.settled == 1
    best = growth_info(of.rows, found, read, "best")
    assert [line.strengths for line in best.lines] == [(0.9,) * 6, (0.0, 0.2, 0.2, 0.3, 0.3, 0.3)]
    figure = growth_figure(votes, at=4)
    assert [trace.name for trace in figure.data] == ["7 (right)", "8"] and list(
        figure.data[0].y
    ) == [None, 1, 1, 2, 2, 3]
    assert growth_info(of.rows, [], read, "majority").settled is None


def test_a_race_tells_who_ended_who_counts_and_what_was_thrown_away() -> None:
    run = Writer(0)
    winner, cut = (
        node(run, run.root, "7", finish=Finish.END, tokens=5),
        node(run, run.root, "long", finish=Finish.LENGTH, tokens=9),
    )
    for tokens in (3, 6):
        node(run, run.root, "st", finish=Finish.ABORTED, tokens=tokens)
    run.recorder.step(Step([winner], [None], (Pruned((cut,), "cut off before its end"),)), 0)
    of = seen(run.end())
    info = race_info(of.rows, of.events)
    assert info == FinishRaceInfo(
        (
            Racer(1, 5, CANDIDATE, 1),
            Racer(2, 9, ENDED, 2),
            Racer(4, 6, STOPPED, None),
            Racer(3, 3, STOPPED, None),
        )
    )
    assert (info.spent, info.discarded) == (23, 9) and [
        list(bar.x) for bar in race_figure(info).data
    ] == [[5], [9], [6, 3]]


async def test_in_a_real_race_the_first_to_end_win_and_the_others_are_stopped() -> None:
    of = await searched("first_finish", params={"n": 6, "k": 2}, seed=1)
    info = race_info(of.rows, of.events)
    assert [racer.place for racer in info.racers if racer.fate == CANDIDATE] == [1, 2] and len(
        info.racers
    ) == 6
    discarded = max(
        event.body.ledger["discarded_tokens"]
        for event in of.events
        if isinstance(event.body, CallEnded)
    )
    assert info.discarded == discarded


def test_a_revision_tells_both_ways_on_and_which_one_stayed() -> None:
    run = Writer(0)
    kept = node(run, run.root, "a\n\n")
    old = [node(run, kept, "b\n\n")]
    old.append(node(run, old[0], "7", finish=Finish.END))
    banned = node(run, kept, "wait\n\n")
    run.recorder.step(
        Step(
            [],
            [],
            (Pruned((banned,), "begins with a transition word"),),
            phase="ban",
            stats={"steps": 3},
        ),
        0,
    )
    new = node(run, kept, "7", finish=Finish.END)
    notes = (
        Replaced(tuple(old), (new,), 0.81, 0.9),
        Pruned(tuple(old), "a continuation was worth more", 0.9),
    )
    run.recorder.step(Step([], [], notes, phase="revise", stats={"steps": 2}), 0)
    other = node(run, kept, "8", finish=Finish.END)
    run.recorder.step(
        Step(
            [],
            [],
            (Pruned((other,), "worth no more than what it would replace", 0.9),),
            phase="revise",
            stats={"steps": 2},
        ),
        0,
    )
    of = seen(run.end())
    first, second = (
        Revision(1, 1, 2, 1, 0.81, 0.9, 5, True),
        Revision(2, 1, 1, 1, 0.9, None, 6, False),
    )
    info = revision_info(of.rows, of.events)
    assert info == RevisionInfo((first, second), 1)
    old_texts, new_texts = (list(bar.text) for bar in revision_figure(info).data)
    assert old_texts == ["given up, worth 0.810", "stays, worth 0.900"] and new_texts == [
        "stays, worth 0.900",
        "given up",
    ]


def test_a_turn_is_a_step_to_the_best_child_or_a_jump_with_its_parts() -> None:
    run = Writer(0)
    one, two = node(run, run.root, "a\n\n"), node(run, run.root, "b\n\n")
    run.recorder.step(
        Step(
            [],
            [],
            (
                Selected(
                    (run.root, two),
                    "deepsearch",
                    (0.5,),
                    ((one, two),),
                    ((0, 0),),
                    ((0.1, 0.5),),
                    ((0.1, 0.5),),
                ),
            ),
        ),
        0,
    )
    jump = Jumped(one, 0.75, {"parent": 0.5, "depth": 0.25})
    run.recorder.step(
        Step([], [], (Backed((run.root, two), -0.5, (-0.1, -0.5)), jump), stats={"frontier": 3.0}),
        0,
    )
    run.recorder.step(Step([], []), 0)
    of = seen(run.end())
    local = Turn(1, 2, False, 0.5, options=((1, 0.1), (2, 0.5)))
    assert turns(of.events) == [
        local,
        Turn(2, 1, True, 0.75, (("parent", 0.5), ("depth", 0.25)), (), -0.5, 3),
    ]
    figure = turn_figure(turns(of.events))
    assert [(trace.name, list(trace.x)) for trace in figure.data] == [
        ("parent", [2]),
        ("depth", [2]),
        ("F", [2]),
        ("on to the best child", [1]),
    ]


async def test_the_parts_of_a_real_jump_add_up_to_its_promise() -> None:
    of = await searched("global_frontier", params={"expansions": 24, "width": 3}, seed=4)
    found = turns(of.events)
    jumps = [one for one in found if one.jump]
    assert len(jumps) >= 2 and all(
        math.fsum(value for _, value in one.terms) == pytest.approx(one.worth) for one in jumps
    )
    assert all(one.worth == max(value for _, value in one.options) for one in found if not one.jump)


def test_draws_stand_beside_what_their_arms_had_heard() -> None:
    run = Writer(0)
    first = node(run, run.root, "1", finish=Finish.END)
    run.recorder.step(Step([], [], (Backed((run.root, first), 0.5),)), 0)
    again = node(run, first, "again", kind=Kind.INJECTED)
    second = node(run, again, "2", finish=Finish.END)
    run.recorder.step(
        Step(
            [],
            [],
            (
                Drawn(run.root, 0.1, 0.4, (first,), (0.3,)),
                Backed((run.root, first, again, second), 1.0),
            ),
        ),
        0,
    )
    run.recorder.step(Step([], [], (Drawn(run.root, 0.9, 0.2, (), ()),)), 0)
    of = seen(run.end())
    top = ThompsonLevel(
        0,
        (
            ThompsonArm(NEW, None, 0.1, 1, 0.5, False),
            ThompsonArm(ON, None, 0.4, 0, None, True),
            ThompsonArm(CHILD, 1, 0.3, 1, 0.5, True),
        ),
    )
    later = ThompsonLevel(
        0, (ThompsonArm(NEW, None, 0.9, 1, 0.5, True), ThompsonArm(ON, None, 0.2, 1, 1.0, False))
    )
    assert descents(of.events) == [ThompsonDescent(1, (top,), 3, 1.0), ThompsonDescent(2, (later,))]
    assert list(draw_figure(ThompsonDescent(1, (top,))).data[0].x) == [0.5, None, 0.5]


def test_posteriors_are_read_as_the_middle_of_what_would_be_drawn_from_them() -> None:
    assert spread({"a": 1.0, "b": 1.0}) == pytest.approx((0.05, 0.5, 0.95))
    # the 95 % point of t with 4 degrees of freedom, from a table
    reaches = 2.131847 * math.sqrt(0.116875 / 4)
    assert spread({"m": 0.375, "kappa": 4.0, "nu": 4.0, "tau2": 0.116875}) == pytest.approx(
        (0.375 - reaches, 0.375, 0.375 + reaches), abs=1e-6
    )
    assert spread({}) is None and spread({"value": 0.5}) is None


def test_a_draw_stands_in_the_band_of_its_posterior_and_one_far_outside_at_the_edge() -> None:
    run = Writer(0)
    first = node(run, run.root, "1", finish=Finish.END)
    run.recorder.step(Step([], [], (Backed((run.root, first), 0.5),)), 0)
    flat, wide = {"a": 1.0, "b": 1.0}, {"m": 0.0, "kappa": 1.0, "nu": 1.0, "tau2": 0.1}
    run.recorder.step(
        Step([], [], (Drawn(run.root, 0.3, 7.0, (first,), (0.6,), (flat, wide, flat)),)), 0
    )
    [one] = descents(seen(run.end()).events)
    narrow, tails = spread(flat), spread(wide)
    assert tails is not None and [arm.spread for arm in one.levels[0].arms] == [
        narrow,
        tails,
        narrow,
    ]
    band, medians, means, won, other = draw_figure(one).data
    assert [(x, base) for x, base in zip(band.x, band.base, strict=True)] == [
        (high - low, low) for low, _, high in (narrow, tails, narrow)
    ]
    assert list(medians.x) == pytest.approx([0.5, 0.0, 0.5]) and list(means.x) == [0.5, None, 0.5]
    edge = reach(lanes(one))[1]
    assert (
        list(won.x) == [edge, 0.6]
        and list(won.text) == ["7.00 \u2192", ""]
        and list(other.x) == [0.3]
    )
    assert tails.high < edge < 7.0 and won.marker.symbol != other.marker.symbol


async def test_the_arms_of_a_real_search_have_heard_every_score_below_them() -> None:
    of = await searched("ab_mcts", params={"answers": 14, "batch": 3}, seed=3)
    parents = {row.id: row.parent for row in of.rows}
    for descent in descents(of.events):
        assert descent.levels[0].node == 0
        for level in descent.levels:
            below = [arm for arm in level.arms if arm.child is not None]
            assert not below or max(below, key=lambda arm: arm.draw).won
            assert sum(arm.won for arm in level.arms) == (2 if below else 1)
    end = [event for event in of.events if event.kind == "drawn"][-1].seq
    last = descents(of.events)[-1].levels[0]
    told = [event.body for event in of.events if isinstance(event.body, Backed) and event.seq < end]
    fresh = [note.value for note in told if parents[note.path[-1]] == 0]
    assert (last.arms[0].count, last.arms[0].mean) == (
        len(fresh),
        pytest.approx(sum(fresh) / len(fresh)),
    )
    assert last.arms[1].count == len(told) - len(fresh) > 0


def test_empty_runs_have_empty_charts() -> None:
    assert (
        waiting_info([], []) == WaitingInfo((), 0, 0, 0)
        and race_info([], []) == FinishRaceInfo(())
        and revision_info([], []) == RevisionInfo((), 0)
    )
    assert (
        turns([]) == []
        and descents([]) == []
        and allocations([], [], 0.2) == []
        and outlooks([], []) == ()
    )
