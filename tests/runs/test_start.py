"""A fork goes on from a node of a stored run, a continued run from where the budget ended it; both
are runs like any other.

Everything goes through the jobs and a real store on the scripted models, or through the driver with
what the store says of a run that was cut off.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from backend.core.errors import BadInput, Conflict
from backend.core.events import LimitReached, NodeAdded, Remarked, ScoreGiven
from backend.core.limits import Limit
from backend.core.ports import Completion, Request, Solution
from backend.core.records import MemorySink
from backend.core.registry import STRATEGIES
from backend.core.spec import Fork, RunSpec, TextEdit, TokenEdit
from backend.engines.scripted.engine import ScriptedEngine, ScriptedRewardModel
from backend.exchange.base import ImportHints
from backend.exchange.formats import parse_file
from backend.review.stored_run import problem_of
from backend.runs.paid import Paid
from backend.runs.versions import with_versions
from backend.service.jobs import Jobs
from backend.service.jobs.forks import start_of
from backend.service.jobs.recovery import carry_over
from storage import Store
from tests.exchange.files import content
from tests.golden import differences, spec
from tests.runs.test_resume import (
    BUDGETS,
    Batches,
    ScriptedModels,
    answered,
    carried_out,
    cuts,
    ending,
    jobs,
    stored,
    told,
)
from tests.support.logged import of, rows

TEXT = "We add 25: 19 + 25 = 44."
EDITS: list[TextEdit | None] = [
    None,
    TextEdit(text=TEXT),
    TextEdit(text="We add 25: 19 +", whole=False),
    TextEdit(token=TokenEdit(position=4, text=" 19")),
]
FORKED = [
    (name, EDITS[place % len(EDITS)])
    for place, name in enumerate(STRATEGIES)
    if name != "first_finish"
]
"""Every strategy but one whose races are left while texts are under way: how far those had come is
not stored."""
LARGER = {"generated_tokens": 450.0, "model_calls": 19.0, "verifier_calls": 11.0, "rounds": 4.0}
CONTINUED = [
    *(
        (name, BUDGETS[place % len(BUDGETS)])
        for place, name in enumerate(STRATEGIES)
        if name != "first_finish"
    ),
    *(("beam_search", budget) for budget in BUDGETS),
    ("particle_filter", BUDGETS[0]),
    ("mcts", BUDGETS[0]),
]
"""What is left out for its time agrees as well: every strategy with each of these budgets."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store.open(tmp_path_factory.mktemp("fork") / "store.duckdb")
    yield store
    store.close()


async def carried(
    store: Store, name: str = "beam_search", models: ScriptedModels | None = None, **changes: Any
) -> int:
    """A run that is over; its id."""
    board = jobs(store, models or ScriptedModels())
    run_id = await board.submit(spec(name, **changes))
    await board.wait(run_id)
    return run_id


async def forked(store: Store, origin: int, ask: Fork, models: ScriptedModels | None = None) -> int:
    board = jobs(store, models or ScriptedModels())
    run_id = await board.forks.fork(origin, ask)
    await board.wait(run_id)
    return run_id


def deep(store: Store, run_id: int, depth: int = 2) -> int:
    """A step of a run at a depth."""
    return next(node.id for node in store.nodes(run_id) if node.depth == depth and not node.done)


@pytest.mark.parametrize(("name", "edit"), FORKED, ids=str)
async def test_a_fork_is_the_same_each_time_and_goes_on_after_a_crash_to_the_same_trace(
    name: str, edit: TextEdit | None, store: Store
) -> None:
    origin = await carried(store, seed=3)
    paid = Paid(start=start_of(store, store.run(origin), deep(store, origin), edit))
    asked = spec(name)
    whole, again = await carried_out(asked, paid), await carried_out(asked, paid)
    assert list(differences(told(whole.log), told(again.log))) == []
    for cut in list(cuts(store, whole.log))[::4]:
        resumed = await carried_out(asked, cut)
        assert list(differences(told(whole.log, cut.next_seq), told(resumed.log))) == [], (
            f"cut at {cut.next_seq}"
        )
        assert [node for node in whole.log.nodes if node.seq >= cut.next_seq] == resumed.log.nodes
        assert not set(resumed.calls) & answered(whole.log, cut.next_seq)
        assert ending(resumed.outcome) == ending(whole.outcome)


@pytest.mark.parametrize("edit", EDITS, ids=["as it is", "text", "half a step", "token"])
async def test_the_log_of_a_fork_tells_its_path_which_costs_nothing_and_which_the_verifier_sees(
    edit: TextEdit | None, store: Store
) -> None:
    origin, scored = await carried(store, seed=3), list[Solution]()
    at = deep(store, origin)
    models = ScriptedModels(model=ScriptedRewardModel(failure=lambda asked: scored.append(asked)))
    run_id = await forked(
        store,
        origin,
        Fork(node=at, edit=edit, settings={"strategy": "best_of_n", "params": {"n": 3}}),
        models,
    )
    row, nodes, path = store.run(run_id), store.read_paid_nodes(run_id), store.path(origin, at)
    assert store.verify(run_id) == [] and row.status == "finished" and row.strategy == "best_of_n"
    told_of = {
        event.body.node: event.body
        for event in store.events(run_id, limit=None)
        if isinstance(event.body, NodeAdded)
    }
    given = [node for node in nodes if told_of[node.id].given]
    own = [node for node in nodes if node not in given]
    assert (
        row.ledger["generated_tokens"] == sum(node.n_tokens for node in own)
        and row.ledger["model_calls"] == len(own) == 3
    )
    assert [told_of[node.id].origin for node in given] == [
        *(step.id for step in path),
        *([at] if edit and edit.token else []),
    ]
    assert [(node.text, node.logprobs) for node in given[:2]] == [
        (step.text, step.logprobs) for step in path[:2]
    ]
    begun = "".join(node.text for node in given[1:])
    expected = {
        None: path[2].text,
        EDITS[1]: TEXT + "\n\n",
        EDITS[2]: "We add 25: 19 +",
        EDITS[3]: path[2].text[:4] + " 19",
    }[edit]
    assert begun == path[1].text + expected
    assert all(node.parent_id == given[-1].id and node.depth == given[-1].depth + 1 for node in own)
    assert (given[-1].kind, told_of[given[-1].id].reason) == (
        ("injected", "human") if edit else ("step", None)
    )
    assert scored and all(
        "\n\n".join(solution.steps).startswith(begun.strip()) for solution in scored
    )
    assert row.problem == store.run(origin).problem and row.correct is not None
    assert row.manifest["forked_from"] == row.forked_from
    assert [fork.id for fork in store.forks(origin)] == [run_id]


async def test_the_seed_of_the_origin_draws_what_it_drew_there_and_another_one_something_else(
    store: Store,
) -> None:
    origin = await carried(store, "chain")
    at, rest = deep(store, origin, 1), [node.text for node in store.nodes(origin) if node.depth > 1]
    same, other = [
        await forked(store, origin, Fork(node=at, settings={"seed": seed})) for seed in (11, 12)
    ]
    assert [node.text for node in store.nodes(same) if node.depth > 1] == rest
    assert [node.text for node in store.nodes(other) if node.depth > 1] != rest


async def test_a_stored_alternative_takes_the_place_of_a_token(store: Store) -> None:
    origin = await carried(
        store, sampling={"temperature": 1.0, "max_tokens": 200, "alternatives": 5}
    )
    node = next(node for node in store.read_paid_nodes(origin) if node.depth == 1)
    assert isinstance(node.alternatives, list)
    position, option = next(
        (at, option)
        for at, options in enumerate(node.alternatives)
        for option in options
        if at and option[0] != node.token_ids[at]
    )
    run_id = await forked(
        store,
        origin,
        Fork(node=node.id, edit=TextEdit(token=TokenEdit(position=position, token_id=option[0]))),
    )
    [_, before, taken] = store.read_paid_nodes(run_id)[:3]
    assert (before.token_ids, before.logprobs) == (
        node.token_ids[:position],
        node.logprobs[:position],
    )
    assert (taken.text, taken.token_ids, taken.kind, taken.logprobs) == (
        option[1],
        (option[0],),
        "injected",
        None,
    )
    assert store.verify(run_id) == []
    with pytest.raises(BadInput, match="token_id: got 7, accepted: one of"):
        await forked(
            store,
            origin,
            Fork(node=node.id, edit=TextEdit(token=TokenEdit(position=position, token_id=7))),
        )
    with pytest.raises(BadInput, match="position: got 999, accepted: 0 to"):
        await forked(
            store,
            origin,
            Fork(node=node.id, edit=TextEdit(token=TokenEdit(position=999, text="x"))),
        )


async def test_a_fork_of_a_fork_an_export_and_an_import_keep_what_is_known_of_the_origin(
    store: Store, tmp_path: Path
) -> None:
    origin = await carried(store)
    first = await forked(store, origin, Fork(node=1, edit=TextEdit(text="Start with 12 + 7 = 20.")))
    second = await forked(
        store, first, Fork(node=deep(store, first, 2), settings={"strategy": "chain"})
    )
    assert store.run(second).forked_from == {
        "run": first,
        "node": 2,
        "root": 2,
        "path": [0, 1, 2],
        "edit": None,
    }
    own = store.node(second, 1)
    assert (own.kind, own.text) == ("injected", "Start with 12 + 7 = 20.\n\n")
    [said] = store.event_rows(second, limit=None, kinds=["node"], node_id=1)
    assert said.data == {"given": True, "from": 1, "reason": "human"}
    for format_ in ("jsonl", "parquet.zip"):
        store.export_run(second, tmp_path / f"fork.{format_}", format_.split(".")[0])
        taken = store.import_run(tmp_path / f"fork.{format_}")
        assert store.verify(taken) == [] and store.run(taken).forked_from == {
            "elsewhere": store.run(second).forked_from
        }
        again = await forked(store, taken, Fork(node=2))
        assert [node.text for node in store.nodes(again)] == [
            node.text for node in store.nodes(second)
        ]


async def test_an_imported_tree_goes_on_from_its_texts(store: Store) -> None:
    [run_id, *_] = store.import_runs(
        parse_file(
            "treequest", content("treequest-mcts.json"), ImportHints("What is 12 + 7 + 25?", "44")
        )
    )
    leaf = max(store.nodes(run_id), key=lambda node: node.depth)
    with pytest.raises(BadInput, match="strategy"):
        await forked(store, run_id, Fork(node=leaf.id))
    fork = await forked(
        store,
        run_id,
        Fork(
            node=leaf.id,
            edit=TextEdit(text="So far 19."),
            settings={"strategy": "chain", "engine": "scripted"},
        ),
    )
    assert store.run(fork).status == "finished" and store.verify(fork) == []
    assert store.nodes(fork)[leaf.depth].text == "So far 19.\n\n"
    assert problem_of(store.run(fork).problem) == problem_of(store.run(run_id).problem)


async def test_what_cannot_be_forked_is_refused_with_what_is_accepted(store: Store) -> None:
    origin = await carried(store)
    for ask, words in (
        (
            Fork(node=0, edit=TextEdit(text="x")),
            "accepted: a step: the problem itself cannot be edited",
        ),
        (Fork(node=1, settings={"params": {"n": 0}}), "n of beam_search: got 0"),
        (Fork(node=1, settings={"colour": "red"}), "colour: got 'red'"),
        (Fork(node=1, settings={"strategy": "no_such"}), "no_such"),
    ):
        with pytest.raises(BadInput, match=words):
            await forked(store, origin, ask)
    assert store.forks(origin) == []


async def test_a_fork_that_never_began_is_taken_up_from_its_origin(store: Store) -> None:
    origin = await carried(store)
    ask = Fork(node=1, edit=TextEdit(text="Start with 12 + 7 = 19."))
    broken = await forked(
        store, origin, ask, ScriptedModels(engine=ScriptedEngine(broken="no engine today"))
    )
    assert (store.run(broken).status, [node.kind for node in store.nodes(broken)]) == (
        "failed",
        ["prompt", "injected"],
    )
    nothing = store.create_run(
        with_versions(spec("beam_search")).model_dump(mode="json"),
        problem=store.run(origin).problem,
        strategy="beam_search",
        model="",
        seed=11,
        forked_from=store.run(broken).forked_from,
    )
    store.update_run(nothing, status="crashed")
    whole = await forked(store, origin, ask)
    for run_id in (broken, nothing):
        board = jobs(store, ScriptedModels())
        await board.resume(run_id)
        await board.wait(run_id)
        assert store.run(run_id).status == "finished" and store.verify(run_id) == []
        assert list(differences(told(stored(store, whole)), told(stored(store, run_id)))) == []


def shared(log: MemorySink) -> list[Any]:
    """The events of a log. What a batch of scores took stands at its first score, and in a
    continued run that batch is a smaller one."""
    events = told(log)
    for event in events:
        if event["kind"] == "score":
            del event["data"]["tokens"]
    return events


@pytest.mark.parametrize(("name", "budget"), CONTINUED, ids=str)
async def test_a_continued_run_goes_the_way_that_its_budget_would_have_let_it_go_from_the_beginning(
    name: str, budget: dict[str, float], store: Store
) -> None:
    origin, larger = (
        await carried(store, name, budget=budget),
        {axis: LARGER[axis] for axis in budget},
    )
    board = jobs(
        store,
        ScriptedModels(ScriptedEngine(failure=lambda key: calls.append(key.partition("/")[2]))),
    )
    calls = list[str]()
    if not store.events(origin, of=[LimitReached]):
        with pytest.raises(Conflict, match="came to its own end"):
            await board.forks.continue_run(origin, larger)
        return
    run_id = await board.forks.continue_run(origin, larger)
    await board.wait(run_id)
    row, whole = store.run(run_id), await carried_out(spec(name, budget=larger))
    assert store.verify(run_id) == []
    assert list(differences(shared(whole.log), shared(stored(store, run_id)))) == []
    replayed = row.forked_from["replayed"]  # type: ignore[index,call-overload]
    assert len(calls) + replayed["model_calls"] == row.ledger["model_calls"]
    assert not set(carry_over(store, origin).completions) & set(calls)
    assert row.ledger["seconds"] >= store.run(origin).ledger["seconds"]  # type: ignore[operator]


async def test_a_race_that_the_budget_broke_off_is_run_to_its_end_when_it_is_continued(
    store: Store,
) -> None:
    origin = await carried(
        store,
        "best_of_n",
        ScriptedModels(ScriptedEngine(token_seconds=0.0001)),
        budget={"rounds": 2},
    )
    board = jobs(store, ScriptedModels())
    assert "aborted" in {node.finish for node in store.nodes(origin)}
    run_id = await board.forks.continue_run(origin, {})
    await board.wait(run_id)
    assert store.verify(run_id) == []
    whole = await carried_out(spec("best_of_n"))
    assert {(node.key, node.text) for node in store.nodes(run_id)} == {
        (node.key, node.text) for node in whole.log.nodes
    }
    assert store.run(run_id).answer == whole.outcome.answer


async def test_a_budget_that_is_not_larger_is_refused(store: Store) -> None:
    origin, board = (
        await carried(store, budget={"generated_tokens": 150, "rounds": 9}),
        jobs(store, ScriptedModels()),
    )
    for budget, words in (
        (
            {"generated_tokens": 150.0, "rounds": 9.0},
            "generated_tokens: got 150.0, accepted: more than 150, or no limit",
        ),
        ({"generated_tokens": 900.0, "rounds": 8.0}, "rounds: got 8.0, accepted: at least 9"),
        ({"generated_tokens": 900.0, "seconds": 8.0}, "seconds: got 8.0, accepted: no limit"),
    ):
        with pytest.raises(BadInput, match=words):
            await board.forks.continue_run(origin, budget)


class HeldEngine(ScriptedEngine):
    """Waits with its first answer, so that a test can pause the run meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()

    async def generate(self, requests: Sequence[Request]) -> AsyncGenerator[Completion]:
        self.asked.set()
        await self.go_on.wait()
        async with aclosing(super().generate(requests)) as completions:
            async for completion in completions:
                yield completion


async def paused(board: Jobs, engine: HeldEngine, asked: RunSpec) -> int:
    """A run that is paused at its first model call."""
    run_id = await board.submit(asked)
    await engine.asked.wait()
    await board.pause(run_id)
    engine.go_on.set()
    return run_id


def without(log: MemorySink) -> list[Any]:
    """What a search did and said, without what people asked for: texts in place of ids, no
    ledgers.
    """
    texts = {node.id: (node.key, node.text) for node in log.nodes}
    asked = {node.id for node in log.nodes if node.role == "on request"}
    kinds = ("node", "score", "step", "answer")
    return [
        (
            event.kind,
            texts[event.node_id] if event.node_id is not None else None,
            [texts[each] for each in (event.data or {}).get("nodes", [])],
        )
        for event in rows(log.events)
        if event.kind in kinds and event.node_id not in asked
    ]


@pytest.mark.parametrize("name", ["beam_search", "best_of_n", "dvts", "particle_filter"])
async def test_nodes_that_a_person_asks_for_in_a_paused_run_leave_its_search_as_it_is(
    name: str, store: Store
) -> None:
    board = jobs(store, ScriptedModels(engine := HeldEngine()))
    run_id = await paused(board, engine, spec(name))
    made = await board.expand(run_id, 0, 2)
    await board.resume(run_id)
    await board.wait(run_id)
    log, whole = stored(store, run_id), await carried_out(spec(name))
    assert store.verify(run_id) == [] and len(made) == 2
    assert without(log) == without(whole.log)
    asked = [node for node in log.nodes if node.role == "on request"]
    assert [node.id for node in asked] == made and all(node.parent_id == 0 for node in asked)
    assert {given.node for given in of(ScoreGiven, log.events)} >= set(made)
    row = store.run(run_id)
    assert row.ledger["model_calls"] == whole.outcome.ledger["model_calls"] + 2
    assert (row.answer, row.correct) == (whole.outcome.answer, whole.outcome.correct)
    [said] = [
        event
        for event in log.events
        if isinstance(event.body, Remarked) and event.body.by == "person"
    ]
    assert said.body.node == 0
    assert said.body.text == "A person asked for 2 more children of node 0."
    after = [cut for cut in cuts(store, batched(log)) if cut.next_seq > said.seq]
    assert after
    for cut in after:
        resumed = await carried_out(spec(name), cut)
        assert list(differences(told(log, cut.next_seq), told(resumed.log))) == [], (
            f"cut at {cut.next_seq}"
        )


def batched(log: MemorySink) -> Batches:
    """The log with the places where it may have been cut: after every call."""
    found = Batches()
    found.nodes, found.events = log.nodes, log.events
    found.ends = [event.seq + 1 for event in log.events if event.kind == "call"]
    return found


async def test_a_node_is_expanded_by_hand_only_in_a_paused_run_and_inside_its_budget(
    store: Store,
) -> None:
    over = await carried(store)
    board = jobs(store, ScriptedModels(engine := HeldEngine()))
    with pytest.raises(
        Conflict,
        match=(
            f"run {over} is finished: a node can be expanded by hand only while its run is paused"
        ),
    ):
        await board.expand(over, 1, 1)
    run_id = await board.submit(spec("beam_search", budget={"model_calls": 6}))
    await engine.asked.wait()
    with pytest.raises(Conflict, match="is running: a node can be expanded by hand only"):
        await board.expand(run_id, 1, 1)
    await board.pause(run_id)
    engine.go_on.set()
    with pytest.raises(BadInput, match="node: got 99, accepted: 0 to"):
        await board.expand(run_id, 99, 1)
    assert len(await board.expand(run_id, 0, 5)) == 2
    with pytest.raises(
        Conflict, match="budget spent: model_calls limit 6: nothing more can be generated"
    ):
        await board.expand(run_id, 0, 1)
    await board.resume(run_id)
    await board.wait(run_id)
    row = store.run(run_id)
    assert (row.ledger["model_calls"], store.verify(run_id)) == (6, [])
    assert row.limit == Limit("model_calls", 6.0) and "budget" not in (row.reason or "")
