"""Two series of scores of the same steps, by numbers worked out by hand."""

from __future__ import annotations

import math

import pytest

from backend.core.records import MemorySink
from backend.core.types import Finish, Kind, Node
from backend.review.lens import Depth, lens
from backend.review.stored_run import Trace
from backend.runs.recorder import Recorder
from storage import SeriesScore


def tree() -> Trace:
    """Below the prompt (0) the steps a (1) and b (2), below a the steps c (3) and d (4), below b
    the step e (5); 6 is a text of three steps."""
    sink = MemorySink()
    recorder, root = Recorder(sink), Node("<q>", (1,), kind=Kind.PROMPT)

    def below(parent: Node, text: str) -> Node:
        node = Node(
            text + "\n\n", (1,), None, parent, parent.depth + 1, finish=Finish.STEP, key=text
        )
        recorder.node(node)
        return node

    recorder.node(root)
    a, b = below(root, "a"), below(root, "b")
    below(a, "c"), below(a, "d"), below(b, "e"), below(root, "x\n\ny\n\nz")
    recorder.flush()
    return Trace(sink.nodes, sink.events, "")


def series(*rows: tuple[int, tuple[float, ...]]) -> dict[int, SeriesScore]:
    return {node: SeriesScore(node, steps[-1], steps, None) for node, steps in rows}


ONE = series(
    (1, (0.9,)),
    (2, (0.6,)),
    (3, (0.9, 0.2)),
    (4, (0.9, 0.7)),
    (5, (0.6, 0.95)),
    (6, (0.8, 0.3, 0.3)),
)
JUDGE = series(
    (1, (1.0,)),
    (2, (0.0,)),
    (3, (1.0, 1.0)),
    (4, (1.0, 0.0)),
    (5, (0.0, 0.0)),
    (6, (1.0, 1.0, 0.0)),
)


def test_every_step_is_counted_once_and_disagreements_come_widest_first() -> None:
    found = lens(tree(), ONE, JUDGE)
    assert found.pairs == 8  # five steps of the tree and three of the text
    assert [(pair.node, pair.step) for pair in found.disagreements[:3]] == [(5, 2), (3, 2), (4, 2)]
    assert [round(pair.gap, 6) for pair in found.disagreements[:3]] == [0.95, 0.8, 0.7]
    assert len(lens(tree(), ONE, JUDGE, most=2).disagreements) == 2


def test_depths_rank_only_steps_with_nothing_wrong_before_them() -> None:
    """At depth 2: c .2 and y .3 are good, d .7 is bad; e does not count, because b before it is
    wrong. At depth 3 only z, which is bad."""
    found = lens(tree(), ONE, JUDGE)
    assert found.depths[:2] == [Depth(1, 3, 2, 1.0), Depth(2, 3, 2, 0.0)]
    assert found.depths[2][:3] == (3, 1, 0) and math.isnan(found.depths[2].auroc)


def test_the_curve_holds_all_pairs_and_their_means() -> None:
    found = lens(tree(), ONE, JUDGE, bins=2)
    low, high = found.curve
    assert (low.problems, low.confidence, low.credit) == (
        3,
        pytest.approx((0.2 + 0.3 + 0.3) / 3),
        pytest.approx(2 / 3),
    )
    assert (high.problems, high.credit) == (5, pytest.approx(2 / 5))
    assert found.calibration is not None and found.calibration.problems == 8
    expected = (3 * abs(low.credit - low.confidence) + 5 * abs(high.credit - high.confidence)) / 8
    assert found.calibration.ece == pytest.approx(expected)


def test_a_score_without_one_number_a_step_counts_for_the_last_step() -> None:
    whole = {6: SeriesScore(6, 0.4, (0.4,), None), 3: SeriesScore(3, None, (), "failed")}
    found = lens(tree(), whole, JUDGE)
    assert [(pair.node, pair.step, pair.one, pair.other) for pair in found.disagreements] == [
        (6, 3, 0.4, 0.0)
    ]
    assert found.pairs == 1


def test_series_that_share_no_node_have_nothing_to_say() -> None:
    found = lens(tree(), series((1, (0.5,))), series((2, (0.5,))))
    assert (found.pairs, found.disagreements, found.curve, found.calibration, found.depths) == (
        0,
        [],
        [],
        None,
        [],
    )
    assert math.isnan(found.auroc)
