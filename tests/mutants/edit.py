"""Edits of Python code by its structure: a pattern is found in the syntax tree of one object of the
product and replaced there. Layout, comments and the file in which the object lies play no part.

Patterns and replacements are Python. A single capital letter stands for any expression, and for
the same one wherever it returns; `*R` and `**M` in a call stand for the arguments that are not
named, in any order of the keywords. A name that is bound to an object (`swap(..., seed_of=seed_of)`)
stands for whatever the code calls that object; after a dot, for the object's own name.
"""

from __future__ import annotations

import ast
import builtins
import copy
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, Protocol

ROOT = Path(__file__).resolve().parents[2]
Found = dict[str, ast.AST | list[ast.AST]]
"""What each letter stands for."""


class Edit(Protocol):
    """An edit of one file of the project."""

    @property
    def file(self) -> Path:
        """The edited file, below the root of the project."""
        ...

    @property
    def where(self) -> str:
        """What is edited, in words for readers."""
        ...

    def applied(self, text: str) -> str:
        """The text of the file with the edit made. Raises `Misfit`."""
        ...


class Misfit(Exception):
    """The pattern of an edit is not found exactly once."""


class Swap(NamedTuple):
    """In `place`, a module, class or function, what looks like `old` becomes `new`."""

    place: object
    old: str
    new: str
    names: Mapping[str, object]

    @property
    def file(self) -> Path:
        return Path(str(module_of(self.place).__file__)).relative_to(ROOT)

    @property
    def where(self) -> str:
        return full_name(self.place)

    def applied(self, text: str) -> str:
        tree = ast.parse(text)
        old, new = parsed(self.old, self.names), parsed(self.new, self.names)
        if isinstance(old, ast.expr) and not isinstance(new, ast.expr):
            old = [ast.Expr(old)]
        pattern = Pattern(module_of(self.place), self.names)
        spots = list(pattern.spots(old, inside(tree, self.place)))
        if len(spots) != 1:
            raise Misfit(f"`{self.old}` stands {len(spots)} times in {self.where}, not once")
        spots[0].replace(new)
        return ast.unparse(ast.fix_missing_locations(tree))


class Opening(NamedTuple):
    """Statements that are carried out before all others of `place`, a module or function."""

    place: object
    new: str

    file, where = Swap.file, Swap.where

    def applied(self, text: str) -> str:
        tree = ast.parse(text)
        body = inside(tree, self.place).body
        stays = sum(1 for line in body[:2] if _comes_first(line))
        body[stays:stays] = ast.parse(self.new).body
        return ast.unparse(ast.fix_missing_locations(tree))


class TextSwap(NamedTuple):
    """In a file that is no Python, the text `old` becomes `new`."""

    path: str
    old: str
    new: str

    @property
    def file(self) -> Path:
        return Path(self.path)

    @property
    def where(self) -> str:
        return self.path

    def applied(self, text: str) -> str:
        if text.count(self.old) != 1:
            raise Misfit(f"`{self.old}` stands {text.count(self.old)} times in {self.path}")
        return text.replace(self.old, self.new)


def swap(place: object, old: str, new: str, **names: object) -> Swap:
    """Replace `old` by `new` in `place`; `names` are objects that the pattern calls by name."""
    return Swap(place, old, new, names)


def module_of(place: object) -> ModuleType:
    """The module in which an object is defined, or the module itself."""
    return place if isinstance(place, ModuleType) else sys.modules[str(place.__module__)]


def full_name(place: object) -> str:
    """The dotted name of a module, class or function."""
    if isinstance(place, ModuleType):
        return place.__name__
    return f"{place.__module__}.{place.__qualname__}"


def inside(tree: ast.Module, place: object) -> ast.AST:
    """The part of a module's tree in which the object is defined."""
    node: ast.AST = tree
    parts = [] if isinstance(place, ModuleType) else place.__qualname__.split(".")
    for part in parts:
        node = next(
            one for one in ast.walk(node) if isinstance(one, DEFINITIONS) and one.name == part
        )
    return node


DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def parsed(code: str, names: Mapping[str, object]) -> ast.expr | list[ast.stmt]:
    """An expression, or statements. A bound name after a dot becomes that of its object."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in names:
            node.attr = names[node.attr].__name__
    body = tree.body
    return body[0].value if len(body) == 1 and isinstance(body[0], ast.Expr) else body


def _comes_first(line: ast.stmt) -> bool:
    """A docstring, or an import from the future."""
    if isinstance(line, ast.ImportFrom):
        return line.module == "__future__"
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


class Spot(NamedTuple):
    """A place in a tree where a pattern was found: `count` nodes of a list, or one of a field."""

    parent: ast.AST
    field: str
    at: int | None
    count: int
    found: Found

    def replace(self, new: ast.expr | list[ast.stmt]) -> None:
        """Put other code there."""
        filled = [Filling(self.found).visit(copy.deepcopy(one)) for one in _listed(new)]
        whole = getattr(self.parent, self.field)
        if self.at is None:
            setattr(self.parent, self.field, filled[0])
            return
        if isinstance(whole[self.at], ast.stmt):
            filled = [one if isinstance(one, ast.stmt) else ast.Expr(one) for one in filled]
        whole[self.at : self.at + self.count] = filled


def _listed(code: ast.expr | list[ast.stmt]) -> Sequence[ast.AST]:
    return code if isinstance(code, list) else [code]


class Pattern:
    """Compares code with a pattern, in the words of one module."""

    def __init__(self, module: ModuleType, names: Mapping[str, object]) -> None:
        self._module, self._names = module, names

    def spots(self, pattern: ast.expr | list[ast.stmt], tree: ast.AST) -> Iterator[Spot]:
        """Wherever the pattern is found below the tree. An expression is not looked for as a
        statement of its own, so that each is found once."""
        for parent in ast.walk(tree):
            for field, value in ast.iter_fields(parent):
                if isinstance(pattern, list):
                    yield from self._runs(pattern, parent, field, value)
                    continue
                for at, one in enumerate(value) if isinstance(value, list) else ((None, value),):
                    found: Found = {}
                    if isinstance(one, ast.expr) and self._same(pattern, one, found):
                        yield Spot(parent, field, at, 1, found)

    def _runs(
        self, pattern: list[ast.stmt], parent: ast.AST, field: str, value: object
    ) -> Iterator[Spot]:
        if not isinstance(value, list) or not value or not isinstance(value[0], ast.stmt):
            return
        for at in range(len(value) - len(pattern) + 1):
            found: Found = {}
            if self._all_same(pattern, value[at : at + len(pattern)], found):
                yield Spot(parent, field, at, len(pattern), found)

    def _all_same(self, pattern: Sequence[object], nodes: Sequence[object], found: Found) -> bool:
        return len(pattern) == len(nodes) and all(
            self._same(one, other, found) for one, other in zip(pattern, nodes, strict=True)
        )

    def _same(self, pattern: object, node: object, found: Found) -> bool:
        if isinstance(pattern, list):
            return isinstance(node, list) and self._all_same(pattern, node, found)
        if not isinstance(pattern, ast.AST):
            return pattern == node
        if isinstance(pattern, ast.Name):
            return isinstance(node, ast.AST) and self._same_name(pattern.id, node, found)
        if type(pattern) is not type(node):
            return False
        if isinstance(pattern, ast.Call):
            return self._same_call(pattern, node, found)
        return all(
            self._same(value, getattr(node, field, None), found)
            for field, value in ast.iter_fields(pattern)
            if field not in ("ctx", "type_comment", "kind")
        )

    def _same_name(self, name: str, node: ast.AST, found: Found) -> bool:
        if name in self._names:
            found[name] = node
            return self._meant(node) is self._names[name]
        if not is_letter(name):
            return isinstance(node, ast.Name) and node.id == name
        if name in found:
            return ast.unparse(found[name]) == ast.unparse(node)
        found[name] = node
        return isinstance(node, ast.expr)

    def _meant(self, node: ast.AST) -> object:
        """What a dotted name means in the module, if anything."""
        if isinstance(node, ast.Name):
            return vars(self._module).get(node.id, getattr(builtins, node.id, None))
        if isinstance(node, ast.Attribute):
            return getattr(self._meant(node.value), node.attr, None)
        return None

    def _same_call(self, pattern: ast.Call, node: ast.Call, found: Found) -> bool:
        """Arguments in their order, keywords in any."""
        if not self._same(pattern.func, node.func, found):
            return False
        args, keywords = list(node.args), {one.arg: one.value for one in node.keywords}
        for one in pattern.args:
            if isinstance(one, ast.Starred) and is_letter(getattr(one.value, "id", "")):
                found[one.value.id], args = args, []
            elif not args or not self._same(one, args.pop(0), found):
                return False
        for keyword in pattern.keywords:
            if keyword.arg is None:
                found[keyword.value.id] = [ast.keyword(*one) for one in keywords.items()]
                keywords = {}
            elif keyword.arg not in keywords or not self._same(
                keyword.value, keywords.pop(keyword.arg), found
            ):
                return False
        return not args and not keywords


def is_letter(name: str) -> bool:
    """Whether a name in a pattern stands for any expression."""
    return len(name) == 1 and name.isupper()


class Filling(ast.NodeTransformer):
    """Puts what was found in the place of letters and names."""

    def __init__(self, found: Found) -> None:
        self._found = found

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return copy.deepcopy(self._found.get(node.id, node))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        node.args = [other for one in node.args for other in self._spread(one, one)]
        node.keywords = [
            other
            for one in node.keywords
            for other in self._spread(one if one.arg is None else None, one)
        ]
        return self.generic_visit(node)

    def _spread(self, rest: ast.AST | None, node: ast.AST) -> list[ast.AST]:
        name = getattr(getattr(rest, "value", None), "id", "")
        many = self._found.get(name) if is_letter(name) else None
        return copy.deepcopy(many) if isinstance(many, list) else [node]
