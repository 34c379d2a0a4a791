"""What people say of runs: labels with the history of every change, the codebook, and who has seen
what.

The store decides whether a label counts as blind, in the transaction that writes it: it does while
its author has opened the run in blind mode and was shown nothing else. Nobody can say so of his own
label. A label belongs to its author: others can neither change nor remove it. All of it goes with
the run, in the transaction that deletes the run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from backend.core.errors import BadInput, Conflict, NotFound
from backend.core.types import JSON
from backend.review.annotate.codebook import Category, new_key
from backend.review.annotate.labels import Kind, Label, Span
from storage import queries
from storage import queries_annotations as sql
from storage.database import Database, Row
from storage.runs import aware, in_utc, valid_json

ANNOTATION, CATEGORY = "annotation", "category"


class AnnotationRow(NamedTuple):
    """A stored label with what its run is; fields as in `backend.review.annotate.labels.Label`."""

    id: int
    run_id: int
    kind: Kind
    label: str
    node: int | None
    step: int | None
    span: Span | None
    note: str | None
    author: str
    blind: bool
    created_at: datetime
    updated_at: datetime
    strategy: str
    model: str
    problem_id: str | None


class EditRow(NamedTuple):
    """A change: `action` is created, changed or deleted; `key` is the id of an annotation or the
    key of a category."""

    id: int
    subject: str
    key: str
    run_id: int | None
    author: str
    at: datetime
    action: str
    before: dict[str, JSON] | None
    after: dict[str, JSON] | None


class WaitingRun(NamedTuple):
    """A run that can be labelled."""

    id: int
    strategy: str
    correct: bool | None
    chosen_node: int
    problem_id: str | None
    right_answer: str | None = None


class Annotations:
    """The tables of annotations. `now` tells the time (UTC)."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database, self._now = database, now

    # labels

    def save(self, run_id: int, label: Label, author: str) -> AnnotationRow:
        """Keep a label, in place of the author's earlier one at the same place (a category: of the
        same key). Saying the same again is no change.

        Raises `NotFound` for the run and `BadInput` for what cannot be stored.
        """
        content = _content(label)
        valid_json("annotation", [content, author])
        with self._database.writing() as connection:
            self._require_run(connection, run_id)
            blind = self._unseen(connection, run_id, author)
            moment = in_utc("updated_at", self._now())
            earlier = self._earlier(connection, run_id, label, author)
            if earlier is None:
                values = {
                    **content,
                    "run_id": run_id,
                    "author": author,
                    "blind": blind,
                    "created_at": moment,
                    "updated_at": moment,
                }
                annotation_id = int(connection.execute(sql.new_annotation(values)).scalar_one())
                self._log(
                    connection,
                    ANNOTATION,
                    str(annotation_id),
                    run_id,
                    author,
                    None,
                    {**content, "blind": blind},
                )
            else:
                annotation_id = earlier.id
                if _content(_label(earlier)) != content:
                    connection.execute(
                        sql.change_annotation(
                            earlier.id, {**content, "blind": blind, "updated_at": moment}
                        )
                    )
                    self._log(
                        connection,
                        ANNOTATION,
                        str(earlier.id),
                        run_id,
                        author,
                        _content_of(earlier),
                        {**content, "blind": blind},
                    )
            return annotation_row(connection.execute(sql.one_annotation(annotation_id)).one())

    def remove(self, annotation_id: int, author: str) -> None:
        """Remove a label; its history stays. Raises `NotFound`, or `Conflict` for another
        author's.
        """
        with self._database.writing() as connection:
            found = connection.execute(sql.one_annotation(annotation_id)).first()
            if found is None:
                raise NotFound(f"there is no annotation {annotation_id}")
            row = annotation_row(found)
            if row.author != author:
                raise Conflict(
                    f"annotation {annotation_id} is {row.author}'s: only its author can remove it"
                )
            connection.execute(sql.drop_annotation(annotation_id))
            self._log(
                connection,
                ANNOTATION,
                str(annotation_id),
                row.run_id,
                author,
                _content_of(row),
                None,
            )

    def find(
        self,
        run_ids: Sequence[int] | None = None,
        *,
        author: str | None = None,
        strategy: str | None = None,
        problem: str | None = None,
    ) -> list[AnnotationRow]:
        """Labels in order of run and id. `problem` is a problem id or the name of a set."""
        return [
            annotation_row(row)
            for row in self._database.rows(
                sql.found_annotations(run_ids, author, strategy, problem)
            )
        ]

    def authors(self) -> dict[str, int]:
        """Everybody who has labels, with the number of runs that have some."""
        return {row.author: row.runs for row in self._database.rows(sql.authors())}

    def count_labels(self) -> dict[int, dict[str, int]]:
        """How many labels each author has on each run."""
        found: dict[int, dict[str, int]] = {}
        for row in self._database.rows(sql.count_labels()):
            found.setdefault(row.run_id, {})[row.author] = row.labels
        return found

    def waiting(
        self, strategy: str | None = None, problem: str | None = None, text: str | None = None
    ) -> list[WaitingRun]:
        """Runs that are over and chose an answer, newest first."""
        return [
            WaitingRun(*row)
            for row in self._database.rows(sql.runs_to_label(strategy, problem, text))
        ]

    def history(self, run_id: int) -> list[EditRow]:
        """Every change of the run's labels, oldest first, those of labels that are gone among
        them.
        """
        return [edit_row(row) for row in self._database.rows(sql.edits(run_id, ANNOTATION))]

    # blind mode

    def open(self, run_id: int, author: str, *, blind: bool) -> bool:
        """An author begins with a run; whether what blind mode hides stays hidden. It does not once
        it was shown. Raises `NotFound`."""
        with self._database.writing() as connection:
            self._require_run(connection, run_id)
            moment = in_utc("opened_at", self._now())
            seen = connection.execute(sql.sight(run_id, author)).first()
            if seen is None:
                values = {
                    "run_id": run_id,
                    "author": author,
                    "opened_at": moment,
                    "seen_at": None if blind else moment,
                }
                connection.execute(sql.new_sight(values))
                return blind
            if seen.seen_at is None and not blind:
                connection.execute(sql.change_sight(run_id, author, {"seen_at": moment}))
            return seen.seen_at is None and blind

    def hidden(self, run_id: int, author: str) -> bool:
        """Whether the author works blind on a run and has been shown nothing yet."""
        with self._database.reading() as connection:
            return self._unseen(connection, run_id, author)

    # the codebook

    def codebook(self) -> list[Category]:
        """All categories in order, retired ones too."""
        return [Category(**row._asdict()) for row in self._database.rows(sql.categories())]

    def keep_category(self, given: Category, author: str) -> Category:
        """Add a category (`key` empty: one is made from the name, and it goes to the end) or change
        one. Raises `NotFound` and `BadInput`."""
        given.check()
        valid_json("category", [asdict(given), author])
        with self._database.writing() as connection:
            known = {
                row.key: Category(**row._asdict())
                for row in connection.execute(sql.categories()).fetchall()
            }
            if any(each.name == given.name and each.key != given.key for each in known.values()):
                raise BadInput(
                    "name of a category",
                    given=given.name,
                    accepted="a name that no other category has",
                )
            if not given.key:
                last = max((each.position for each in known.values()), default=-1)
                kept = replace(given, key=new_key(given.name, known), position=last + 1)
                connection.execute(sql.new_category(asdict(kept)))
                self._log(connection, CATEGORY, kept.key, None, author, None, asdict(kept))
                return kept
            if given.key not in known:
                raise NotFound(f"the codebook has no category {given.key}")
            if known[given.key] != given:
                connection.execute(sql.change_category(given.key, asdict(given)))
                self._log(
                    connection,
                    CATEGORY,
                    given.key,
                    None,
                    author,
                    asdict(known[given.key]),
                    asdict(given),
                )
            return given

    def codebook_history(self) -> list[EditRow]:
        """Every change of the codebook, oldest first."""
        return [edit_row(row) for row in self._database.rows(sql.edits(None, CATEGORY))]

    # within a transaction

    def _require_run(self, connection: sa.Connection, run_id: int) -> None:
        if connection.execute(queries.run_exists(run_id)).first() is None:
            raise NotFound(f"there is no run {run_id}")

    def _unseen(self, connection: sa.Connection, run_id: int, author: str) -> bool:
        seen = connection.execute(sql.sight(run_id, author)).first()
        return seen is not None and seen.seen_at is None

    def _earlier(
        self, connection: sa.Connection, run_id: int, label: Label, author: str
    ) -> AnnotationRow | None:
        rows = map(
            annotation_row, connection.execute(sql.found_annotations([run_id], author)).fetchall()
        )
        return next((row for row in rows if _same_place(_label(row), label)), None)

    def _log(
        self,
        connection: sa.Connection,
        subject: str,
        key: str,
        run_id: int | None,
        author: str,
        before: JSON,
        after: JSON,
    ) -> None:
        action = "created" if before is None else "deleted" if after is None else "changed"
        values = {
            "subject": subject,
            "key": key,
            "run_id": run_id,
            "author": author,
            "at": in_utc("at", self._now()),
            "action": action,
        }
        connection.execute(sql.new_edit({**values, "before": before, "after": after}))


def annotation_row(row: Row) -> AnnotationRow:
    """A joined row as plain values."""
    found: dict[str, Any] = row._asdict()
    stored = found["span"]
    span = (
        None
        if stored is None
        else Span(
            stored["start"],
            stored["end"],
            stored["quote"],
            tuple(tuple(each) for each in stored["tokens"]),
        )
    )
    times = {name: aware(found[name]) for name in ("created_at", "updated_at")}
    plain = {name: found[name] for name in AnnotationRow._fields if name in found}
    return AnnotationRow(**{**plain, **times, "node": found["node_id"], "span": span})


def edit_row(row: Row) -> EditRow:
    return EditRow(**{**row._asdict(), "at": aware(row.at)})


def _label(row: AnnotationRow) -> Label:
    return Label(row.kind, row.label, row.node, row.step, row.span, row.note)


def _same_place(one: Label, other: Label) -> bool:
    """Whether a label takes the place of another. Only a category can stand beside others of its
    kind."""
    steps = one.kind == "first_error" or one.step == other.step
    spans = [
        None if label.span is None else (label.span.start, label.span.end) for label in (one, other)
    ]
    keys = one.kind != "category" or one.label == other.label
    return (
        one.kind == other.kind
        and one.node == other.node
        and steps
        and spans[0] == spans[1]
        and keys
    )


def _content(label: Label) -> dict[str, JSON]:
    """A label as it is stored and as the history tells it."""
    span = None if label.span is None else label.span.json()
    return {
        "kind": label.kind,
        "label": label.label,
        "node_id": label.node,
        "step": label.step,
        "span": span,
        "note": label.note,
    }


def _content_of(row: AnnotationRow) -> dict[str, JSON]:
    return {**_content(_label(row)), "blind": row.blind}


__all__ = ["AnnotationRow", "Annotations", "EditRow", "WaitingRun"]
