"""How values of a declared type are read from JSON and written as JSON, for the fields of events.

JSON has no infinite numbers: they are the texts "inf" and "-inf" there, and floats in an event.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias, Union, get_args, get_origin

import msgspec

from backend.core.events import N, NodeId
from backend.core.types import JSON, Node

INFINITE = {"inf": math.inf, "-inf": -math.inf}

Write: TypeAlias = Callable[[Any], JSON]
Read: TypeAlias = Callable[[Any], object]
IdOf: TypeAlias = Callable[[Node], int]
Name: TypeAlias = Callable[[Any, IdOf], object]
Ids: TypeAlias = Callable[[Any], Iterable[int]]


class Mismatch(Exception):
    """A value is not of the declared type."""


class Shape(NamedTuple):
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


def shape_of(hint: Any) -> Shape:
    if hint is N or hint == NodeId:
        name = _name_one if hint is N else None
        plain = frozenset({int})
        return Shape("a node's id", _exactly(int), None, name, lambda node: (node,), plain)
    if hint in _SCALARS:
        return _SCALARS[hint]
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        [part] = [one for one in parts if one not in (type(None), msgspec.UnsetType)]
        return _optional(shape_of(part))
    if origin is tuple and parts[-1] is Ellipsis:
        return _list_shape(shape_of(parts[0]))
    if origin is tuple:
        return _tuple_shape([shape_of(part) for part in parts])
    assert origin is Mapping and parts[0] is str, f"an event may not hold {hint}"
    return _map_shape(shape_of(parts[1]))


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
        raise Mismatch

    return read


def _number(value: Any) -> object:
    if type(value) is float or type(value) is int:
        return value
    if isinstance(value, str) and value in INFINITE:
        return INFINITE[value]
    raise Mismatch


def _finite_or_word(value: float) -> JSON:
    return value if abs(value) != math.inf else "inf" if value > 0 else "-inf"


_SCALARS: Mapping[Any, Shape] = {
    int: Shape("a whole number", _exactly(int), plain=frozenset({int})),
    float: Shape("a number", _number, _finite_or_word, plain=frozenset({float, int})),
    str: Shape("a text", _exactly(str), plain=frozenset({str})),
    bool: Shape("true or false", _exactly(bool), plain=frozenset({bool})),
}


def _optional(part: Shape) -> Shape:
    accepted, read, write, name, ids, _ = part
    return Shape(
        f"{accepted} or nothing",
        lambda value: None if value is None else read(value),
        write and (lambda value: None if value is None else write(value)),
        name and (lambda value, id_of: None if value is None else name(value, id_of)),
        ids and (lambda value: () if value is None else ids(value)),
    )


def _list_shape(part: Shape) -> Shape:
    accepted, read, write, name, ids, plain = part

    def read_all(values: Any) -> object:
        if type(values) is not list:
            raise Mismatch
        return tuple(values if plain.issuperset(map(type, values)) else map(read, values))

    return Shape(
        f"a list, each {accepted}",
        read_all,
        list if write is None else lambda values: [write(value) for value in values],
        _name_all(name),
        ids and (lambda values: [one for value in values for one in ids(value)]),
    )


def _tuple_shape(parts: list[Shape]) -> Shape:
    def read_all(values: Any) -> object:
        if type(values) is not list or len(values) != len(parts):
            raise Mismatch
        return tuple([part.read(value) for part, value in zip(parts, values, strict=True)])

    def write_all(values: Any) -> JSON:
        return [
            value if part.write is None else part.write(value)
            for part, value in zip(parts, values, strict=True)
        ]

    name, ids = parts[0].name, parts[0].ids
    return Shape(
        "a list of " + " and ".join(part.accepted for part in parts),
        read_all,
        write_all,
        _name_all(name),
        ids and (lambda values: [one for value in values for one in ids(value)]),
    )


def _map_shape(part: Shape) -> Shape:
    accepted, read, write, *_ = part

    def read_all(values: Any) -> object:
        if type(values) is not dict:
            raise Mismatch
        return {name: read(value) for name, value in values.items()}

    return Shape(
        f"a mapping, each value {accepted}",
        read_all,
        lambda values: {
            str(name): value if write is None else write(value) for name, value in values.items()
        },
    )


__all__ = ["IdOf", "Ids", "Mismatch", "Name", "Read", "Shape", "Write", "shape_of"]
