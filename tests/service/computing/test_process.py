"""Processes that compute: they keep what they read, their errors travel, and none outlives the one
who asked."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from backend.core.errors import BadInput, ProcessDied
from backend.service.computing import ComputeDesk, ProcessWorker
from tests.service.computing.questions import AskDeath, AskForEver, AskPid, AskWrongly
from tests.support.waiting import until

QUESTIONS = "tests.service.computing.questions:Question"


@pytest.fixture
async def desk() -> AsyncIterator[ComputeDesk]:
    made = ComputeDesk(partial(ProcessWorker.start, QUESTIONS))
    yield made
    await made.close()


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def pid_in(path: Path) -> int:
    """What `AskForEver` wrote; 0 until then."""
    return int(path.read_text() or 0) if path.exists() else 0


async def begun(path: Path) -> int:
    """The process that computes without an end."""
    await until(lambda: pid_in(path) > 0)
    return pid_in(path)


async def test_a_process_keeps_what_it_read_and_survives_a_refusal(desk: ComputeDesk) -> None:
    first = (await desk.answer(AskPid("one", 1))).split()
    with pytest.raises(BadInput, match=r"axis: got 'pages', accepted: samples, rounds") as refused:
        await desk.answer(AskWrongly())
    assert (refused.value.given, refused.value.accepted) == ("pages", "samples, rounds")
    second = (await desk.answer(AskPid("one", 2))).split()
    assert first[0] == second[0] != str(os.getpid()).encode()
    assert [first[1], second[1]] == [b"1", b"2"]


async def test_a_process_that_dies_is_told_of_and_replaced(desk: ComputeDesk) -> None:
    with pytest.raises(ProcessDied, match="SIGKILL"):
        await desk.answer(AskDeath())
    assert await desk.answer(AskPid("one"))


async def test_a_question_that_nobody_waits_for_leaves_no_process(
    desk: ComputeDesk, tmp_path: Path
) -> None:
    asking = asyncio.create_task(desk.answer(AskForEver(str(tmp_path / "begun"))))
    pid = await begun(tmp_path / "begun")
    asking.cancel()
    await until(lambda: not lives(pid))


async def test_a_closed_desk_leaves_no_process_whatever_it_was_busy_with(tmp_path: Path) -> None:
    desk = ComputeDesk(partial(ProcessWorker.start, QUESTIONS))
    idle = int((await desk.answer(AskPid("one"))).split()[0])
    asking = asyncio.create_task(desk.answer(AskForEver(str(tmp_path / "begun"), "other")))
    busy = await begun(tmp_path / "begun")
    await desk.close()
    await asyncio.wait({asking})
    assert asking.exception() is not None
    assert not lives(idle) and not lives(busy)


async def test_a_process_ends_with_the_one_who_asked_in_the_middle_of_its_work(
    tmp_path: Path,
) -> None:
    worker = await ProcessWorker.start(QUESTIONS)
    asking = asyncio.create_task(worker.ask(AskForEver(str(tmp_path / "begun"))))
    await begun(tmp_path / "begun")
    stdin = worker._process.stdin
    assert stdin is not None
    stdin.close()  # as the end of this process would
    with pytest.raises(ProcessDied, match="status 0"):
        await asking
    await worker.end()
