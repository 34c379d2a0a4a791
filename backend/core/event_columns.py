"""How an event lies in the columns of the store and of the service, in both directions.

The columns are `kind`, `node_id`, `label`, `value` and the JSON mapping `data`. What goes where is
declared in `backend.core.events`; this module compiles the declarations, once a class. JSON has no
infinite numbers: they are the texts "inf" and "-inf" in `data`, and floats in an event.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import (
    Annotated,
    Any,
    NamedTuple,
    TypeAlias,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from backend.core.errors import BadInput
from backend.core.events import KINDS, Body, EventBody, Mark, N, NodeId, Note, UnknownEvent, kind_of
from backend.core.types import JSON, Node

MISSING = msgspec.NODEFAULT
INFINITE = {"inf": math.inf, "-inf": -math.inf}
GIVEN_SHOWN = 80
"""Characters of a wrong value that an error shows."""

Write: TypeAlias = Callable[[Any], JSON]
Read: TypeAlias = Callable[[Any], object]
IdOf: TypeAlias = Callable[[Node], int]
Name: TypeAlias = Callable[[Any, IdOf], object]
Ids: TypeAlias = Callable[[Any], Iterable[int]]


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
        if (value := getattr(body, field.name)) is not field.left_out
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
    except _Mismatch:
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


def nodes_named(body: EventBody) -> list[int]:
    """The ids of all nodes that an event names, in the order of its fields."""
    if isinstance(body, UnknownEvent):
        return [] if body.node_id is None else [body.node_id]
    found: list[int] = []
    for name, ids in _layout(type(body)).naming:
        found += ids(getattr(body, name))
    return found


def _wrong(kind: str, field: str, given: object, accepted: str) -> BadInput:
    if isinstance(given, str):
        shown: object = ascii(given)[1:-1][:GIVEN_SHOWN]
    else:
        shown = given if isinstance(given, int | float | None) else ascii(given)[:GIVEN_SHOWN]
    return BadInput(f"{field} of a {kind} event", given=shown, accepted=accepted)


def _is_finite_float(value: object) -> bool:
    return isinstance(value, float) and abs(value) != math.inf


class _Mismatch(Exception):
    """A value is not of the declared type."""


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
    fields, shapes, columns, copied = [], dict[str, _Shape](), dict[str, str](), False
    for info in msgspec.structs.fields(kind):
        hint, mark = hints[info.name], None
        if get_origin(hint) is Annotated and hint != NodeId:
            hint, mark = get_args(hint)
        column = "node_id" if info.name == "node" else _COLUMNS.get(mark)
        if column is not None:
            columns[column] = info.name
        elif mark is Mark.COPIED:
            columns["value"], copied = info.name, True
        default = info.default if info.default_factory is MISSING else {}
        shape = shapes[info.name] = _shape(hint)
        fields.append(
            _Field(
                info.name,
                info.encode_name,
                None if column is None else Columns._fields.index(column),
                default,
                default if mark is Mark.RARE else _NEVER,
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


_COLUMNS: Mapping[Mark | None, str] = {Mark.LABEL: "label", Mark.VALUE: "value"}
_NEVER = object()


class _Shape(NamedTuple):
    """A declared type: what it accepts in words, how a value is read from JSON and written as JSON
    (None: as it is), how nodes in it become ids, and how ids of nodes are found in it (None: it
    holds none). Values of the `plain` types are read as they are: a list of them needs no look at
    each."""

    accepted: str
    read: Read
    write: Write | None = None
    name: Name | None = None
    ids: Ids | None = None
    plain: frozenset[type] = frozenset()


def _shape(hint: Any) -> _Shape:
    if hint is N or hint == NodeId:
        name = _name_one if hint is N else None
        plain = frozenset({int})
        return _Shape("a node's id", _exactly(int), None, name, lambda node: (node,), plain)
    if hint in _SCALARS:
        return _SCALARS[hint]
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        [part] = [one for one in parts if one not in (type(None), msgspec.UnsetType)]
        return _optional(_shape(part))
    if origin is tuple and parts[-1] is Ellipsis:
        return _listed(_shape(parts[0]))
    if origin is tuple:
        return _fixed([_shape(part) for part in parts])
    assert origin is Mapping and parts[0] is str, f"an event may not hold {hint}"
    return _mapped(_shape(parts[1]))


def _name_one(node: Node, id_of: IdOf) -> object:
    return id_of(node)


def _name_all(name: Name | None) -> Name | None:
    if name is _name_one:  # most notes hold many nodes
        return lambda nodes, id_of: tuple(map(id_of, nodes))
    return name and (lambda values, id_of: tuple([name(value, id_of) for value in values]))


def _exactly(wanted: type) -> Read:
    def read(value: Any) -> object:
        if type(value) is wanted:
            return value
        raise _Mismatch

    return read


def _number(value: Any) -> object:
    if type(value) is float or type(value) is int:
        return value
    if isinstance(value, str) and value in INFINITE:
        return INFINITE[value]
    raise _Mismatch


def _finite_or_word(value: float) -> JSON:
    return value if abs(value) != math.inf else "inf" if value > 0 else "-inf"


_SCALARS: Mapping[Any, _Shape] = {
    int: _Shape("a whole number", _exactly(int), plain=frozenset({int})),
    float: _Shape("a number", _number, _finite_or_word, plain=frozenset({float, int})),
    str: _Shape("a text", _exactly(str), plain=frozenset({str})),
    bool: _Shape("true or false", _exactly(bool), plain=frozenset({bool})),
}


def _optional(part: _Shape) -> _Shape:
    accepted, read, write, name, ids, _ = part
    return _Shape(
        f"{accepted} or nothing",
        lambda value: None if value is None else read(value),
        write and (lambda value: None if value is None else write(value)),
        name and (lambda value, id_of: None if value is None else name(value, id_of)),
        ids and (lambda value: () if value is None else ids(value)),
    )


def _listed(part: _Shape) -> _Shape:
    accepted, read, write, name, ids, plain = part

    def read_all(values: Any) -> object:
        if type(values) is not list:
            raise _Mismatch
        return tuple(values if plain.issuperset(map(type, values)) else map(read, values))

    return _Shape(
        f"a list, each {accepted}",
        read_all,
        list if write is None else lambda values: [write(value) for value in values],
        _name_all(name),
        ids and (lambda values: [one for value in values for one in ids(value)]),
    )


def _fixed(parts: list[_Shape]) -> _Shape:
    def read_all(values: Any) -> object:
        if type(values) is not list or len(values) != len(parts):
            raise _Mismatch
        return tuple([part.read(value) for part, value in zip(parts, values, strict=True)])

    def write_all(values: Any) -> JSON:
        return [
            value if part.write is None else part.write(value)
            for part, value in zip(parts, values, strict=True)
        ]

    name, ids = parts[0].name, parts[0].ids
    return _Shape(
        "a list of " + " and ".join(part.accepted for part in parts),
        read_all,
        write_all,
        _name_all(name),
        ids and (lambda values: [one for value in values for one in ids(value)]),
    )


def _mapped(part: _Shape) -> _Shape:
    accepted, read, write, *_ = part

    def read_all(values: Any) -> object:
        if type(values) is not dict:
            raise _Mismatch
        return {name: read(value) for name, value in values.items()}

    return _Shape(
        f"a mapping, each value {accepted}",
        read_all,
        lambda values: {
            str(name): value if write is None else write(value) for name, value in values.items()
        },
    )


__all__ = ["Columns", "from_columns", "nodes_named", "read_columns", "to_columns", "with_ids"]
