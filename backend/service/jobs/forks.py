"""Runs that begin with what another run has: a fork goes on from one of its nodes, a continued run
has its settings and a larger budget."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from pydantic import JsonValue, ValidationError

from backend.core.errors import BadInput, Conflict, NotFound
from backend.core.events import NodeAdded
from backend.core.spec import Fork, RunSpec, TextEdit
from backend.core.types import JSON, Kind
from backend.problems.base import Problem
from backend.review.stored_run import StoredRun
from backend.runs.paid import NOTHING_PAID, Paid, RunStart
from backend.runs.start import writer_of
from backend.service.jobs.admission import Admission
from backend.service.jobs.recovery import (
    carry_over,
    count_replayed,
    join_paid,
    place_nodes,
    read_paid,
)
from storage import NodeFull, RunRow, Store

OVER = ("finished", "failed", "cancelled", "crashed")
DEPENDENT = {
    "strategy": ("params", "selector", "selector_params"),
    "engine": ("model", "verifier_model"),
    "verifier": ("verifier_params",),
    "selector": ("selector_params",),
}
"""What another value of a setting sets back to its default."""


class Begin(Protocol):
    """Stores a run that was accepted and lets it wait its turn; `forked_from` is its provenance."""

    async def __call__(
        self,
        spec: RunSpec,
        problem: Problem,
        paid: Paid,
        forked_from: dict[str, JSON] | None = None,
    ) -> int: ...


class Forks:
    """Accepts forks and continued runs."""

    def __init__(self, store: Store, admission: Admission, begin: Begin) -> None:
        self._store, self._admission, self._begin = store, admission, begin

    async def fork(self, run_id: int, ask: Fork) -> int:
        """A new run that goes on from a node of run `run_id`; its id. Raises `NotFound`, or
        `BadInput` for what cannot be forked so."""
        row = await asyncio.to_thread(self._store.run, run_id)
        run = StoredRun(row, self._store)
        spec, problem = spec_of(run, ask.settings), run.problem
        self._admission.admit(spec, problem)
        start = await asyncio.to_thread(start_of, self._store, row, ask.node, ask.edit)
        path: list[JSON] = [one.origin for one in start.path]
        edit = None if ask.edit is None else ask.edit.model_dump(mode="json", exclude_none=True)
        split = ask.edit is not None and ask.edit.token is not None and ask.edit.token.position > 0
        origin: dict[str, JSON] = {
            "run": run_id,
            "node": ask.node,
            "root": len(path) - 1 + split,
            "path": path,
            "edit": edit,
        }
        return await self._begin(spec, problem, replace(NOTHING_PAID, start=start), origin)

    async def continue_run(self, run_id: int, budget: Mapping[str, float]) -> int:
        """A new run with the settings of run `run_id` and a larger budget, which goes on where that
        one stopped; its id. Raises `Conflict` for a run that is not over or came to its own end,
        and `BadInput` for a budget that is not larger."""
        row = await asyncio.to_thread(self._store.run, run_id)
        if row.status not in OVER:
            raise Conflict(
                f"run {run_id} is {row.status}: only a run that is over can be continued "
                "with more budget"
            )
        run = StoredRun(row, self._store)
        limit = await asyncio.to_thread(lambda: run.limit)
        if row.status == "finished" and limit is None:
            raise Conflict(
                f"run {run_id} came to its own end, so more budget changes nothing: fork "
                "it from a node instead"
            )
        spec = spec_of(run, {"budget": dict(budget)})
        require_larger(row.spec.get("budget"), spec.budget, None if limit is None else limit.axis)
        problem = run.problem
        self._admission.admit(spec, problem)
        paid = await asyncio.to_thread(carry_over, self._store, run_id)
        return await self._begin(
            spec,
            problem,
            paid,
            {"run": run_id, "continued": True, "replayed": count_replayed(paid)},
        )

    def read_paid(self, row: RunRow) -> Paid:
        """What a run that is taken up need not pay again. What its log does not hold yet is read
        from its origin, as long as that is stored."""
        own, origin = read_paid(self._store, row.id), row.forked_from
        if not isinstance(origin, dict) or not isinstance(run := origin.get("run"), int):
            return own
        try:
            if origin.get("continued"):
                return join_paid(own, carry_over(self._store, run))
            if own.start is None:
                edit, node = origin.get("edit"), origin.get("node")
                assert isinstance(node, int)
                changed = None if edit is None else TextEdit.model_validate(edit)
                return replace(
                    own, start=start_of(self._store, self._store.run(run), node, changed)
                )
        except NotFound:
            if own.start is None and not origin.get("continued"):
                raise
        return own


def spec_of(run: StoredRun, settings: Mapping[str, JsonValue]) -> RunSpec:
    """The spec of a run with some settings changed. Of a run that this version could not carry out,
    such as an imported one, only the question is taken. Raises `BadInput` naming the setting."""
    try:
        base = run.spec.model_dump(mode="json")
    except BadInput:
        base = {"question": run.problem.question or None, "answer": run.problem.answer}
    for name, dependent in DEPENDENT.items():
        if name in settings and settings[name] != base.get(name):
            base = {other: value for other, value in base.items() if other not in dependent}
    try:
        return RunSpec.model_validate(base | dict(settings))
    except ValidationError as error:
        first: Any = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the question of the origin"
        given = settings.get(str(first["loc"][0])) if first["loc"] else base.get("question")
        raise BadInput(where, given=given, accepted=str(first["msg"])) from None


def start_of(store: Store, row: RunRow, node_id: int, edit: TextEdit | None) -> RunStart:
    """The path of a stored run to one of its nodes. Raises `NotFound` for the node, and `BadInput`
    for one that no fork can begin at."""
    path = store.path(row.id, node_id)
    if path[0].kind != Kind.PROMPT:
        raise BadInput(
            "node",
            given=node_id,
            accepted="a node below the problem: this one answers another prompt beside the search",
        )
    if len(path) == 1 and edit is not None:
        raise BadInput(
            "node", given=node_id, accepted="a step: the problem itself cannot be edited"
        )
    if edit is not None and edit.token is not None:
        require_alternative(path[-1], edit.token.position, edit.token.token_id)
    reasons = {
        event.body.node: event.body.reason
        for event in store.events(row.id, limit=None, of=[NodeAdded])
        if isinstance(event.body, NodeAdded)
    }
    given = [NodeAdded(node.id, True, node.id, reasons.get(node.id)) for node in path]
    return RunStart(
        tuple(place_nodes(path, given)), False, edit, writer_of(row.manifest.get("engine"))
    )


def require_alternative(node: NodeFull, position: int, token_id: int | None) -> None:
    """Raises `BadInput` unless the node has a token at that place, and the token is one of its
    stored alternatives there."""
    if position >= len(node.token_ids):
        raise BadInput(
            "position",
            given=position,
            accepted=f"0 to {len(node.token_ids) - 1}"
            if node.token_ids
            else "none: this step has no tokens",
        )
    if token_id is None:
        return
    stored = node.alternatives if isinstance(node.alternatives, list) else []
    options = stored[position] if position < len(stored) else []
    known = (
        [option[0] for option in options if isinstance(option, list)]
        if isinstance(options, list)
        else []
    )
    if token_id not in known:
        accepted = (
            f"one of {', '.join(map(str, known))}"
            if known
            else "none: no alternatives are stored here, so give a text"
        )
        raise BadInput("token_id", given=token_id, accepted=accepted)


def require_larger(old: JSON, new: Mapping[str, float], limit: str | None) -> None:
    """Raises `BadInput` unless no limit is lower than before and the one that ended the run is
    higher, or gone."""
    before = (
        {axis: float(value) for axis, value in old.items() if isinstance(value, int | float)}
        if isinstance(old, dict)
        else {}
    )
    for axis, least in before.items():
        given = new.get(axis)
        if given is not None and (given < least or (axis == limit and given <= least)):
            raise BadInput(
                f"budget {axis}",
                given=given,
                accepted=f"more than {least:g}, or no limit"
                if axis == limit
                else f"at least {least:g}",
            )
    for axis in new.keys() - before.keys():
        raise BadInput(
            f"budget {axis}", given=new[axis], accepted="no limit, as the run had none there"
        )


__all__ = ["Forks", "spec_of", "start_of"]
