"""Expand this node now: children that a person asks for while a run is paused.

The run's own policy writes them and its verifier scores them, on the run's ledger and inside its
budget. The search does not see them: their keys are their own, they are no candidates, and whatever
the search asks for later it is given as if they were not there. All records of a request stand
together in the log, and a remark among them says where they begin; so a run that is taken up again
finds them and writes them down at the same place.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.core.errors import ArboretumError, BadInput, BudgetExhausted, Conflict
from backend.core.events import Remarked
from backend.core.ports import Completion
from backend.core.types import ON_REQUEST, Kind, Node
from backend.runs.context import RunContext
from backend.runs.paid import PaidScore, Requested
from backend.runs.policy import LivePolicy
from backend.runs.verifier import LiveVerifier

PERSON = "person"
"""Who asked, in the remark."""


class ByRequest:
    """The requests of people to expand a node; `stored` holds those of an earlier attempt at the
    run."""

    def __init__(
        self,
        policy: LivePolicy,
        verifier: LiveVerifier,
        desk: RunContext,
        stored: Sequence[Requested] = (),
    ) -> None:
        self._policy, self._verifier, self._desk = policy, verifier, desk
        self._stored = {one.seq: one for one in stored}

    def again(self) -> None:
        """Record again what people had requested by the time that the run came to this place in an
        earlier attempt."""
        while (one := self._stored.pop(self._desk.recorder.next_seq, None)) is not None:
            parent, paid = self._desk.recorder.node_of(one.node), self._desk.paid
            self._policy.forgo(parent, len(one.keys))
            scores = [paid.scores.get((self._verifier.name, key)) for key in one.keys]
            self._record(
                parent,
                [paid.completions[key] for key in one.keys],
                scores,
                one.text,
                self._desk.recorder.elapsed_ms,
            )

    async def expand(self, node_id: int, n: int) -> list[int]:
        """The ids of up to `n` new children of a node; fewer where the budget admits fewer. Raises
        `BadInput` for the node, `Conflict` where the budget is spent, and what the model raises;
        then nothing is recorded."""
        recorder = self._desk.recorder
        if not 0 <= node_id < recorder.node_count:
            raise BadInput("node", given=node_id, accepted=f"0 to {recorder.node_count - 1}")
        node, started = recorder.node_of(node_id), recorder.elapsed_ms
        if node.done:
            raise BadInput("node", given=node_id, accepted="a node whose text is not finished")
        try:
            answers = await self._policy.continue_by_hand(node, n)
        except BudgetExhausted as spent:
            raise Conflict(f"{spent}: nothing more can be generated in this run") from None
        words = f"A person asked for {n} more child{'' if n == 1 else 'ren'} of node {node_id}."
        if len(answers) < n:
            words += f" The budget let through {len(answers)}."
        scores, unscored = await self._score(node, answers)
        return self._record(node, answers, scores, words + unscored, started)

    async def _score(
        self, parent: Node, answers: Sequence[Completion]
    ) -> tuple[list[PaidScore | None], str]:
        """Score the children that wrote something, as many as the budget admits. Returns the
        scores, one a child, and why some have none."""
        scores: list[PaidScore | None] = [None] * len(answers)
        due = [
            place
            for place, answer in enumerate(answers)
            if answer.text.strip() and answer.failure is None
        ]
        words = ""
        try:
            if due and (allowed := self._desk.meter.admit_scores(len(due))) < len(due):
                due, words = due[:allowed], f" The budget let {allowed} of them be scored."
            children = [
                self._policy.child(parent, answers[place], Kind.STEP, whole=False, role=ON_REQUEST)
                for place in due
            ]
            found = await self._verifier.judge(children) if due else []
        except ArboretumError as error:
            return scores, f" They have no scores: {error}."
        for place, score in zip(due, found, strict=True):
            scores[place] = score
        return scores, words

    def _record(
        self,
        parent: Node,
        answers: Sequence[Completion],
        scores: Sequence[PaidScore | None],
        text: str,
        started: float,
    ) -> list[int]:
        """Charge and record everything at once, so that nothing else of the run comes between."""
        desk, first = self._desk, self._desk.recorder.next_seq
        children = [
            self._policy.record(
                self._policy.child(parent, answer, Kind.STEP, whole=False, role=ON_REQUEST), answer
            )
            for answer in answers
        ]
        for child, score in zip(children, scores, strict=True):
            if score is not None:
                self._verifier.keep(child, score)
        ids = [desk.recorder.id_of(child) for child in children]
        parent_id = desk.recorder.id_of(parent)
        desk.recorder.add(Remarked(text, tuple(ids), parent_id, PERSON, first))
        desk.record_call(
            ON_REQUEST, started, answers, sum(len(answer.token_ids) for answer in answers)
        )
        return ids


__all__ = ["PERSON", "ByRequest"]
