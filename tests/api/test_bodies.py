"""Bodies that are too long are refused with 413, and the refusal arrives."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from backend.api.bodies import MOST_BYTES
from tests.api.service import Service, serving
from tests.service.jobs.fakes import quick

HEAD = "POST /api/grade HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with serving(tmp_path, quick) as running:
        yield running


def answer_to(service: Service, head: str, body: bytes) -> tuple[int, dict[str, str]]:
    """The status and refusal that a plain socket reads after all of `body` was sent."""
    address = httpx.URL(service.url)
    with socket.create_connection((address.host, address.port or 80), timeout=20) as wire:
        wire.sendall(f"{head}\r\n".encode())
        for start in range(0, len(body), 2**16):
            wire.sendall(body[start : start + 2**16])
        received = b""
        while b"\r\n\r\n" not in received or not received.endswith(b"}"):
            part = wire.recv(2**16)
            assert part, "the connection was closed without an answer"
            received += part
    top, _, rest = received.partition(b"\r\n\r\n")
    return int(top.split()[1]), json.loads(rest)


def test_a_long_body_is_answered_after_all_of_it_was_sent(service: Service) -> None:
    body = b'{"text":"' + b"a" * (24 * MOST_BYTES) + b'"}'
    status, told = answer_to(service, f"{HEAD}Content-Length: {len(body)}\r\n", body)
    assert status == 413 and told["accepted"] == "at most 1,048,576 bytes"
    assert "too long" in told["error"] and told["given"] == f"{len(body):,} bytes"


def test_a_long_body_in_parts_of_unknown_number_is_answered_too(service: Service) -> None:
    part = b"10000\r\n" + b"a" * 2**16 + b"\r\n"
    status, told = answer_to(
        service, f"{HEAD}Transfer-Encoding: chunked\r\n", part * 80 + b"0\r\n\r\n"
    )
    assert status == 413 and told["given"].startswith("more than")


def test_who_asks_first_is_answered_before_anything_is_sent(service: Service) -> None:
    head = f"{HEAD}Content-Length: {8 * MOST_BYTES}\r\nExpect: 100-continue\r\n"
    status, _ = answer_to(service, head, b"")
    assert status == 413


def test_a_body_of_the_longest_length_is_read(service: Service) -> None:
    frame = json.dumps({"given": "5", "right": "5", "more": ""})
    body = frame.replace('""', '"' + "a" * (MOST_BYTES - len(frame)) + '"')
    assert len(body) == MOST_BYTES
    headers = {"Content-Type": "application/json"}
    answer = httpx.post(f"{service.url}/api/grade", content=body, headers=headers, timeout=30)
    assert answer.status_code == 200 and answer.json()["equal"] is True
    answer = httpx.post(f"{service.url}/api/grade", content=body + " ", headers=headers, timeout=30)
    assert answer.status_code == 413


def test_a_file_has_a_limit_of_its_own(service: Service) -> None:
    answer = httpx.post(f"{service.url}/api/import", content=b"x" * (2 * MOST_BYTES), timeout=30)
    assert answer.status_code == 422


def test_openapi_names_what_cannot_be_read_and_what_is_too_long(service: Service) -> None:
    paths = httpx.get(f"{service.url}/api/openapi.json", timeout=30).json()["paths"]
    broken = httpx.post(
        f"{service.url}/api/grade",
        content=b'{"given":"\xff"}',
        headers={"Content-Type": "application/json"},
        timeout=30,
    )
    assert broken.status_code == 400
    for methods in paths.values():
        for operation in methods.values():
            assert {"400", "413"} <= operation["responses"].keys()


def test_the_reference_names_every_path_and_loads_nothing(service: Service) -> None:
    page = httpx.get(f"{service.url}/api/docs", timeout=30)
    assert page.headers["content-type"].startswith("text/html")
    for path in httpx.get(f"{service.url}/api/openapi.json", timeout=30).json()["paths"]:
        assert path in page.text
    assert "<script" not in page.text and "://" not in page.text
