"""What is computed of an experiment is kept until its results change."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from backend.core.errors import BadInput
from backend.experiments.shards import RESULTS, Folder, TaskResult
from backend.service.experiment_view import ExperimentView, ReaderChoices, TaskCounts
from backend.service.result_cache import MOST, ResultCache
from tests.experiments.examples import carried_out, small


def result(key: str, *, failure: str | None = None, attempt: int = 0) -> TaskResult:
    return TaskResult(
        key,
        "search",
        "beam",
        "countdown/1/7",
        "countdown/1",
        0,
        4.0,
        0,
        attempt=attempt,
        failure=failure,
    )


def test_an_answer_is_computed_once_for_one_state_of_the_results(tmp_path: Path) -> None:
    folder, cache = Folder.of(tmp_path, small(1)), ResultCache()
    folder.add([result("one")])
    assert ExperimentView(folder, cache).task_counts() == TaskCounts(1, 0)
    first = ExperimentView(folder, cache).cells_of()
    assert ExperimentView(folder, cache).cells_of() is first
    folder.add([result("two", failure="broke off")])
    assert ExperimentView(folder, cache).task_counts() == TaskCounts(2, 1)
    assert ExperimentView(folder, cache).cells_of() is not first


def test_a_shard_that_was_replaced_is_read_anew_though_the_number_of_files_is_the_same(
    tmp_path: Path,
) -> None:
    folder, cache = Folder.of(tmp_path, small(1)), ResultCache()
    folder.add([result("one", failure="broke off")])
    assert ExperimentView(folder, cache).task_counts() == TaskCounts(1, 1)
    [old] = (folder.path / RESULTS).glob("*.parquet")
    old.unlink()
    folder.add([result("one", attempt=1)])
    [new] = (folder.path / RESULTS).glob("*.parquet")
    new.replace(old)
    assert ExperimentView(folder, cache).task_counts() == TaskCounts(1, 0)


def test_two_threads_with_one_question_compute_it_once() -> None:
    cache, begun, go_on, computed, told = (
        ResultCache(),
        threading.Event(),
        threading.Event(),
        [],
        [],
    )

    def compute() -> str:
        computed.append(threading.current_thread().name)
        begun.set()
        assert go_on.wait(10)
        return "an answer"

    threads = [
        threading.Thread(target=lambda: told.append(cache.answer("question", compute)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    assert begun.wait(10)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert told == ["an answer"] * 2 and len(computed) == 1


def test_what_failed_is_tried_again_and_what_was_asked_for_longest_ago_goes_first() -> None:
    cache = ResultCache()
    with pytest.raises(ZeroDivisionError):
        cache.answer("half", lambda: 1 / 0)
    assert cache.answer("half", lambda: 0.5) == 0.5
    for number in range(MOST - 1):
        cache.answer(number, lambda: "kept")
    assert cache.answer("half", lambda: 2.0) == 0.5
    cache.answer("one more", lambda: "kept")
    assert cache.answer("half", lambda: 2.0) == 0.5
    assert cache.answer(0, lambda: "anew") == "anew"


async def test_a_slice_or_an_axis_that_there_is_not_is_refused(tmp_path: Path) -> None:
    folder, _ = await carried_out(small(6), tmp_path)
    view = ExperimentView(folder, ResultCache())
    with pytest.raises(BadInput, match="hardest third"):
        view.members_of("ledger/9")
    with pytest.raises(BadInput, match="generated_tokens"):
        view.material_of(ReaderChoices(axis="pages"))
    thirds = view.problems_by_difficulty()
    assert sorted(map(len, thirds.values())) == [2, 2, 2]
    narrowed = view.material_of(ReaderChoices(slice="hardest third"))
    assert set(narrowed.pools) == thirds["hardest third"]
    assert narrowed.experiment == view.experiment
