"""AUROC against its definition: all pairs of a good and a bad one."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from backend.core.statistics.ranking import auroc


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=30))
def test_it_is_the_share_of_pairs_that_are_ranked_right_ties_half(
    rows: list[tuple[int, bool]],
) -> None:
    good, bad = [score for score, ok in rows if ok], [score for score, ok in rows if not ok]
    found = auroc([float(score) for score, _ in rows], [ok for _, ok in rows])
    if not good or not bad:
        assert math.isnan(found)
        return
    won = sum((one > other) + 0.5 * (one == other) for one in good for other in bad)
    assert math.isclose(found, won / (len(good) * len(bad)))
