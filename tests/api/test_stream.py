"""Server-sent events: nothing missed, nothing twice, and every stream ends."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx

from backend.client import Message, messages
from tests.api.service import Service, serving
from tests.service.jobs.fakes import Growing, spec

STREAM = {"Accept": "text/event-stream"}


def stream(
    service: Service,
    run_id: int,
    *,
    after: int | None = None,
    headers: dict[str, str] | None = None,
    most: int = 10**9,
) -> list[Message]:
    """Messages of a run until the stream ends or `most` have come."""
    found: list[Message] = []
    params = {} if after is None else {"after": after}
    with httpx.stream(
        "GET",
        f"{service.url}/api/runs/{run_id}/events",
        params=params,
        headers={**STREAM, **(headers or {})},
        timeout=30,
    ) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        for message in messages(response.iter_lines()):
            found.append(message)
            if len(found) >= most:
                break
    return found


def seqs(found: list[Message]) -> list[int]:
    return [message.seq for message in found if message.seq is not None]


def test_a_finished_run_is_sent_whole_and_then_the_stream_says_done(service: Service) -> None:
    run_id = service.client().submit(spec())
    found = stream(service, run_id)
    assert seqs(found) == [0, 1, 2, 3, 4]
    assert [message.kind for message in found if message.seq is not None] == [
        "node",
        "node",
        "node",
        "step",
        "answer",
    ]
    second = next(message for message in found if message.seq == 1)
    assert second.data["node"]["text"] == "7 + 5 = 12.\n\n"  # type: ignore[index]
    assert [message.kind for message in found[-2:]] == ["status", "done"]
    assert found[-1].data["status"] == "finished"


def test_a_live_run_is_sent_as_it_grows_without_gap_or_repetition(tmp_path: Path) -> None:
    with serving(tmp_path, Growing(0.002, most=400)) as service:
        run_id = service.client().submit(spec())
        assert seqs(stream(service, run_id)) == list(range(800))


def test_a_stream_is_taken_up_after_the_last_event_that_arrived(tmp_path: Path) -> None:
    with serving(tmp_path, Growing(0.002, most=200)) as service:
        run_id = service.client().submit(spec())
        first = stream(service, run_id, most=40)
        last = seqs(first)[-1]
        rest = stream(service, run_id, after=-1, headers={"Last-Event-ID": str(last)})
        assert seqs(first) + seqs(rest) == list(range(400))
        assert seqs(stream(service, run_id, after=390)) == list(range(391, 400))


def test_the_states_of_a_run_are_told_as_they_change(slow: Service, growing: Growing) -> None:
    client = slow.client()
    run_id = client.submit(spec())
    seen: list[str] = []
    for message in client.follow(run_id):
        if message.kind == "status" and message.seq is None:
            seen.append(str(message.data["status"]))
            if message.data["status"] == "running" and "paused" not in seen:
                client.pause(run_id)
            elif message.data["status"] == "paused":
                client.cancel(run_id)
    assert seen[-3:] == ["running", "paused", "cancelled"]
    assert message.kind == "done"


def test_a_bad_last_event_id_is_refused(service: Service) -> None:
    run_id = service.client().submit(spec())
    response = httpx.get(
        f"{service.url}/api/runs/{run_id}/events", headers={**STREAM, "Last-Event-ID": "soon"}
    )
    assert response.status_code == 422
    assert response.json()["given"] == "soon"


def test_a_quiet_stream_is_kept_alive_by_comments(slow: Service, growing: Growing) -> None:
    client = slow.client()
    run_id = client.submit(spec())
    while growing.written < 3:
        time.sleep(0.01)
    client.pause(run_id)
    with httpx.stream(
        "GET", f"{slow.url}/api/runs/{run_id}/events", headers=STREAM, timeout=30
    ) as response:
        assert any(line == ": ping" for line in response.iter_lines())


def test_a_client_that_leaves_is_forgotten(slow: Service, growing: Growing) -> None:
    client = slow.client()
    run_id = client.submit(spec())
    stream(slow, run_id, most=5)
    end = time.monotonic() + 10
    while slow.services.jobs._watchers and time.monotonic() < end:
        time.sleep(0.05)
    assert not slow.services.jobs._watchers


def test_streams_end_when_the_service_does(tmp_path: Path) -> None:
    with serving(tmp_path, Growing()) as service:
        run_id = service.client().submit(spec())
        kinds: list[str] = []
        with httpx.stream(
            "GET", f"{service.url}/api/runs/{run_id}/events", headers=STREAM, timeout=30
        ) as response:
            for message in messages(response.iter_lines()):
                kinds.append(message.kind)
                if len(kinds) == 5:
                    service.loop.call_soon_threadsafe(service.services.closing.set)
    assert kinds[-1] == "closing"


def test_a_long_finished_run_arrives_in_batches_and_in_order(tmp_path: Path) -> None:
    with serving(tmp_path, Growing(0.0, most=800)) as service:
        run_id = service.client().submit(spec())
        while service.store.run(run_id).status != "finished":
            time.sleep(0.05)
        assert seqs(stream(service, run_id)) == list(range(1600))


def test_what_is_streamed_is_what_is_listed(service: Service) -> None:
    client = service.client()
    run_id = client.submit(spec())
    streamed = [message.data for message in stream(service, run_id) if message.seq is not None]
    listed = httpx.get(f"{service.url}/api/runs/{run_id}/events").json()["events"]
    assert json.dumps(streamed) == json.dumps(listed)


def test_the_stream_of_a_run_that_nothing_works_on_ends(tmp_path: Path) -> None:
    with serving(tmp_path, Growing()) as service:
        run_id = service.store.create_run(
            spec().model_dump(mode="json"), problem=None, strategy="mcts", model="fake", seed=0
        )
        service.store.update_run(run_id, status="running")
        last = stream(service, run_id)[-1]
        assert (last.kind, last.data["status"]) == ("done", "crashed")
        assert service.client().info(run_id).status == "crashed"
