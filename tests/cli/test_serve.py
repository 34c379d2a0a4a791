"""The server as a process: pages and API on one port, samples at the first start, and an end within
three seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from backend.client import Client, Refused, Unreachable
from backend.core.spec import RunSpec
from tests.storage.test_strange_files import STRANGE
from tests.support.ports import free_port
from tests.support.stopwatch import Stopwatch

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 3.0
TOKEN = "a-secret-of-some-length"


@contextmanager
def server(db: Path, **environ: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """`python -m backend serve` on a free port; killed at the end if it is still there."""
    port = free_port()
    host = environ.pop("host", "127.0.0.1")
    arguments = ["serve", "--port", str(port), "--db", str(db), "--host", host]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ARBORETUM_")}
    with (db.parent / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "backend", *arguments],
            cwd=ROOT,
            env={**kept, **environ},
            stdout=log,
            stderr=log,
        )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def await_health(url: str, token: str | None = None, within_s: float = 120.0) -> Client:
    client = Client(url, token=token)
    end = time.monotonic() + within_s
    while True:
        try:
            client.health()
            return client
        except Unreachable:
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.1)


def follow(url: str, run_id: int, ends: list[str]) -> None:
    with Client(url) as client:
        for message in client.follow(run_id):
            last = message.kind
        ends.append(last)


def workers_of(pid: int) -> set[int]:
    """The processes that compute for a server."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {
        int(child)
        for child in children
        if b"computing.worker" in Path(f"/proc/{child}/cmdline").read_bytes()
    }


def test_the_server_ends_within_three_seconds_while_it_computes_and_leaves_no_process(
    tmp_path: Path,
) -> None:
    with server(tmp_path / "served.duckdb") as (process, url), await_health(url) as client:
        [shipped] = [each for each in client.experiments.all() if each.shipped]
        asked = [
            threading.Thread(target=ask_analyses, args=(url, shipped.hash, axis))
            for axis in ("generated_tokens", "samples", "rounds")
        ]
        for thread in asked:
            thread.start()
        end = time.monotonic() + 60.0
        while not (computing := workers_of(process.pid)) and time.monotonic() < end:
            time.sleep(0.01)
        assert computing
        watch = Stopwatch()
        process.terminate()
        process.wait(timeout=30)
        assert watch.seconds() < PATIENCE_S
        assert not any(Path(f"/proc/{pid}").exists() for pid in computing)
        for thread in asked:
            thread.join()


def ask_analyses(url: str, name: str, axis: str) -> None:
    """Ask for all analyses, and take it when the service stops meanwhile."""
    with Client(url) as client, suppress(Refused, Unreachable):
        client.experiments.analyses(name, axis=axis)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_ends_within_three_seconds_with_open_streams_and_a_run_under_way(
    tmp_path: Path, number: signal.Signals
) -> None:
    spec = RunSpec(
        strategy="mcts",
        problem="ledger/5/3",
        engine="scripted",
        verifier="exact",
        params={"simulations": 1_000_000},
    )
    ends: list[str] = []
    with server(tmp_path / "a.duckdb") as (process, url), await_health(url) as client:
        assert httpx.get(url).status_code == 200
        run_id = client.submit(spec)
        threads = [threading.Thread(target=follow, args=(url, run_id, ends)) for _ in range(3)]
        for thread in threads:
            thread.start()
        while client.info(run_id).nodes < 20:
            time.sleep(0.05)
        watch = Stopwatch()
        process.send_signal(number)
        process.wait(timeout=60)
        took = watch.seconds()
        for thread in threads:
            thread.join()
    assert took < PATIENCE_S
    assert set(ends) <= {"closing", "done"}
    assert len(ends) == 3
    with server(tmp_path / "a.duckdb") as (_, url), await_health(url) as client:
        assert client.info(run_id).status == "crashed"


def test_a_server_open_to_others_asks_for_its_token_everywhere(tmp_path: Path) -> None:
    with server(tmp_path / "a.duckdb", host="0.0.0.0", ARBORETUM_TOKEN=TOKEN) as (_, url):
        await_health(url, token=TOKEN).close()
        for path in ("/", "/trace", "/api/health", "/_stcore/health", "/api/assets/plotly.min.js"):
            assert httpx.get(url + path).status_code == 401
            assert (
                httpx.get(url + path, headers={"Authorization": f"Bearer {TOKEN}"}).status_code
                == 200
            )
        assert (
            httpx.get(
                url, headers={"Authorization": f"Bearer {TOKEN}", "Host": "evil.example.com"}
            ).status_code
            == 403
        )


def test_a_locked_store_is_named_and_the_server_does_not_start(tmp_path: Path) -> None:
    with server(tmp_path / "a.duckdb") as (_, url):
        await_health(url).close()
        arguments = ["verify-run", "1", "--db", str(tmp_path / "a.duckdb")]
        second = subprocess.run(
            [sys.executable, "-m", "backend", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 3
        assert "a.duckdb" in second.stderr


@pytest.mark.parametrize("kind", ["text", "foreign", "newer", "short", "folder"])
def test_a_server_on_a_strange_store_says_so_in_one_sentence_and_ends(
    tmp_path: Path, kind: str
) -> None:
    make, said = STRANGE[kind]
    make(tmp_path / "a.duckdb")
    with server(tmp_path / "a.duckdb") as (process, _):
        assert process.wait(timeout=120) == 3
    told = (tmp_path / "server.log").read_text().splitlines()
    assert [line for line in told if line.startswith("error: ") and said in line]
    assert not any("Traceback" in line or "File " in line for line in told)


def test_a_server_on_a_locked_store_or_below_a_file_says_so_and_ends(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    with server(tmp_path / "a.duckdb") as (_, url):
        await_health(url).close()
        for db, said in (
            (tmp_path / "a.duckdb", "is already open in another process"),
            (tmp_path / "file" / "a.duckdb", "cannot be made"),
        ):
            arguments = ["serve", "--port", str(free_port()), "--db", str(db)]
            second = subprocess.run(
                [sys.executable, "-m", "backend", *arguments],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            assert second.returncode == 3
            assert said in second.stderr and "Traceback" not in second.stderr
