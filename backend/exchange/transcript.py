"""How a reader writes down what it found: through the recorder that real runs use, so that an
imported run has the very same records.

Only times differ: they are the file's, or 0 where it has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from backend.core.errors import BadInput
from backend.core.events import AnswerChanged, StatusChanged
from backend.core.outside import clean_json, clean_text
from backend.core.records import MemorySink
from backend.core.spec import NEWEST
from backend.core.steps import Note, Step
from backend.core.types import JSON, Finish, Kind, Node, Score
from backend.exchange.base import (
    NODE_LIMIT,
    RUN_LIMIT,
    TEXT_LIMIT,
    FileRemarks,
    GivenNumber,
    Imported,
    ImportHints,
    within_limit,
)
from backend.problems.extraction import ReadBy
from backend.runs.recorder import Recorder


class Said(NamedTuple):
    """What the file says of the chosen answer."""

    node: Node
    answer: str | None
    correct: bool | None = None
    reason: str | None = None


class Transcript:
    """One run under way from a file. `format` names the reader; `program` and `version` say who
    wrote the file, where it is known; `remarks` gathers what is to be said of it."""

    def __init__(
        self,
        format: str,
        given: ImportHints,
        *,
        strategy: str,
        program: str,
        version: str | None = None,
        model: str = "",
        remarks: FileRemarks | None = None,
    ) -> None:
        self._sink = MemorySink()
        self._recorder = Recorder(self._sink)
        self._format, self._given, self._strategy, self._model = format, given, strategy, model
        self._about: dict[str, JSON] = {"format": format, "program": program}
        if version:
            self._about["version"] = version
        self._ms = 0.0
        self._times: list[float] = []
        self._candidates: list[Node] = []
        self._values: list[float | None] = []
        self._scores = 0
        self._costs = dict[str, float]()
        self.remarks = remarks or FileRemarks()
        self._said: Said | None = None
        self.created: datetime | None = None
        self.problem_id = ""
        self.root = self.node(
            None, given.question or "", "root", "the question", kind=Kind.PROMPT, role="user"
        )

    def note(self, **facts: JSON) -> None:
        """Further facts of the source, for the manifest."""
        self._about |= facts

    def cost(self, axis: str, amount: float | None) -> None:
        """Add to a cost that the file holds, by its axis of the ledger; None where it holds none. A
        cost that no file held is not in the ledger, and so not recorded."""
        if amount is not None:
            self._costs[axis] = self._costs.get(axis, 0) + amount

    def at(self, moment: datetime | None) -> None:
        """Move the clock to a time in UTC; it never goes back, whatever the file says."""
        if moment is None:
            return
        self.created = self.created or moment
        self._ms = max(self._ms, (moment - self.created).total_seconds() * 1000.0)

    def node(
        self,
        parent: Node | None,
        text: str,
        key: str,
        where: str,
        *,
        done: bool = False,
        kind: Kind = Kind.STEP,
        role: str = "policy",
        finish: Finish | None = None,
    ) -> Node:
        """Write down a node. `key` is its name in the file, `where` its place there, for errors."""
        within_limit(where, "characters", len(text), TEXT_LIMIT)
        within_limit(where, "nodes", self._recorder.node_count + 1, NODE_LIMIT)
        text = clean_text(text)
        depth = 0 if parent is None else parent.depth + 1
        finish = finish or (Finish.END if done else None)
        node = Node(
            text,
            parent=parent,
            depth=depth,
            done=done,
            finish=finish,
            role=role,
            kind=kind,
            key=f"{self._format}: {key}"[:200],
        )
        self._recorder.node(node)
        self._stamp()
        return node

    def score(self, node: Node, scorer: str, given: GivenNumber) -> float | None:
        """Write down a score, and return what it is worth. One outside [0, 1] is no probability: it
        is kept as the reason, and nothing ranks by it."""
        value, reason = given
        if value is not None and not 0.0 <= value <= 1.0:
            value, reason = None, f"the file says {value!r}, which is not in [0, 1]"
        self._recorder.score(clean_text(scorer), node, Score(value, reason=reason))
        self._scores += 1
        self._stamp()
        return value

    def step(
        self,
        candidates: Sequence[Node] = (),
        values: Sequence[float | None] = (),
        notes: Sequence[Note] = (),
        *,
        phase: str = "",
        track: str = "",
        stats: dict[str, float] | None = None,
    ) -> None:
        """Write down a round with its new candidates."""
        known = len(self._candidates)
        self._candidates.extend(candidates)
        self._values.extend(values)
        self._recorder.step(
            Step(self._candidates, self._values, tuple(notes), phase, track, stats or {}), known
        )
        self._stamp()

    def answer(
        self,
        node: Node,
        answer: str | None,
        *,
        correct: bool | None = None,
        reason: str | None = None,
        read_by: ReadBy | None = None,
    ) -> None:
        """Write down the choice; `read_by` is the rule that read the answer in the text. `correct`
        is the file's own verdict, if it has one."""
        if answer is None and reason is None:
            reason = "no answer could be read from the chosen text"
        self._said = Said(node, answer, correct, reason)
        node_id = self._recorder.id_of(node)
        rule = None if read_by is None else read_by.value
        self._recorder.add(AnswerChanged(node_id, answer, correct, reason, read_by=rule))
        self._stamp()

    def finish(self, *, status: str = "finished", reason: str | None = None) -> Imported:
        """The run as read."""
        self._recorder.add(StatusChanged(status))
        self._stamp()
        self._recorder.flush()
        events = [
            event.row()._replace(t_ms=round(ms, 3))
            for event, ms in zip(self._sink.events, self._times, strict=True)
        ]
        ledger: dict[str, JSON] = {**self._costs}
        if self._scores:
            ledger["verifier_calls"] = self._scores
        if self._ms:
            ledger["seconds"] = self._ms / 1000.0
        if remarks := self.remarks.sentences():
            self.note(remarks=[*remarks])
        said = self._said
        values = {
            "status": status,
            "strategy": self._strategy,
            "model": self._model,
            "seed": 0,
            "origin": "import",
            "spec": {
                "strategy": self._strategy,
                "question": self.root.text,
                "imported": self._format,
                "versions": NEWEST.model_dump(),
            },
            "manifest": {"imported": self._about},
            "ledger": ledger,
            "answer": said.answer if said else None,
            "correct": said.correct if said else None,
            "chosen_node": self._recorder.id_of(said.node) if said else None,
            "reason": reason or (said.reason if said else "the file names no answer"),
            "error": None,
            "remedy": None,
        }
        if self.created is not None:
            values["created_at"] = self.created
        accepted = (*filter(None, [self._given.answer]), *self._given.accepted)
        problem: dict[str, JSON] = {
            "id": self.problem_id,
            "dataset": self._format,
            "question": self.root.text,
            "answer": self._given.answer,
            "meta": {"accepted": list(accepted)} if len(accepted) > 1 else {},
        }
        return Imported(clean_mapping(problem), clean_mapping(values), self._sink.nodes, events)

    def _stamp(self) -> None:
        self._times.extend([self._ms] * (self._recorder.next_seq - len(self._times)))


def clean_mapping(found: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping with clean texts and numbers; times stay as they are."""
    return {
        name: value if isinstance(value, datetime) else clean_json(value)
        for name, value in found.items()
    }


def moment(text: str | None) -> datetime | None:
    """A time in ISO 8601 (UTC where it does not say), or None where it is not one."""
    try:
        found = datetime.fromisoformat(text) if text else None
        return (
            None
            if found is None
            else (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        )
    except (ValueError, OverflowError):
        return None


def some_runs(runs: list[Imported], where: str) -> list[Imported]:
    """The runs, if there are any and not too many."""
    if not runs:
        raise BadInput(where, given="nothing", accepted="at least one run")
    within_limit(where, "runs", len(runs), RUN_LIMIT)
    return runs


__all__ = ["Transcript", "moment", "some_runs"]
