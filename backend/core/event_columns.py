"""How an event lies in the columns of the store and of the service, in both directions.

The columns are `kind`, `node_id`, `label`, `value` and the JSON mapping `data`. What goes where is
declared in `backend.core.events`; this module compiles the declarations, once a class. How the
values of a declared type are read and written is in `backend.core.event_shapes`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Annotated, NamedTuple, cast, get_args, get_origin, get_type_hints

import msgspec

from backend.core.errors import BadInput
from backend.core.event_shapes import IdOf, Ids, Mismatch, Name, Read, Shape, Write, shape_of
from backend.core.events import (
    KINDS,
    Body,
    EventBody,
    FieldMark,
    NodeId,
    Note,
    UnknownEvent,
    kind_of,
)
from backend.core.types import JSON

MISSING = msgspec.NODEFAULT
GIVEN_SHOWN = 80
"""Characters of a wrong value that an error shows."""


class Columns(NamedTuple):
    """An event as it is stored and sent, without its place in the log."""

    kind: str
    node_id: int | None
    label: str
    value: float | None
    data: dict[str, JSON] | None


def to_columns(body: EventBody) -> Columns:
    """The columns of an event."""
    if isinstance(body, UnknownEvent):
        return Columns(body.kind, body.node_id, body.label, body.value, body.data)
    layout = _layout(type(body))
    data = {
        field.key: value if field.write is None else field.write(value)
        for field in layout.in_data
        if (value := getattr(body, field.name)) != field.left_out
    }
    value = None if layout.value is None else getattr(body, layout.value)
    return Columns(
        layout.kind,
        None if layout.node is None else getattr(body, layout.node),
        "" if layout.label is None else getattr(body, layout.label),
        value if not layout.copied or _is_finite_float(value) else None,
        data or None,
    )


def from_columns(columns: Columns) -> EventBody:
    """The event that lies in these columns; an `UnknownEvent` where this version does not know the
    kind. Names in `data` that it does not know are passed over.

    Raises `BadInput` naming kind and field where a known kind does not hold what it must.
    """
    kind = _by_kind().get(columns.kind)
    if kind is None:
        return UnknownEvent(*columns)
    data = columns.data if columns.data is not None else {}
    if not isinstance(data, dict):
        raise _wrong(columns.kind, "data", data, "a mapping")
    values: list[object] = []
    fields = _layout(kind).fields
    try:
        for _, key, place, default, _, _, read, _ in fields:
            given = data.get(key, default) if place is None else columns[place]
            values.append(given if given is default and given is not MISSING else read(given))
    except Mismatch:
        field = fields[len(values)]
        name = field.key if field.place is None else Columns._fields[field.place]
        raise _wrong(
            columns.kind, name, None if given is MISSING else given, field.accepted
        ) from None
    return cast(EventBody, kind(*values))


def read_columns(columns: Columns) -> EventBody:
    """`from_columns` for logs that somebody may have tampered with: what cannot be read becomes an
    `UnknownEvent` that says why."""
    try:
        return from_columns(columns)
    except BadInput as wrong:
        return UnknownEvent(*columns, problem=str(wrong))


def with_ids(note: Note, id_of: IdOf) -> EventBody:
    """A note of a strategy as the log holds it: nodes by their ids, in the order of the fields."""
    made = type(note)(
        *[
            getattr(note, name) if rename is None else rename(getattr(note, name), id_of)
            for name, rename in _layout(type(note)).named
        ]
    )
    return cast(EventBody, made)


def node_ids_of(body: EventBody) -> list[int]:
    """The ids of all nodes that an event names, in the order of its fields."""
    if isinstance(body, UnknownEvent):
        return [] if body.node_id is None else [body.node_id]
    found: list[int] = []
    for name, ids in _layout(type(body)).naming:
        found += ids(getattr(body, name))
    return found


def _wrong(kind: str, field: str, given: object, accepted: str) -> BadInput:
    """The error, with what was given on a short line of plain letters."""
    shown: object = given if isinstance(given, bool | float | None) else ascii(given)[:GIVEN_SHOWN]
    if isinstance(given, str):
        shown = ascii(given[:GIVEN_SHOWN])[1:-1][:GIVEN_SHOWN]
    elif type(given) is int and abs(given) < 2**63:
        shown = given
    return BadInput(f"{field} of a {kind} event", given=shown, accepted=accepted)


def _is_finite_float(value: object) -> bool:
    return isinstance(value, float) and abs(value) != math.inf


class _Field(NamedTuple):
    """One field of a class. `place` is the place of its column in `Columns`, None for a field in
    `data`, where it is called `key`. `left_out` is the value with which it is not written."""

    name: str
    key: str
    place: int | None
    default: object
    left_out: object
    accepted: str
    read: Read
    write: Write | None


class _Layout(NamedTuple):
    """Where the fields of a class lie: `node`, `label` and `value` name the fields in those
    columns; `named` are all fields with how nodes in them become ids, `naming` those that hold ids
    of nodes, with how to find these."""

    kind: str
    fields: tuple[_Field, ...]
    in_data: tuple[_Field, ...]
    node: str | None
    label: str | None
    value: str | None
    copied: bool
    named: tuple[tuple[str, Name | None], ...]
    naming: tuple[tuple[str, Ids], ...]


@cache
def _by_kind() -> dict[str, type[Body]]:
    return {kind_of(each): each for each in KINDS}


@cache
def _layout(kind: type[Body]) -> _Layout:
    hints = get_type_hints(kind, include_extras=True)
    fields, shapes, columns, copied = [], dict[str, Shape](), dict[str, str](), False
    for info in msgspec.structs.fields(kind):
        hint, mark = hints[info.name], None
        if get_origin(hint) is Annotated and hint != NodeId:
            hint, mark = get_args(hint)
        column = "node_id" if info.name == "node" else _COLUMNS.get(mark)
        if column is not None:
            columns[column] = info.name
        elif mark is FieldMark.COPIED:
            columns["value"], copied = info.name, True
        default = info.default if info.default_factory is MISSING else {}
        shape = shapes[info.name] = shape_of(hint)
        fields.append(
            _Field(
                info.name,
                info.encode_name,
                None if column is None else Columns._fields.index(column),
                default,
                default if mark is FieldMark.RARE else _NEVER,
                shape.accepted,
                shape.read,
                shape.write,
            )
        )
    return _Layout(
        kind_of(kind),
        tuple(fields),
        tuple(field for field in fields if field.place is None),
        columns.get("node_id"),
        columns.get("label"),
        columns.get("value"),
        copied,
        tuple((name, shape.name) for name, shape in shapes.items()),
        tuple((name, shape.ids) for name, shape in shapes.items() if shape.ids is not None),
    )


_COLUMNS: Mapping[FieldMark | None, str] = {FieldMark.LABEL: "label", FieldMark.VALUE: "value"}
_NEVER = object()


__all__ = ["Columns", "from_columns", "node_ids_of", "read_columns", "to_columns", "with_ids"]
