"""What was stored and exported before events had classes opens, is explained and leaves as it did then."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend.cli.store import within
from backend.core.event_columns import to_columns
from backend.core.events import KINDS, UnknownEvent, kind_of
from backend.messages.why import WhatIfAsk
from backend.service import what_if as other
from backend.service import why as explained
from backend.service.assembly import Services
from backend.service.exchange import drawing_of
from backend.service.jobs.recovery import read_paid
from backend.service.reselection import reselect_run
from storage import Store
from storage.tables import json_text

DATA = Path(__file__).parent / "data"
EXPECTED: dict[str, dict[str, Any]] = json.loads((DATA / "untyped-events.json").read_text("utf-8"))
RUNS = [pytest.param(int(run), id=f"{run}-{said['strategy']}") for run, said in EXPECTED.items()]
BY_HAND, MCTS = 11, 2
CHANGED = {(1, "svg")}
"""A drawing now shows a particle that no slot goes on with as given up, as the live tree does."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("untyped") / "store.duckdb"
    path.write_bytes(gzip.decompress((DATA / "untyped-events.duckdb.gz").read_bytes()))
    return path


@pytest.fixture(scope="module")
def answers(file: Path) -> dict[int, dict[str, Any]]:
    """What this version says of each run, as the file of expected answers has it."""

    def asked(services: Services) -> dict[int, dict[str, Any]]:
        return {int(run): said_of(services, int(run)) for run in EXPECTED}

    return within(file, asked)


def said_of(services: Services, run_id: int) -> dict[str, Any]:
    said: dict[str, Any] = {
        "svg": digest(drawing_of(services.store, run_id).encode()),
        "why": explained.why(services, run_id).model_dump(mode="json"),
        "majority": reselect_run(services, run_id, "majority", {}, None).model_dump(mode="json"),
        "weighted": reselect_run(services, run_id, "weighted", {}, "min").model_dump(mode="json"),
    }
    if run_id == MCTS:
        ask = WhatIfAsk(params={"simulations": 3})
        said["replayed"] = other.would_have(services, run_id, ask).model_dump(mode="json")
    if run_id != BY_HAND:
        ask = WhatIfAsk(first=2)
        said["what_if"] = other.would_have(services, run_id, ask).model_dump(mode="json")
    return said


def known_fields(said: Any, before: Any) -> Any:
    """The answer without fields that it did not have then."""
    return {name: said[name] for name in before} if isinstance(before, dict) else said


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def as_then(content: bytes) -> bytes:
    """An export in the terms of that version, which said a spent budget as a sentence in `reason`.
    All else must be the bytes of then."""
    first, rest = content.split(b"\n", 1)
    header = json.loads(first)
    run = header["run"]
    if (axis := run.pop("limit_axis", None)) is not None:
        assert header["version"] == 3 and isinstance(run.pop("limit_value"), float)
        header["version"] = 1
        run["reason"] = f"{run['reason']}; " * (run["reason"] is not None) + f"budget spent: {axis}"
    return json_text(header).encode() + b"\n" + rest


def opened(file: Path, work: Callable[[Store], Any]) -> Any:
    store = Store.open(file)
    try:
        return work(store)
    finally:
        store.close()


@pytest.mark.parametrize("run_id", RUNS)
def test_a_stored_run_is_explained_chosen_from_and_drawn_as_before(
    answers: dict[int, dict[str, Any]], run_id: int
) -> None:
    before = EXPECTED[str(run_id)]
    assert answers[run_id].keys() == before.keys() - {"strategy", "export"}
    for question, said in answers[run_id].items():
        if (run_id, question) not in CHANGED:
            assert known_fields(said, before[question]) == before[question], question


@pytest.mark.parametrize("run_id", RUNS)
def test_a_stored_run_is_sound_and_exports_to_the_bytes_of_before(
    file: Path, tmp_path: Path, run_id: int
) -> None:
    def exported(store: Store) -> bytes:
        assert store.verify(run_id) == []
        store.export_run(run_id, tmp_path / "run.jsonl")
        return (tmp_path / "run.jsonl").read_bytes()

    assert digest(as_then(opened(file, exported))) == EXPECTED[str(run_id)]["export"]


def test_every_stored_event_is_read_and_written_bit_for_bit(file: Path) -> None:
    def compared(store: Store) -> set[str]:
        seen = set()
        for run_id in map(int, EXPECTED):
            for row in store.event_rows(run_id, limit=None):
                body = row.record().body
                assert not isinstance(body, UnknownEvent), row
                assert json.dumps(to_columns(body)) == json.dumps(row.columns())
                assert row.record().row() == row
                seen.add(row.kind)
        return seen

    assert opened(file, compared) == {kind_of(each) for each in KINDS}


def test_an_export_of_before_comes_in_and_leaves_as_it_was(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.duckdb")
    run_id = store.import_run(DATA / "untyped-events.jsonl")
    store.export_run(run_id, tmp_path / "again.jsonl")
    store.export_run(run_id, tmp_path / "again.zip", "parquet")
    copy = store.import_run(tmp_path / "again.zip")
    store.export_run(copy, tmp_path / "third.jsonl")
    store.close()
    content = (DATA / "untyped-events.jsonl").read_bytes()
    assert as_then((tmp_path / "again.jsonl").read_bytes()) == content
    assert (tmp_path / "third.jsonl").read_bytes() == (tmp_path / "again.jsonl").read_bytes()


def test_what_a_run_of_before_paid_is_found_again(file: Path) -> None:
    paid = opened(file, lambda store: read_paid(store, BY_HAND))
    assert paid.start is not None
    assert [(one.origin, one.reason) for one in paid.start.path] == [(0, None), (3, "human")]
    assert paid.completions["gone"].failure == "the context is full"
    assert (paid.completions["k53"].prompt_tokens, paid.completions["k53"].cached_tokens) == (9, 4)
    assert paid.scores["prm", "kx+1"].tokens == 30
    assert paid.scores["prm", "k1+x"].score.reason == "too long"
    assert paid.likelihoods["l1"].value == -3.5
    assert paid.likelihoods["l2"].value == float("-inf")
    assert paid.likelihoods["l2"].failure == "no room"
    assert paid.verdicts == {("x+1", "1+x"): True, ("x+1", "53"): None}
    [asked] = paid.requested
    assert (asked.node, asked.keys) == (1, ("req/1",))
