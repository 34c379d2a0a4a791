"""What earlier versions stored and exported means today what it meant then: a budget that was a
sentence is an axis and a number, and annealing without `early_phase` goes on to the last step.

`stores/revision_0003_limits.duckdb.xz` was made by commit d418855 on the scripted models: run 1
gave an answer when its six calls were spent, run 2 none within 20 tokens, run 3 is a particle
filter with entropic annealing, run 4 was cut off after two rounds. `run-2` and `run-3` are what
that version exported of two of them."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from backend.core.errors import BadInput
from backend.core.limits import Limit, describe_end
from backend.core.records import MemorySink
from backend.core.registry import STRATEGIES
from backend.core.spec import RunSpec
from backend.core.types import JSON
from backend.review.stored_run import StoredRun
from storage import Store
from storage.earlier import complete_spec, split_sentence
from tests.golden import differences, searched, told_event
from tests.storage.test_migrations import STORES, execute
from tests.storage.traces import new_run, opened

ANNEALED = 3
LEFT_OUT = ("call", "status", "answer")
LIMITS = {
    1: Limit("model_calls", 6.0),
    2: Limit("generated_tokens", 20.0),
    3: None,
    4: Limit("rounds", 2.0),
}
REASONS = {1: None, 2: "unfinished", 3: None, 4: "unfinished"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the old store."""
    packed = (STORES / "revision_0003_limits.duckdb.xz").read_bytes()
    (tmp_path / "store.duckdb").write_bytes(lzma.decompress(packed))
    return tmp_path


def ends(store: Store) -> dict[int, tuple[Limit | None, str | None]]:
    return {row.id: (row.limit, row.reason) for row in store.runs().rows}


def test_an_old_store_gives_axis_and_number_and_no_sentence(folder: Path) -> None:
    store = opened(folder)
    assert ends(store) == {run: (LIMITS[run], REASONS[run]) for run in LIMITS}
    assert {run: StoredRun(store.run(run), store).limit for run in LIMITS} == LIMITS
    assert [store.verify(run) for run in LIMITS] == [[]] * 4
    store.close()


def test_where_the_log_tells_nothing_the_spec_has_the_number(folder: Path) -> None:
    execute(folder / "store.duckdb", "DELETE FROM event WHERE kind = 'limit'")
    store = opened(folder)
    assert ends(store) == {run: (LIMITS[run], REASONS[run]) for run in LIMITS}
    store.close()


@pytest.mark.parametrize("file", ["run-2.jsonl", "run-2.parquet.zip"])
def test_an_old_export_gives_axis_and_number_and_leaves_with_them(
    tmp_path: Path, file: str
) -> None:
    store = opened(tmp_path)
    taken = store.run(store.import_run(STORES / file))
    assert (taken.limit, taken.reason) == (LIMITS[2], REASONS[2])
    for format_, name in (("jsonl", "again.jsonl"), ("parquet", "again.zip")):
        store.export_run(taken.id, tmp_path / name, format_)
        again = store.run(store.import_run(tmp_path / name))
        assert (again.limit, again.reason, again.spec) == (taken.limit, taken.reason, taken.spec)
    header = json.loads((tmp_path / "again.jsonl").read_text("utf-8").splitlines()[0])
    assert header["version"] == 3
    assert (header["run"]["limit_axis"], header["run"]["limit_value"]) == LIMITS[2]
    assert header["run"]["reason"] == "unfinished"
    store.close()


async def test_an_old_annealed_run_repeats_itself_token_by_token(folder: Path) -> None:
    store = opened(folder)
    run = StoredRun(store.run(ANNEALED), store)
    assert run.spec.params["early_phase"] == 1.0
    stored = told(store, ANNEALED)
    store.close()
    assert list(differences(stored, await told_again(run.spec))) == []
    params = {name: run.spec.params[name] for name in run.spec.params if name != "early_phase"}
    todays = run.spec.model_copy(update={"params": params})
    assert list(differences(stored, await told_again(todays))) != []


@pytest.mark.parametrize("file", ["run-3.jsonl", "run-3.parquet.zip"])
def test_an_old_export_of_an_annealed_run_comes_in_with_what_it_went_by(
    tmp_path: Path, file: str
) -> None:
    store = opened(tmp_path)
    spec = store.run(store.import_run(STORES / file)).spec
    assert spec["params"] == {
        "particles": 8,
        "anneal_below": 1.0,
        "max_steps": 4,
        "early_phase": 1.0,
    }
    store.close()


def told(store: Store, run_id: int) -> list[JSON]:
    """The decisions in the log of a stored run, without times and the words of its grading."""
    nodes = {node.id: node for node in store.read_paid_nodes(run_id)}
    return [
        told_event(event, nodes)  # type: ignore[arg-type]
        for event in store.events(run_id, limit=None)
        if event.kind not in LEFT_OUT
    ]


async def told_again(spec: RunSpec) -> list[JSON]:
    sink = MemorySink()
    await searched(spec, sink)
    nodes = {node.id: node for node in sink.nodes}
    return [told_event(event, nodes) for event in sink.events if event.kind not in LEFT_OUT]


@pytest.mark.parametrize("format_", ["jsonl", "parquet"])
def test_a_new_annealed_run_leaves_and_comes_back_with_todays_default(
    tmp_path: Path, format_: str
) -> None:
    store = opened(tmp_path)
    spec: dict[str, JSON] = {"strategy": "particle_filter", "params": {"anneal_below": 0.5}}
    run_id = store.create_run(
        spec, problem=None, strategy="particle_filter", model="scripted", seed=0
    )
    store.update_run(run_id, status="finished")
    store.export_run(run_id, tmp_path / "run.zip", format_)
    assert store.run(store.import_run(tmp_path / "run.zip")).spec == spec
    store.close()


@pytest.mark.parametrize(
    ("params", "completed"),
    [
        ({"anneal_below": 0.5}, {"anneal_below": 0.5, "early_phase": 1.0}),
        ({"anneal_below": 0.5, "early_phase": 0.25}, {"anneal_below": 0.5, "early_phase": 0.25}),
        ({"anneal_below": 0}, {"anneal_below": 0}),
        ({}, {}),
    ],
)
def test_only_annealing_without_an_early_phase_is_completed(
    params: dict[str, JSON], completed: dict[str, JSON]
) -> None:
    spec: dict[str, JSON] = {"strategy": "particle_filter", "params": params}
    assert complete_spec(spec) == {"strategy": "particle_filter", "params": completed}
    assert complete_spec({"strategy": "mcts", "params": params})["params"] == params
    STRATEGIES["particle_filter"].parse(completed)


@pytest.mark.parametrize(
    ("reason", "told", "found"),
    [
        (None, None, (None, None)),
        ("stopped by the user", None, ("stopped by the user", None)),
        ("budget spent: rounds", None, (None, Limit("rounds", 2.0))),
        ("budget spent: rounds", Limit("rounds", 3.0), (None, Limit("rounds", 3.0))),
        ("unfinished; budget spent: rounds", None, ("unfinished", Limit("rounds", 2.0))),
        ("a\nb; c; budget spent: rounds", None, ("a\nb; c", Limit("rounds", 2.0))),
        ("budget spent: flops", None, ("budget spent: flops", None)),
        ("the budget spent: rounds", None, ("the budget spent: rounds", None)),
        (None, Limit("rounds", 3.0), (None, Limit("rounds", 3.0))),
    ],
)
def test_a_sentence_is_split_where_there_is_a_number(
    reason: str | None, told: Limit | None, found: tuple[str | None, Limit | None]
) -> None:
    assert split_sentence(reason, told, {"budget": {"rounds": 2}}) == found


def test_the_words_are_made_of_axis_and_number() -> None:
    assert describe_end("unfinished", Limit("generated_tokens", 2_000_000.0)) == (
        "unfinished; budget spent: generated_tokens limit 2000000"
    )
    assert describe_end(None, Limit("seconds", 0.5)) == "budget spent: seconds limit 0.5"
    assert describe_end("unfinished", None) == "unfinished"
    assert describe_end(None, None) is None


def test_half_a_limit_is_refused_in_a_file(tmp_path: Path) -> None:
    store = opened(tmp_path)
    run_id = new_run(store)
    store.update_run(run_id, status="finished", limit_axis="rounds", limit_value=2.0)
    store.export_run(run_id, tmp_path / "run.jsonl")
    lines = (tmp_path / "run.jsonl").read_text("utf-8").replace(',"limit_value":2.0', "")
    (tmp_path / "half.jsonl").write_text(lines, "utf-8")
    with pytest.raises(BadInput, match="limit_axis and limit_value together"):
        store.import_run(tmp_path / "half.jsonl")
    with pytest.raises(BadInput, match="limit_value"):
        store.update_run(run_id, limit_axis="rounds", limit_value=float("nan"))
    store.close()
