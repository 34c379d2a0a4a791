"""What a visit adds to the statistics along a path: the plain mean, the visit-weighted mean of the
children, or the signed sum of DeepSearch.

Each is a function (path from the root, value) that gives every vertex of the path one visit and
says what it did. Q is W / N whatever the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from backend.core.formulas import backups as formulas
from backend.core.steps import Backed
from backend.strategies.parts.tree.vertex import Vertex

Backup: TypeAlias = Callable[[Sequence[Vertex], float], Backed]


def mean(path: Sequence[Vertex], value: float) -> Backed:
    """W grows by `value`: Q is the mean of all values that came by (Kocsis and Szepesvari 2006)."""
    for vertex in path:
        vertex.visits += 1
        vertex.total += value
    return _note_backup(path, value)


def children_mean(path: Sequence[Vertex], value: float) -> Backed:
    """Q is the mean of the children's Q weighted by their visits, unvisited ones left out; without
    any it is `value` (ReST-MCTS*)."""
    for vertex in reversed(path):
        vertex.visits += 1
        visited = [child for child in vertex.children if child.visits]
        totals, visits = [each.total for each in visited], [each.visits for each in visited]
        vertex.total = formulas.children(totals, visits, value) * vertex.visits
    return _note_backup(path, value)


def back_up_signed(path: Sequence[Vertex], value: float) -> Backed:
    """W grows by `value` in [-1, 1], times max(i / L, 0.1) for vertex i of L. Where that would
    change the sign of W, a positive value replaces W and a negative one is ignored (DeepSearch). So
    a vertex above a good leaf stays positive for ever."""
    for place, vertex in enumerate(path, start=1):
        part = formulas.signed_part(place, len(path), value)
        vertex.total = formulas.signed_total(vertex.total, part)
        vertex.visits += 1
    return _note_backup(path, value)


def _note_backup(path: Sequence[Vertex], value: float) -> Backed:
    return Backed(
        tuple([vertex.node for vertex in path]),
        value,
        tuple([vertex.mean for vertex in path]),
    )


BACKUPS: Mapping[str, Backup] = MappingProxyType({"mean": mean, "children": children_mean})
"""The rules between which plain tree search can choose."""
