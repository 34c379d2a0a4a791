"""Records of sequential Monte Carlo by LLaMPPL and GenLM Control: what `json_file` of the one and
`json_path` of the other writes.

A row is written after every step: each particle's text (whole and with its newest part between
`<<<` and `>>>`, or only what was added), its log weight, and in a row of mode `resample` the slots
of the row before that its particles continue. Neither program writes which scheme drew them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pydantic import Field

from backend.core.errors import BadInput
from backend.core.statistics.weights import ess, logmeanexp, softmax
from backend.core.steps import Note, Resampled, Weighed
from backend.core.types import JSON, Node
from backend.exchange.base import (
    BYTES_LIMIT,
    NODE_LIMIT,
    FileRemarks,
    Foreign,
    Format,
    Imported,
    ImportHints,
    Number,
    begins,
    decode,
    within_limit,
)
from backend.exchange.document import Record, read_records, unwrap
from backend.exchange.transcript import Transcript, some_runs


class SmcParticle(Foreign):
    """A particle after a step: its text `contents`, or the first `keep` characters that it had (all
    of them) and `contents_incr`."""

    contents: str | None = None
    contents_incr: str | None = None
    keep: int | None = Field(None, ge=0)
    logweight: Number


class SmcRow(Foreign):
    """One step of all particles."""

    mode: Literal["init", "smc_step", "resample"]
    particles: list[SmcParticle] = Field(min_length=1)
    ancestors: list[int] | None = None


@dataclass(eq=False)
class Planned:
    """A node to be: the `text` it adds and the `length` of all text down to it."""

    parent: Planned | None
    text: str
    length: int
    name: str
    where: str
    done: bool = False
    node: Node | None = None


class HeldParticle(NamedTuple):
    """What a slot holds after a row: its newest node, its whole text where the record says it
    whole, its log weight."""

    planned: Planned
    whole: str
    log_weight: float


def parse(content: bytes, given: ImportHints) -> list[Imported]:
    """A run a list of rows, a round a row."""
    records = unwrap(read_records(content))
    if not records:
        raise BadInput("$", given="no rows", accepted="at least one row of particles")
    if all(isinstance(record.value, list) for record in records):
        return some_runs(
            [
                _run([Record(f"{where}[{at}]", row) for at, row in enumerate(rows)], where, given)
                for where, rows in records
                if isinstance(rows, list)
            ],
            "$",
        )
    return [_run(records, "$", given)]


def _run(records: Sequence[Record], place: str, given: ImportHints) -> Imported:
    """One run; `place` is that of its list of rows."""
    if not records:
        raise BadInput(place, given="no rows", accepted="at least one row of particles")
    remarks = FileRemarks()
    rows = [decode(SmcRow, value, where, remarks) for where, value in records]
    size = len(rows[0].particles)
    within_limit(place, "nodes", len(rows) * size, NODE_LIMIT)
    program = "llamppl" if rows[0].particles[0].contents is not None else "genlm-control"
    trace = Transcript("smc", given, strategy=f"{program} SMC", program=program, remarks=remarks)
    plan, states = (
        SmcPlan(),
        [[HeldParticle(Planned(None, "", 0, "", "$", node=trace.root), "", 0.0)] * size],
    )
    for index, row in enumerate(rows):
        where = records[index].where
        states.append(plan.after(states[-1], row, where, f"row {index + 1}"))
        for slot, particle in enumerate(row.particles):
            if particle.logweight.value is None and not _is_dead(records[index].value, slot):
                remarks.say(
                    f"row {index + 1}, particle {slot} weighs nothing: {particle.logweight.reason}"
                )
    for held in states[-1]:
        held.planned.done = True
    for before, after, row in zip(states[:-1], states[1:], rows, strict=True):
        _write(
            trace,
            before,
            after,
            row.ancestors if row.mode == "resample" else None,
            last=after is states[-1],
        )
    return trace.finish()


def _is_dead(row: JSON, slot: int) -> bool:
    """Whether the file itself says that a particle weighs nothing."""
    particles = row.get("particles") if isinstance(row, dict) else None
    particle = particles[slot] if isinstance(particles, list) else None
    said = particle.get("logweight") if isinstance(particle, dict) else None
    return said in ("-Infinity", "-inf", -math.inf)


class SmcPlan:
    """Nodes to be, with the number of characters in all of them: a short file can ask for many
    copies of a long text."""

    def __init__(self) -> None:
        self._characters = 0

    def after(
        self, before: Sequence[HeldParticle], row: SmcRow, where: str, name: str
    ) -> list[HeldParticle]:
        """What the slots hold after a row. Raises `BadInput` with the place."""
        if len(row.particles) != len(before):
            raise BadInput(
                f"{where}.particles",
                given=f"{len(row.particles)} particles",
                accepted=f"{len(before)}, as in the first row",
            )
        if row.mode == "resample":
            slots = row.ancestors or []
            if len(slots) != len(before) or not all(0 <= slot < len(before) for slot in slots):
                raise BadInput(
                    f"{where}.ancestors",
                    given=slots[:20],
                    accepted=f"{len(before)} slots from 0 to {len(before) - 1}",
                )
            before = [before[slot] for slot in slots]
        pairs = enumerate(zip(before, row.particles, strict=True))
        return [
            self._move(old, particle, f"{where}.particles[{slot}]", f"{name}, particle {slot}")
            for slot, (old, particle) in pairs
        ]

    def _move(
        self, old: HeldParticle, particle: SmcParticle, where: str, name: str
    ) -> HeldParticle:
        whole, keep, added = _change(old, particle, where)
        parent, rest = old.planned, ""
        while parent.parent is not None and parent.length > keep:
            parent, rest = parent.parent, parent.text
        self._characters += keep - parent.length + len(added)
        within_limit(where, "characters by then", self._characters, BYTES_LIMIT)
        text = rest[: keep - parent.length] + added
        planned = Planned(parent, text, keep + len(added), name, where) if text else parent
        return HeldParticle(
            planned,
            whole,
            -math.inf if particle.logweight.value is None else particle.logweight.value,
        )


def _change(old: HeldParticle, particle: SmcParticle, where: str) -> tuple[str, int, str]:
    """The whole text where the record says it, how much of the old text stays, and what is
    added.
    """
    if particle.contents is not None:
        whole = strip_marks(particle.contents)
        pairs = enumerate(zip(whole, old.whole, strict=False))
        shorter = min(len(whole), len(old.whole))
        keep = (
            len(old.whole)
            if whole.startswith(old.whole)
            else next((place for place, (one, other) in pairs if one != other), shorter)
        )
        return whole, keep, whole[keep:]
    if particle.contents_incr is None:
        raise BadInput(where, given="a particle without text", accepted="contents or contents_incr")
    keep = old.planned.length if particle.keep is None else particle.keep
    if keep > old.planned.length:
        raise BadInput(
            f"{where}.keep",
            given=keep,
            accepted=f"at most {old.planned.length}, what the particle had",
        )
    return "", keep, particle.contents_incr


def _write(
    trace: Transcript,
    before: Sequence[HeldParticle],
    after: Sequence[HeldParticle],
    ancestors: Sequence[int] | None,
    *,
    last: bool,
) -> None:
    """Write down a row: its new nodes, then what was resampled before it and how it weighs."""
    old = [held.log_weight for held in before]
    notes: list[Note] = []
    if ancestors is not None:
        notes.append(
            Resampled(
                "not recorded", _nodes(trace, before), tuple(ancestors), (), tuple(old), ess(old)
            )
        )
        old = [logmeanexp(old)] * len(old)
    particles, weights = _nodes(trace, after), [held.log_weight for held in after]
    increments = tuple(
        new - was if was > -math.inf else 0.0 for new, was in zip(weights, old, strict=True)
    )
    notes.append(Weighed(particles, tuple(weights), increments))
    candidates, values = (
        (particles, [float(weight) for weight in softmax(weights)]) if last else ((), [])
    )
    trace.step(candidates, values, notes, stats={"ess": ess(weights)})


def _nodes(trace: Transcript, held: Sequence[HeldParticle]) -> tuple[Node, ...]:
    """The nodes of the slots, written down now where they are new."""
    return tuple(_node(trace, each.planned) for each in held)


def _node(trace: Transcript, planned: Planned) -> Node:
    if planned.node is None:
        assert planned.parent is not None
        parent = planned.parent.node  # of an earlier row, which is written down
        planned.node = trace.node(
            parent, planned.text, planned.name, planned.where, done=planned.done
        )
    return planned.node


def strip_marks(contents: str) -> str:
    """A text without the marks of its newest part."""
    before, mark, rest = contents.partition("<<<")
    newest, closed, after = rest.partition(">>>")
    return before + newest + after if mark and closed else contents


def _holds(value: JSON) -> bool:
    row = value[0] if isinstance(value, list) and value else value
    particles = row.get("particles") if isinstance(row, dict) else None
    return isinstance(particles, list) and any(
        isinstance(each, dict) and "logweight" in each for each in particles[:1]
    )


FORMAT = Format(
    "smc",
    "SMC record (LLaMPPL, GenLM Control)",
    "llamppl, genlm-control",
    lambda beginning: begins(beginning, rb'"logweight"'),
    parse,
    order=30,
    holds=_holds,
)

__all__ = ["FORMAT", "strip_marks"]
