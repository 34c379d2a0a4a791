"""A heavy question is computed once for all who ask it, as long as somebody waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import pytest

from backend.core.errors import ArboretumError, BadInput, Conflict, ProcessDied
from backend.service.computing import ComputeDesk, ComputeQuestion
from backend.service.result_cache import ResultCache
from tests.support.waiting import until


@dataclass(frozen=True)
class Asked:
    """A question about a subject, whose results are in a version."""

    what: str
    version: int = 0
    subject: str = "experiment"

    def answer(self, memory: ResultCache) -> bytes:
        return f"{self.what} {self.version}".encode()


ERRORS: Mapping[str, ArboretumError] = {
    "refuse": BadInput("axis", given="pages", accepted="samples"),
    "die": ProcessDied("killed"),
}


@dataclass(eq=False)
class HeldWorker:
    """A worker that answers when it is told to; it raises what it is told to by a question."""

    log: list[str]
    go: asyncio.Event = field(default_factory=asyncio.Event)
    alive: bool = True

    async def ask(self, question: ComputeQuestion) -> bytes:
        assert isinstance(question, Asked)
        self.log.append(f"begun {question.what}")
        await self.go.wait()
        if question.what in ERRORS:
            self.alive = question.what != "die"
            raise ERRORS[question.what]
        return question.answer(ResultCache())

    async def end(self) -> None:
        self.log.append("ended")
        self.alive = False


@dataclass(eq=False)
class Office:
    """A desk with its workers, and what they did."""

    desk: ComputeDesk
    workers: list[HeldWorker]
    log: list[str]

    def go(self) -> None:
        for worker in self.workers:
            worker.go.set()


def office(at_once: int = 2, idle_s: float = 60.0, kept_bytes: int = 1000) -> Office:
    workers, log = list[HeldWorker](), list[str]()

    async def start() -> HeldWorker:
        workers.append(HeldWorker(log))
        return workers[-1]

    desk = ComputeDesk(start, at_once=at_once, idle_s=idle_s, kept_bytes=kept_bytes)
    return Office(desk, workers, log)


@pytest.fixture
async def one() -> AsyncIterator[Office]:
    made = office()
    yield made
    await made.desk.close()


async def test_all_who_ask_share_one_job_and_its_answer_is_kept(one: Office) -> None:
    asking = [asyncio.create_task(one.desk.answer(Asked("curves"))) for _ in range(5)]
    await until(lambda: bool(one.log))
    one.go()
    assert await asyncio.gather(*asking) == [b"curves 0"] * 5
    assert await one.desk.answer(Asked("curves")) == b"curves 0"
    assert one.log == ["begun curves"] and len(one.workers) == 1


async def test_another_version_of_the_results_is_another_question(one: Office) -> None:
    async def ask(version: int) -> bytes:
        asking = asyncio.create_task(one.desk.answer(Asked("curves", version)))
        await until(lambda: len(one.log) > version)
        one.go()
        return await asking

    assert [await ask(0), await ask(1)] == [b"curves 0", b"curves 1"]
    assert one.log == ["begun curves"] * 2


async def test_a_job_goes_on_while_one_waits_and_ends_with_the_last(one: Office) -> None:
    first, second = (asyncio.create_task(one.desk.answer(Asked("curves"))) for _ in range(2))
    await until(lambda: bool(one.log))
    first.cancel()
    await asyncio.wait({first})
    assert one.log == ["begun curves"]
    second.cancel()
    await asyncio.wait({second})
    await until(lambda: "ended" in one.log)
    again = asyncio.create_task(one.desk.answer(Asked("curves")))
    await until(lambda: len(one.workers) == 2)
    one.go()
    assert await again == b"curves 0"


async def test_no_more_are_computed_at_once_than_there_are_places() -> None:
    few = office(at_once=2)
    asking = [asyncio.create_task(few.desk.answer(Asked(f"{number}"))) for number in range(5)]
    await until(lambda: len(few.log) == 2)
    await asyncio.sleep(0.02)
    assert few.log == ["begun 0", "begun 1"] and len(few.workers) == 2
    few.go()
    assert await asyncio.gather(*asking) == [f"{number} 0".encode() for number in range(5)]
    assert len(few.workers) == 2
    await few.desk.close()


async def test_a_question_goes_to_the_worker_that_has_read_its_subject(one: Office) -> None:
    asking = [
        asyncio.create_task(one.desk.answer(Asked("curves", subject=subject)))
        for subject in ("one", "other")
    ]
    await until(lambda: len(one.workers) == 2)
    one.go()
    await asyncio.gather(*asking)
    seen = list[HeldWorker]()
    for worker in one.workers:
        worker.log = [f"worker {one.workers.index(worker)}"]
        seen.append(worker)
    await one.desk.answer(Asked("matrix", subject="one"))
    await one.desk.answer(Asked("matrix", subject="other"))
    assert [len(worker.log) for worker in seen] == [2, 2]


async def test_a_refused_question_leaves_its_worker_and_a_dead_one_is_replaced(
    one: Office,
) -> None:
    async def ask(what: str) -> bytes:
        count = len(one.log)
        asking = asyncio.create_task(one.desk.answer(Asked(what)))
        await until(lambda: bool(one.log[count:]))
        one.go()
        return await asking

    with pytest.raises(BadInput, match="pages"):
        await ask("refuse")
    assert len(one.workers) == 1
    with pytest.raises(ProcessDied):
        await ask("die")
    assert await ask("curves") == b"curves 0" and len(one.workers) == 2


async def test_who_waits_when_the_desk_is_closed_is_told_that_the_service_stops() -> None:
    closed = office()
    asking = asyncio.create_task(closed.desk.answer(Asked("curves")))
    await until(lambda: bool(closed.log))
    await closed.desk.close()
    with pytest.raises(Conflict, match="stopping"):
        await asking
    with pytest.raises(Conflict, match="stopping"):
        await closed.desk.answer(Asked("matrix"))
    assert closed.log == ["begun curves", "ended"]


async def test_a_worker_without_a_question_is_let_go() -> None:
    brief = office(idle_s=0.01)
    asking = asyncio.create_task(brief.desk.answer(Asked("curves")))
    await until(lambda: bool(brief.log))
    brief.go()
    await asking
    await until(lambda: "ended" in brief.log)
    assert await brief.desk.answer(Asked("curves")) == b"curves 0"
    await brief.desk.close()


async def test_answers_are_kept_up_to_a_size_and_the_oldest_goes_first() -> None:
    small = office(kept_bytes=20)

    async def ask(what: str) -> None:
        asking = asyncio.create_task(small.desk.answer(Asked(what)))
        while not asking.done():
            small.go()
            await asyncio.sleep(0)

    for what in ("one", "two", "three"):
        await ask(what)
    before = len(small.log)
    await ask("three")
    assert len(small.log) == before
    for what in ("four", "five", "one"):
        await ask(what)
    assert small.log.count("begun one") == 2
    await small.desk.close()
