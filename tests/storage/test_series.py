"""Series of scores that came after a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.core.errors import BadInput, NotFound
from storage import SeriesScore
from tests.storage.traces import new_run, opened

SCORES = [
    SeriesScore(1, 0.1 + 0.2, (1.0, 1 / 3), None),
    SeriesScore(2, None, (), "too long"),
    SeriesScore(7, 0.0, (0.0,), None),
]


def test_a_series_comes_back_bit_for_bit_and_beside_others(tmp_path: Path) -> None:
    store = opened(tmp_path)
    run_id, other = new_run(store), new_run(store)
    assert store.series(run_id) == {}
    store.keep_series(run_id, "prm small", SCORES)
    store.keep_series(run_id, "exact", SCORES[:1])
    store.keep_series(other, "exact", SCORES)
    assert store.series(run_id) == {"exact": 1, "prm small": 3}
    store.close()
    store = opened(tmp_path)
    assert store.series_scores(run_id, "prm small") == SCORES
    assert store.series_scores(run_id, "nobody") == []
    store.close()


def test_a_series_is_replaced_as_a_whole(tmp_path: Path) -> None:
    store = opened(tmp_path)
    run_id = new_run(store)
    store.keep_series(run_id, "exact", SCORES)
    store.keep_series(run_id, "exact", SCORES[1:])
    assert store.series_scores(run_id, "exact") == SCORES[1:]
    store.keep_series(run_id, "exact", [])
    assert store.series(run_id) == {}
    store.close()


def test_series_go_with_their_run_and_do_not_touch_its_log(tmp_path: Path) -> None:
    store = opened(tmp_path)
    run_id, other = new_run(store), new_run(store)
    store.update_run(run_id, status="finished")
    before = (store.last_seq(run_id), store.verify(run_id))
    store.keep_series(run_id, "exact", SCORES)
    store.keep_series(other, "exact", SCORES)
    assert (store.last_seq(run_id), store.verify(run_id)) == before
    store.delete_run(run_id)
    assert store.series_scores(run_id, "exact") == []
    assert store.series_scores(other, "exact") == SCORES
    store.close()


def test_a_series_needs_a_run_a_name_and_one_score_a_node(tmp_path: Path) -> None:
    store = opened(tmp_path)
    run_id = new_run(store)
    with pytest.raises(NotFound):
        store.keep_series(99, "exact", SCORES)
    for name, scores in (("", SCORES), ("exact", [SCORES[0], SCORES[0]])):
        with pytest.raises(BadInput):
            store.keep_series(run_id, name, scores)
    assert store.series(run_id) == {}
    store.close()
