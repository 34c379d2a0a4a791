"""Votes over answers that only algebra can compare: the driver asks before it counts, records what
it heard, and does not ask twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from backend import problems
from backend.core.events import AnswersCompared
from backend.core.ports import Completion, Request
from backend.core.records import MemorySink
from backend.core.spec import NEWEST, RunSpec
from backend.core.types import Finish
from backend.runs.control import Control
from backend.runs.driver import Outcome, run
from backend.runs.paid import NOTHING_PAID, Paid
from storage import Store
from tests.runs.test_resume import Batches, cuts, told
from tests.support.fake_engine import FakeEngine
from tests.support.logged import of

PROBLEM = problems.Problem("", "own", None, None, "What is it?", "x+1")
ANSWERS = ("2x", "x+1", "x+2", "1+x", "hostile?", "2+x", "1 + x", "(x+1)", "y")
EQUAL = [{"x+1", "1+x", "(x+1)"}, {"x+2", "2+x"}]


class Answering(FakeEngine):
    """Gives these answers, one a request, in the order in which they are first asked for; `places`
    remembers which request got which."""

    def __init__(self, answers: Sequence[str], places: dict[int, int] | None = None) -> None:
        super().__init__()
        self._answers, self._places = answers, {} if places is None else places

    def answer(self, request: Request) -> Completion:
        for sent in self.sent:
            self._places.setdefault(sent.seed, len(self._places))
        text = f"\\boxed{{{self._answers[self._places[request.seed] % len(self._answers)]}}}"
        ids = (*map(ord, text), 0)
        return Completion(
            request.key, text, ids, (-0.5,) * len(ids), Finish.END, len(request.token_ids)
        )


class Algebra:
    """Knows which of the answers are equal; `hostile?` is undecided. Counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, answer: str, other: str) -> bool | None:
        self.asked.append((answer, other))
        if "?" in answer + other:
            return None
        return any({answer.replace(" ", ""), other.replace(" ", "")} <= group for group in EQUAL)


async def voted(
    selector: str,
    sink: MemorySink,
    algebra: Algebra | None,
    paid: Paid = NOTHING_PAID,
    places: dict[int, int] | None = None,
    **more: Any,
) -> Outcome:
    spec = {
        "strategy": "best_of_n",
        "params": {"n": len(ANSWERS)},
        "question": "What is it?",
        "answer": "x+1",
        "verifier": "logprob",
        **more,
    }
    return await run(
        RunSpec.model_validate({**spec, "selector": selector}),
        problem=PROBLEM,
        engine=Answering(ANSWERS, places),
        reward=None,
        sink=sink,
        control=Control(),
        grade=problems.grade,
        paid=paid,
        compare=algebra,
    )


def verdicts(sink: MemorySink) -> list[tuple[str, str, bool | None]]:
    return [pair for compared in of(AnswersCompared, sink.events) for pair in compared.pairs]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "compared.duckdb")
    yield opened
    opened.close()


async def test_equal_answers_vote_together_though_they_are_written_differently() -> None:
    with_algebra, without = MemorySink(), MemorySink()
    outcome = await voted("majority", with_algebra, Algebra())
    assert outcome.answer is not None and outcome.answer.replace(" ", "") in EQUAL[0]
    await voted("majority", without, None)
    assert verdicts(without) == []


async def test_every_comparison_is_recorded_before_the_round_that_it_was_made_for() -> None:
    sink, algebra = MemorySink(), Algebra()
    await voted("majority", sink, algebra)
    recorded = verdicts(sink)
    assert len(recorded) == len(algebra.asked) == len(set(recorded)) > 0
    assert ("hostile?", "0", None) in recorded
    assert sum("hostile?" in pair for pair in recorded) == 1
    kinds = [event.kind for event in sink.events]
    assert all(
        kinds[place + 1 :].index("step") < 2
        for place, kind in enumerate(kinds)
        if kind == "compared"
    )


async def test_a_rule_that_does_not_vote_compares_nothing() -> None:
    for selector in ("best", "shortest", "perplexity", "first"):
        sink, algebra = MemorySink(), Algebra()
        await voted(selector, sink, algebra)
        assert algebra.asked == [] and verdicts(sink) == []


async def test_answers_that_no_step_reported_are_compared_before_the_last_vote() -> None:
    sink = MemorySink()
    outcome = await voted("majority", sink, Algebra(), budget={"rounds": 1})
    assert outcome.limit is not None and outcome.limit.axis == "rounds"
    kinds = [event.kind for event in sink.events]
    assert kinds.count("compared") == kinds.count("step") == 1
    assert kinds.index("step") < kinds.index("compared") < kinds.index("limit")


async def test_a_vote_that_was_cut_off_is_taken_up_with_the_verdicts_it_had(store: Store) -> None:
    whole, places, tried = Batches(), dict[int, int](), 0
    versions = NEWEST.model_dump()
    outcome = await voted("majority", whole, Algebra(), places=places, versions=versions)
    for paid in cuts(store, whole):
        algebra, rest = Algebra(), MemorySink()
        resumed = await voted("majority", rest, algebra, paid, places, versions=versions)
        heard = {(answer, other) for answer, other, _ in verdicts(whole)[: len(paid.verdicts)]}
        assert set(paid.verdicts) == heard
        assert len(algebra.asked) == len(verdicts(whole)) - len(heard)
        assert told(rest) == told(whole, paid.next_seq)
        assert (resumed.answer, resumed.chosen) == (outcome.answer, outcome.chosen)
        tried += bool(heard) and len(heard) < len(verdicts(whole))
    assert tried > 0
