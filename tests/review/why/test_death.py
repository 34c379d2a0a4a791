"""Where the right answer died: on 200 stored searches, and in each way that there is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pytest

from backend import problems
from backend.core.registry import STRATEGIES
from backend.core.spec import RunSpec
from backend.problems.equivalence import Equivalence
from backend.problems.library import Library
from backend.review.stored_run import StoredRun
from backend.review.why.death import Cause, Death, count_causes, death
from backend.service.jobs.rows import outcome_fields, problem_fields
from backend.service.why import case_of
from storage import EventRow, RunWriter, Store
from tests.review.why.brute import Verdict, verdict
from tests.review.why.searches import asked, searched
from tests.support.logged import rows

SIZES: dict[str, dict[str, Any]] = {
    "chain": {}, "best_of_n": {"n": 4}, "first_finish": {"n": 6, "k": 2}, "stepwise_best_of_n": {"n": 3}, "beam_search": {"n": 4, "beam_width": 2},
    "lookahead": {"n": 4, "beam_width": 2, "k": 2}, "dvts": {"n": 4, "beam_width": 2}, "rebase": {"width": 5}, "particle_filter": {"particles": 4},
    "particle_gibbs": {"particles": 3, "iterations": 2}, "parallel_tempering": {"particles": 2, "chains": 2, "iterations": 2},
    "a_star": {"branching": 3, "expansions": 6}, "mcts": {"simulations": 5, "children": 3}, "global_frontier": {"width": 3, "expansions": 5},
    "ab_mcts": {"answers": 4}, "tree_sampling": {"iterations": 6}, "retro_search": {"traces": 2, "tries": 2},
}  # fmt: skip
BUDGETS: Sequence[dict[str, float]] = (
    {},
    {},
    {"rounds": 2},
    {},
    {"generated_tokens": 160},
    {},
    {"model_calls": 5},
)
PROBLEMS = ("countdown/1/{}", "procedure/1/{}", "ledger/1/{}")
SEARCHES = 200


def specs() -> Iterator[RunSpec]:
    """All strategies in turn, under changing problems, budgets, rules and limits of a text."""
    names = list(STRATEGIES)
    for place in range(SEARCHES):
        name = names[place % len(names)]
        more: dict[str, Any] = {"selector": "majority"} if name == "best_of_n" and place % 2 else {}
        limit = 45 if place % 9 == 8 else 1000
        yield asked(
            name,
            PROBLEMS[place // len(names) % 3].format(place),
            SIZES[name],
            seed=place,
            budget=BUDGETS[place % len(BUDGETS)],
            sampling={"temperature": 1.0, "max_tokens": limit},
            **more,
        )


class Looked(NamedTuple):
    """A stored search, what was found, and what walking through its events finds."""

    spec: RunSpec
    found: Death
    expected: Verdict
    events: list[EventRow]


async def stored(store: Store, spec: RunSpec, **more: Any) -> RunWriter:
    """Carry a search out; its writer, which holds what is not stored yet."""
    problem = problem_fields(problems.problem(spec.problem or ""))
    run_id = store.create_run(
        spec.model_dump(mode="json"),
        problem=problem,
        strategy=spec.strategy,
        model="",
        seed=spec.seed,
    )
    writer = store.writer(run_id)
    outcome = await searched(spec, writer, **more)
    store.update_run(run_id, status="finished", **outcome_fields(outcome))
    return writer


@pytest.fixture(scope="module")
def library() -> Iterator[Library]:
    equivalence = Equivalence()
    yield Library(equivalence, {})
    equivalence.close()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store.open(tmp_path_factory.mktemp("why") / "store.duckdb")
    yield store
    store.close()


@pytest.fixture(scope="module")
def looked(store: Store, library: Library) -> list[Looked]:
    asked_for = list(specs())

    async def made() -> list[RunWriter]:
        return [
            await stored(store, spec, authors=1 + place % 3) for place, spec in enumerate(asked_for)
        ]

    found = []
    for spec, writer in zip(asked_for, asyncio.run(made()), strict=True):
        writer.flush()
        case = case_of(StoredRun(store.run(writer.run_id), store), library)
        events = rows(store.events(writer.run_id, limit=None))
        found.append(
            Looked(
                spec,
                death(case),
                verdict(store.read_paid_nodes(writer.run_id), events, case.problem),
                events,
            )
        )
    return found


def test_the_cause_is_that_of_a_walk_through_the_raw_events(looked: list[Looked]) -> None:
    for each in looked:
        node = each.found.node if each.expected.node is not None else None
        assert (each.found.cause, node) == each.expected, (each.spec, each.found)
    assert len(looked) == SEARCHES


def test_every_cause_occurs_and_all_kinds_of_notes_decide(looked: list[Looked]) -> None:
    counts = count_causes(each.found for each in looked)
    assert sum(counts.values()) == SEARCHES
    assert [cause for cause, count in counts.items() if count == 0] == [Cause.UNKNOWN]
    decisive = {each.found.note for each in looked if each.found.cause is Cause.PRUNED}
    lasting = [each.found for each in looked if each.found.cause is Cause.NEVER_GENERATED]
    assert any(found.step for found in lasting) and any(not found.step for found in lasting)
    assert {
        "pruned",
        "allocated",
        "resampled",
        "pushed",
        "selected",
        "backed",
        "referenced",
        "rolled",
    } <= decisive
    assert {each.found.reason for each in looked if each.found.cause is Cause.CUT_OFF} >= {
        "generated_tokens",
        "model_calls",
        "rounds",
    }


DECIDING = {"allocated": "pruned", "pushed": "popped"}
"""The kind of the event that is pointed at, where it is not that of the note."""


def test_the_event_that_is_pointed_at_is_the_one_that_decided(looked: list[Looked]) -> None:
    for each in looked:
        assert each.found.seq is not None
        event = each.events[each.found.seq]
        assert event.kind == DECIDING.get(each.found.note, each.found.note)
        data = event.data or {}
        if event.kind == "pruned":
            assert each.found.node in data["nodes"] and each.found.reason == data["reason"]
        if event.kind == "resampled":
            assert each.found.node in data["particles"]
            assert each.found.node not in {
                data["particles"][ancestor] for ancestor in data["ancestors"]
            }
            assert each.found.value is not None and 0.0 <= each.found.value < 1.0
        if event.kind == "limit":
            assert each.found.reason in (event.label, "generated_tokens")


def test_every_sentence_names_what_it_points_at(looked: list[Looked]) -> None:
    for each in looked:
        found = each.found
        assert found.sentence.endswith(".") and "{" not in found.sentence
        assert f"node {found.node}" in found.sentence or found.step == 0
        assert found.seq is not None
