"""Who comes from whom, read off the rows of the store. Everything here blocks for reading."""

from __future__ import annotations

from collections.abc import Mapping

from backend.core.errors import NotFound
from backend.core.types import JSON
from backend.messages import forks as schemas
from backend.review.stored_run import StoredRun
from backend.service import present
from backend.service.assembly import Services
from storage import RunRow, Store

LONGEST = 50
"""Origins of origins that are followed."""


def kin(services: Services, run_id: int) -> schemas.Kin:
    """Raises `NotFound`."""
    store = services.store
    row = store.run(run_id)
    limit = StoredRun(row, store).limit
    return schemas.Kin(
        origins=origins(store, row),
        forks=[_descendant(services, row) for row in store.forks(run_id)],
        limit=None if limit is None else limit.axis,
    )


def origins(store: Store, row: RunRow) -> list[schemas.Origin]:
    """The origin of a run, the origin's origin and so on, as far as they are stored."""
    found: list[schemas.Origin] = []
    current: RunRow | None = row
    while (
        current is not None
        and len(found) < LONGEST
        and (origin := origin_message(current.forked_from)) is not None
    ):
        current = None if origin.elsewhere else _row(store, origin.run)
        found.append(
            origin.model_copy(
                update={
                    "stored": current is not None,
                    "strategy": "" if current is None else current.strategy,
                }
            )
        )
    return found


def origin_message(forked_from: JSON) -> schemas.Origin | None:
    """What a row says of its origin, or None."""
    origin = forked_from if isinstance(forked_from, dict) else {}
    inner = origin.get("elsewhere")
    elsewhere, origin = (True, inner) if isinstance(inner, dict) else (False, origin)
    if not isinstance(origin.get("run"), int):
        return None
    edit = origin.get("edit")
    fields = {
        name: origin[name]
        for name in ("run", "node", "root", "path", "continued", "replayed")
        if origin.get(name) is not None
    }
    return schemas.Origin.model_validate(
        {**fields, **_edit(edit if isinstance(edit, dict) else {}), "elsewhere": elsewhere}
    )


def _edit(edit: Mapping[str, JSON]) -> dict[str, JSON]:
    token = edit.get("token")
    if isinstance(token, dict):
        return {
            "edited": "token",
            "position": token.get("position"),
            "words": token.get("text") or "",
        }
    return {"edited": "text", "words": edit.get("text") or ""} if edit else {}


def _descendant(services: Services, row: RunRow) -> schemas.Descendant:
    origin, standing = origin_message(row.forked_from), services.jobs.standing(row.id, row.status)
    assert origin is not None
    return schemas.Descendant.model_validate(
        {
            "run": row.id,
            "node": origin.node,
            "edited": origin.edited,
            "continued": origin.continued,
            "strategy": row.strategy,
            "status": row.status if standing is None else standing.status,
            "answer": row.answer,
            "correct": row.correct,
            "grade": present.run_message(row).grade,
        }
    )


def _row(store: Store, run_id: int) -> RunRow | None:
    try:
        return store.run(run_id)
    except NotFound:
        return None


__all__ = ["kin", "origin_message", "origins"]
