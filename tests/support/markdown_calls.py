"""What the pages hand to Streamlit where it reads Markdown, and whether a text of somebody else can be
in it: read off the source, without running it.

An expression is safe if it is written in the source, a number, or typed `Markdown`, which
`plain_markdown` makes; f-strings, sums and joins of such are safe, and names that are only ever given
such values. Everything else counts as a text of somebody else.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SCREENS = ("pages", "components")
TYPED = ("backend", "components")
"""Where the types of fields and functions are read."""

NAMES = (
    "caption error info warning success markdown write header subheader title expander toast badge "
    "metric button checkbox selectbox text_input text_area number_input popover tabs radio pills "
    "segmented_control toggle spinner status download_button form_submit_button multiselect slider "
    "select_slider link_button file_uploader date_input time_input color_picker feedback "
    "menu_button dialog"
)
FIRST = frozenset(NAMES.split())
"""Calls whose first argument Streamlit reads as Markdown."""
KEYWORDS = frozenset({"label", "body", "help", "caption", "captions"})
"""Arguments that it reads as Markdown in any of its calls."""
OPTIONS = frozenset({"radio", "pills", "segmented_control"})
"""Calls whose options are Markdown too; those of select boxes are plain."""
ONLY = {"progress": ("text",), "page_link": ("label", "help"), "Column": ("help",)}
"""Calls of which only these arguments are Markdown."""
OTHERS = frozenset({"service", "client", "log", "argparse"})
"""Names of things that have methods of the same names and are no part of Streamlit."""

NUMERIC = re.compile(r"(int|float|bool|None)( \| (int|float|bool|None))*$")
MANY = re.compile(r"(list|Sequence|tuple|set|frozenset|Collection|Iterable)\[(.*?)(, \.\.\.)?\]$")
NUMBER_FORMAT = re.compile(r"[<>+,0-9.]*[deEfgGn%]$")
NUMBERS_OF = frozenset({"len", "int", "float", "round", "abs", "sum", "ceil", "floor", "log10"})
SAFE_TYPE = re.compile(
    r"(Markdown|Literal\[.*\]|int|float|bool|None)( \| (Markdown|int|float|bool|None))*$"
)


MAKERS = frozenset({"prose.py", "rendered.py"})


class Finding(NamedTuple):
    """A place where a text of somebody else may be read as Markdown."""

    file: str
    line: int
    source: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.source}"


@dataclass
class Types:
    """Annotations of the project: of fields by name, and what functions return."""

    fields: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    of_class: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    bases: dict[str, list[str]] = field(default_factory=dict)
    returns: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def project_types() -> Types:
    found = Types()
    for top in TYPED:
        for path in sorted((ROOT / top).rglob("*.py")):
            for node in ast.walk(parsed(path)):
                if isinstance(node, ast.ClassDef):
                    _read_class(node, found)
                elif isinstance(node, ast.FunctionDef):
                    told = ast.unparse(node.returns) if node.returns else "?"
                    is_field = any(
                        ast.unparse(one).endswith("property") for one in node.decorator_list
                    )
                    (found.fields if is_field else found.returns)[node.name].add(told)
    return found


def _read_class(node: ast.ClassDef, found: Types) -> None:
    found.bases[node.name] = [ast.unparse(base) for base in node.bases]
    for part in node.body:
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            told = ast.unparse(part.annotation)
            found.fields[part.target.id].add(told)
            found.of_class[node.name][part.target.id] = told
        elif isinstance(part, ast.FunctionDef) and part.returns is not None:
            found.of_class[node.name][part.name] = ast.unparse(part.returns)


def field_type(owner: str, name: str) -> str | None:
    """What a class, or one that it is made from, says of a field."""
    types = project_types()
    if name in types.of_class.get(owner, {}):
        return types.of_class[owner][name]
    for base in types.bases.get(owner, []):
        if (told := field_type(base, name)) is not None:
            return told
    return None


def all_match(pattern: re.Pattern[str], told: set[str] | None) -> bool:
    return bool(told) and all(pattern.match(one) for one in told or ())


class Scope:
    """The names of one function, or of a module, with all that each is ever given."""

    def __init__(self, node: ast.AST, outer: Scope | None, module: Module) -> None:
        self.outer, self.module, self.node = outer, module, node
        self.given: dict[str, list[ast.expr | None]] = defaultdict(list)
        self.annotated: dict[str, str] = {}
        self.judged: dict[str, bool] = {}
        self.constants: dict[str, bool] = {}
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            arguments = node.args
            for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                self.annotated[one.arg] = ast.unparse(one.annotation) if one.annotation else "?"
            for rest in (arguments.vararg, arguments.kwarg):
                if rest is not None:
                    self.annotated[rest.arg] = "?"
        for part in own_parts(node):
            self._bind(part)

    def _bind(self, part: ast.AST) -> None:
        match part:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._give(target, value)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=told, value=value):
                self.annotated[name] = ast.unparse(told)
                self.given[name].append(value)
            case (
                ast.AugAssign(target=target, value=value)
                | ast.NamedExpr(target=target, value=value)
            ):
                self._give(target, value)
            case (
                ast.For(target=target, iter=source) | ast.comprehension(target=target, iter=source)
            ):
                self._draw(target, source)
            case ast.With(items=items):
                for item in items:
                    if item.optional_vars is not None:
                        self._give(item.optional_vars, None)
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="append" | "extend"), args=[value]
            ) if name in self.given:
                self.given[name].append(value)
            case _:
                pass

    def _give(self, target: ast.expr, value: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            self.given[target.id].append(value)
        elif isinstance(target, ast.Tuple | ast.List):
            values = value.elts if isinstance(value, ast.Tuple | ast.List) else None
            for place, one in enumerate(target.elts):
                fits = values is not None and len(values) == len(target.elts)
                self._give(one, values[place] if fits and values is not None else None)

    def _draw(self, target: ast.expr, source: ast.expr) -> None:
        """Names that take the members of something, one by one."""
        if isinstance(source, ast.Call) and ast.unparse(source.func) == "enumerate":
            if isinstance(target, ast.Tuple):
                self._give(target.elts[0], ast.Constant(0))
                self._draw(target.elts[1], source.args[0])
            return
        if isinstance(source, ast.Call) and ast.unparse(source.func) == "range":
            self._give(target, ast.Constant(0))
            return
        if isinstance(source, ast.Call) and ast.unparse(source.func) == "zip":
            if isinstance(target, ast.Tuple):
                for one, drawn in zip(target.elts, source.args, strict=True):
                    self._draw(one, drawn)
            return
        if isinstance(source, ast.Tuple | ast.List):
            for member in source.elts:
                self._give(target, member)
            return
        base = (
            source.func.value
            if isinstance(source, ast.Call)
            and isinstance(source.func, ast.Attribute)
            and source.func.attr in ("items", "values", "keys")
            else source
        )
        of = self.members(base)
        if of is None and isinstance(target, ast.Name):
            told = MANY.match(self.type_of(source) or "")
            if told:
                self.annotated.setdefault(target.id, told[2])
                return
        for name in (each for each in ast.walk(target) if isinstance(each, ast.Name)):
            self.given[name.id].append(of)

    def members(self, source: ast.expr) -> ast.expr | None:
        """A stand-in for the members of something: a constant where they are safe."""
        if self.constant(source):
            return ast.Constant("")
        if isinstance(source, ast.Name):
            told = self.annotation(source.id)
            if told and (many := MANY.match(told)) and SAFE_TYPE.match(many[2]):
                return ast.Constant(0)
        return None

    def annotation(self, name: str) -> str | None:
        if name in self.annotated:
            return self.annotated[name]
        return self.outer.annotation(name) if self.outer else None

    def type_of(self, node: ast.expr | None) -> str | None:
        """The type that a value is declared with, where it is simple to see."""
        match node:
            case ast.Name(id=name):
                told = self.annotation(name)
                if told is None and len(values := self.given_to(name)) == 1:
                    told = self.type_of(values[0])
            case ast.Attribute(value=value, attr=name):
                owner = (self.type_of(value) or "").removesuffix(" | None")
                told = field_type(owner, name)
            case ast.Call(func=ast.Name(id=name)) if made := self.module.function(name):
                told = ast.unparse(made.returns) if made.returns else None
            case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
                found = project_types().returns.get(name, {name})
                told = next(iter(found)) if len(found) == 1 else None
            case ast.Subscript(value=value):
                many = MANY.match(self.type_of(value) or "")
                told = many[2] if many else None
            case _:
                told = None
        return told.removesuffix(" | None") if told else None

    def given_to(self, name: str) -> list[ast.expr | None]:
        if name in self.given:
            return self.given[name]
        return self.outer.given_to(name) if self.outer else []

    def constant(self, node: ast.expr) -> bool:
        """Whether the value stands in the source of the project, through names and imports."""
        match node:
            case ast.Constant():
                return True
            case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
                return all(self.constant(part) for part in parts)
            case ast.Dict(keys=keys, values=values):
                return all(self.constant(part) for part in (*values, *filter(None, keys)))
            case (
                ast.Starred(value=value)
                | ast.FormattedValue(value=value)
                | ast.Attribute(value=value)
                | ast.Subscript(value=value)
            ):
                return self.constant(value)
            case ast.JoinedStr(values=parts):
                return all(self.constant(part) for part in parts)
            case ast.BinOp(left=one, right=other):
                return self.constant(one) and self.constant(other)
            case ast.Call(
                func=ast.Attribute(value=value, attr="get" | "index" | "replace" | "lower")
            ):
                return self.constant(value)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if name[
                :1
            ].isupper():
                values = [*args, *(each.value for each in keywords)]
                return all(self.constant(part) for part in values)
            case ast.Name(id=name):
                if name in self.given or name in self.annotated:
                    if name not in self.constants:
                        self.constants[name] = False  # one that is made of itself is none
                        values = self.given.get(name, [])
                        self.constants[name] = bool(values) and all(
                            value is not None and self.constant(value) for value in values
                        )
                    return self.constants[name]
                return self.outer.constant(node) if self.outer else self.module.imported(name)
            case _:
                return False

    def safe_name(self, name: str) -> bool:
        told = self.annotated.get(name)
        if told is not None and SAFE_TYPE.match(told):
            return True
        if told is not None and not self.given.get(name):
            return self._safe_everywhere(name)
        if name in self.given:
            if name not in self.judged:
                self.judged[name] = True  # one that is made of itself is as safe as the rest
                self.judged[name] = all(
                    value is not None and self.safe(value) for value in self.given[name]
                )
            return self.judged[name]
        return self.outer.safe_name(name) if self.outer else self.module.imported(name)

    def _safe_everywhere(self, name: str) -> bool:
        """Whether whoever calls this function gives a safe value for the parameter `name`."""
        node = self.node
        if not isinstance(node, ast.FunctionDef) or name in self.judged:
            return self.judged.get(name, False)
        self.judged[name] = True
        arguments = node.args
        places = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
        defaults = dict(zip(reversed(places), reversed(arguments.defaults), strict=False)) | {
            one.arg: value
            for one, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            if value is not None
        }
        found = screens().calls.get("." * (places[:1] == ["self"]) + node.name, [])
        given = [
            (argument(call, name, places) or defaults.get(name), scope) for call, scope in found
        ]
        self.judged[name] = bool(given) and all(
            value is not None and scope.safe(value) for value, scope in given
        )
        return self.judged[name]

    def safe(self, node: ast.expr) -> bool:
        """Whether no text of somebody else can be in the value."""
        if self.constant(node):
            return True
        match node:
            case ast.Name(id=name):
                made = self.module.function(name)
                if made is not None and self.annotation(name) is None:
                    return made.returns is not None and ast.unparse(made.returns) == "Markdown"
                return self.safe_name(name)
            case ast.JoinedStr(values=values):
                return all(self.safe(value) for value in values)
            case ast.FormattedValue(value=value, format_spec=form):
                told = "" if form is None else ast.unparse(form)[2:-1]
                return bool(NUMBER_FORMAT.match(told)) or self.safe(value)
            case ast.IfExp(body=one, orelse=other):
                return self.safe(one) and self.safe(other)
            case ast.BoolOp(values=values) | ast.Tuple(elts=values) | ast.List(elts=values):
                return all(self.safe(value) for value in values)
            case ast.BinOp(op=ast.Sub() | ast.Div() | ast.FloorDiv() | ast.Pow()):
                return True  # texts cannot be subtracted
            case ast.BinOp(left=left, right=right):
                return self.safe(left) and self.safe(right)
            case ast.UnaryOp() | ast.Compare():
                return True
            case ast.Attribute(value=value, attr=name):
                own = field_type(self.type_of(value) or "", name)
                if own is not None:
                    return bool(SAFE_TYPE.match(own))
                return all_match(SAFE_TYPE, project_types().fields.get(name))
            case ast.Subscript(value=value) | ast.Starred(value=value):
                return self.members(value) is not None or self.safe(value)
            case ast.Lambda(body=body):
                return Scope(node, self, self.module).safe(body)
            case (
                ast.GeneratorExp(elt=part, generators=draws)
                | ast.ListComp(elt=part, generators=draws)
            ):
                inner = Scope(ast.Module(body=[], type_ignores=[]), self, self.module)
                for draw in draws:
                    inner._bind(draw)
                return inner.safe(part)
            case ast.Call():
                return self._safe_call(node)
            case _:
                return False

    def _safe_call(self, node: ast.Call) -> bool:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        if name == "Markdown":
            return True  # what it is made of is judged where it stands
        if name in NUMBERS_OF:
            return True
        if name in ("max", "min", "filter", "list", "map"):
            return all(self.safe(one) for one in node.args[name in ("filter", "map") :]) and (
                name != "map" or ast.unparse(node.args[0]) == "str"
            )
        if name == "join" and isinstance(node.func, ast.Attribute):
            return self.safe(node.func.value) and all(self.safe(one) for one in node.args)
        if name in ("capitalize", "lower", "strip", "replace") and isinstance(
            node.func, ast.Attribute
        ):
            return self.safe(node.func.value)
        if isinstance(node.func, ast.Name) and (found := self.module.function(name)):
            told = found.returns and ast.unparse(found.returns)
            if told and SAFE_TYPE.match(told):
                return True
            made = [one for one in screens().functions.get(name, []) if one.node is found]
        else:
            if all_match(SAFE_TYPE, project_types().returns.get(name)):
                return True
            made = screens().functions.get(name, [])
            if len(project_types().returns.get(name, set())) != 1:
                return False
        return bool(made) and all(safe_returns(scope) for scope in made)


def safe_returns(scope: Scope) -> bool:
    """Whether everything that a function of the screens returns is safe."""
    if "return" not in scope.judged:
        scope.judged["return"] = True
        found = [part for part in own_parts(scope.node) if isinstance(part, ast.Return)]
        scope.judged["return"] = bool(found) and all(
            part.value is not None and scope.safe(part.value) for part in found
        )
    return scope.judged["return"]


def argument(call: ast.Call, name: str, places: list[str]) -> ast.expr | None:
    """What a call gives for a parameter; None where it gives nothing or more than can be seen."""
    for one in call.keywords:
        if one.arg == name:
            return one.value
    at = places.index(name) if name in places else len(call.args)
    shift = 1 if places[:1] == ["self"] and isinstance(call.func, ast.Attribute) else 0
    return call.args[at - shift] if at - shift < len(call.args) else None


@dataclass
class Screens:
    """Every function and every call of the pages and components, with the scope it stands in."""

    calls: dict[str, list[tuple[ast.Call, Scope]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    functions: dict[str, list[Scope]] = field(default_factory=lambda: defaultdict(list))
    markdown: list[tuple[Path, ast.expr, Scope]] = field(default_factory=list)


def screen_files() -> list[Path]:
    found = [path for top in SCREENS for path in sorted((ROOT / top).rglob("*.py"))]
    return [*found, ROOT / "app.py"]


@cache
def screens() -> Screens:
    found = Screens()
    for path in screen_files():
        _read_screen(loaded(path), found)
    return found


def _read_screen(module: Module, found: Screens) -> None:
    def look(node: ast.AST, scope: Scope) -> None:
        for child in ast.iter_child_nodes(node):
            inner = scope
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                inner = Scope(child, scope, module)
                if not isinstance(child, ast.Lambda):
                    found.functions[child.name].append(inner)
            if isinstance(child, ast.Call):
                called = child.func
                name = called.attr if isinstance(called, ast.Attribute) else ast.unparse(called)
                kind = "." if isinstance(called, ast.Attribute) else ""
                found.calls[kind + name].append((child, inner))
                found.markdown += [(module.path, part, inner) for part in read_as_markdown(child)]
            look(child, inner)

    look(module.tree, module.scope)


class Module:
    """A file with its imports from the project."""

    def __init__(self, path: Path) -> None:
        self.path, self.tree = path, parsed(path)
        self.imports = {
            alias.asname or alias.name: (node.module, alias.name)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        }
        self.scope = Scope(self.tree, None, self)

    def function(self, name: str) -> ast.FunctionDef | None:
        """The function that a name means here, if it is one of the project."""
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                return node
        home, inner = self._home(name)
        return home.function(inner) if home else None

    def imported(self, name: str) -> bool:
        """Whether an imported name is a constant of the project."""
        home, inner = self._home(name)
        return home is not None and home.scope.constant(ast.Name(inner))

    def _home(self, name: str) -> tuple[Module | None, str]:
        """Where an imported name is defined, and how it is called there."""
        module, inner = self.imports.get(name, ("", ""))
        path = ROOT / Path(*module.split("."))
        for found in (path.with_suffix(".py"), path / "__init__.py"):
            if module and found.is_file():
                return loaded(found), inner
        return None, inner


@cache
def loaded(path: Path) -> Module:
    return Module(path)


def own_parts(node: ast.AST) -> Iterator[ast.AST]:
    """Everything in a function or module but what stands in functions inside it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            continue
        yield child
        yield from own_parts(child)


def read_as_markdown(call: ast.Call) -> Iterator[ast.expr]:
    """The arguments of a call that Streamlit reads as Markdown, or of which `Markdown` is made."""
    if isinstance(call.func, ast.Name) and call.func.id == "Markdown":
        yield from call.args
        return
    if not isinstance(call.func, ast.Attribute):
        return
    name, receiver = call.func.attr, call.func.value
    if ast.unparse(receiver).split(".")[0] in OTHERS:
        return
    only: Mapping[str, tuple[str, ...]] = ONLY
    if name in only:
        yield from (one.value for one in call.keywords if one.arg in only[name])
    elif name in FIRST:
        yield from call.args[:1]
        yield from (one.value for one in call.keywords if one.arg in KEYWORDS)
        if name in OPTIONS:
            made = [one.value for one in call.keywords if one.arg == "format_func"]
            yield from made or call.args[1:2]


def findings() -> Iterator[Finding]:
    """The places where a text of somebody else may be read as Markdown."""
    for path, part, scope in screens().markdown:
        if path.name in MAKERS and path.parent.name == "frame":
            continue  # where escaped text is made, which has tests of its own
        if not scope.safe(part):
            yield Finding(str(path).removeprefix(f"{ROOT}/"), part.lineno, ast.unparse(part)[:160])
