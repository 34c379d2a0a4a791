"""Imports run one way. The rules are data: one line a room says which rooms it may use, and which
libraries from outside."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Sequence
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOPS = ("backend", "storage", "components", "pages")
SOURCES = [path for top in TOPS for path in sorted((ROOT / top).rglob("*.py"))] + [ROOT / "app.py"]
BENCHMARKS = sorted((ROOT / "benchmarks").rglob("*.py"))

STORE = ("sqlalchemy", "duckdb", "duckdb_sqlalchemy", "alembic")
SCREEN = ("streamlit", "plotly")
WEB = ("fastapi", "starlette", "uvicorn")
MODELS = ("torch", "vllm", "transformers")
GUARDED = (*STORE, *SCREEN, *WEB, *MODELS)
"""Libraries that only the rooms may import which name them."""


class Room(NamedTuple):
    """What a room may import: other `rooms`, and which of the guarded `libraries`."""

    rooms: str = ""
    libraries: tuple[str, ...] = ()


PAGE = "client core messages"
"""What a room of components may know of the backend."""

ROOMS: dict[str, Room] = {
    "backend.core": Room(),
    "backend.problems": Room("core"),
    "backend.engines": Room("core"),
    "backend.engines.torch": Room("core engines", ("torch",)),
    "backend.engines.host": Room("core engines"),
    "backend.engines.vllm": Room("core engines", ("torch", "vllm")),
    "backend.judging": Room("core problems"),
    "backend.strategies": Room("core problems judging"),
    "backend.classroom": Room("core problems engines", ("torch",)),
    "backend.runs": Room("core problems judging strategies"),
    "backend.exchange": Room("core problems runs"),
    "backend.experiments": Room("core problems judging strategies engines runs"),
    "backend.review": Room("core problems judging runs"),
    "backend.messages": Room("core experiments review"),
    "storage": Room("core problems exchange review", STORE),
    "backend.service": Room(
        "core problems judging strategies engines runs exchange experiments review messages storage"
    ),
    "backend.api": Room("core problems exchange experiments messages service storage", WEB),
    "backend.client": Room("core experiments review messages"),
    "backend.cli": Room(
        "core problems judging strategies engines exchange experiments review messages "
        "service storage"
    ),
    "backend.__main__": Room("core problems cli"),
    "components.frame": Room("client core", SCREEN),
    "components.form": Room(f"{PAGE} components.frame", SCREEN),
    "components.run": Room(f"{PAGE} judging problems components.frame components.views", SCREEN),
    "components.views": Room(f"{PAGE} judging problems components.frame components.run", SCREEN),
    "components.history": Room(
        f"{PAGE} exchange components.frame components.form components.run components.compare",
        SCREEN,
    ),
    "components.compare": Room(
        (
            f"{PAGE} components.frame components.form components.run components.tree "
            "components.history"
        ),
        SCREEN,
    ),
    "components.why": Room(
        f"{PAGE} components.frame components.form components.run components.history", SCREEN
    ),
    "components.tree": Room(
        f"{PAGE} components.frame components.run components.history components.why", SCREEN
    ),
    "components.annotate": Room(
        f"{PAGE} review components.frame components.run components.history", SCREEN
    ),
    "components.experiments": Room(f"{PAGE} experiments components.frame", SCREEN),
    "components.store": Room(f"{PAGE} components.frame components.form components.run", SCREEN),
    "components": Room(),
    "backend": Room(),
    "pages": Room("client components", ("streamlit",)),
    "app": Room("core api", ("streamlit", "starlette")),
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def below(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def room_of(name: str) -> str:
    """The innermost room of the table that holds a module."""
    return max((room for room in ROOMS if below(name, room)), key=len)


@cache
def names_imported(path: Path) -> frozenset[str]:
    """Every module and name that the file imports, function bodies and type-checking blocks
    included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def violations(name: str, imported: set[str] | frozenset[str]) -> list[str]:
    """What a module imports against the table."""
    own = room_of(name)
    allowed = [
        room if below(room, "components") or room == "storage" else f"backend.{room}"
        for room in ROOMS[own].rooms.split()
    ]
    inside = [
        target
        for target in imported
        if target.partition(".")[0] in (*TOPS, "app", "tests", "benchmarks")
    ]
    wrong = [
        target for target in inside if not any(below(target, room) for room in (own, *allowed))
    ]
    guarded = [library for library in GUARDED if library not in ROOMS[own].libraries]
    wrong += [target for target in imported if any(below(target, library) for library in guarded)]
    return sorted(f"{name} imports {target}" for target in wrong)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    assert violations(module_name(path), names_imported(path)) == []


def imports_between(paths: Sequence[Path]) -> dict[str, set[str]]:
    """Which of these modules each of them imports, inside functions and for types too."""
    names = {module_name(path): path for path in paths}
    found = {}
    for name, path in names.items():
        targets = {
            target if target in names else target.rpartition(".")[0]
            for target in names_imported(path)
        }
        found[name] = (targets & names.keys()) - {name}
    return found


def test_no_modules_import_each_other_in_a_circle() -> None:
    TopologicalSorter(imports_between(SOURCES)).prepare()


def test_the_rules_catch_a_strategy_that_talks_to_the_store() -> None:
    assert violations("backend.strategies.beam_search", {"storage.queries"}) == [
        "backend.strategies.beam_search imports storage.queries"
    ]


def test_the_rules_catch_a_page_that_opens_the_database() -> None:
    assert violations("pages.solve", {"duckdb", "backend.client"}) == ["pages.solve imports duckdb"]


def test_every_room_has_a_line_and_no_module_lies_loose() -> None:
    for top, most in (("backend", 15), ("components", 11)):
        inside = [path for path in (ROOT / top).iterdir() if path.name != "__pycache__"]
        rooms = {f"{top}.{path.name}" for path in inside if path.is_dir()}
        assert len(rooms) <= most and rooms <= ROOMS.keys(), rooms - ROOMS.keys()
        assert {path.name for path in inside if path.is_file()} <= {"__init__.py", "__main__.py"}


SPEAKING = {
    "components.frame.address": "reads and writes the address of the page",
    "components.frame.browser_component": "mounts what we wrote for the browser",
    "components.frame.collector": "keeps the garbage collector out of clicks",
    "components.frame.service": "one client a session",
    "components.compare.address": "the address of the Compare page",
    "components.run.chosen": "the chosen node of a session",
    "components.run.log": "the log of a run, kept between reruns",
}
"""Files that touch Streamlit without drawing anything; all others of them end in `_panel` or
`_form`."""


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "components").rglob("*.py")),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_only_panels_and_forms_talk_to_streamlit(path: Path) -> None:
    """All else in a room of components is pure: numbers, and figures of numbers, that know neither
    screen nor service."""
    name = module_name(path)
    if name.endswith(("_panel", "_form")) or name in SPEAKING:
        return
    assert [
        target
        for target in names_imported(path)
        if below(target, "streamlit") or below(target, "backend.client")
    ] == []


def test_the_list_of_files_that_speak_is_true() -> None:
    known = {module_name(path): names_imported(path) for path in SOURCES}
    assert [
        name for name in SPEAKING if not any(below(target, "streamlit") for target in known[name])
    ] == []


BLIND = ("backend.strategies", "backend.judging.selectors", "backend.core", "backend.runs")
SEEING = ("backend.runs.driver", "backend.runs.estimate")
KNOWING = (
    "backend.problems",
    "backend.judging.scorers",
    "backend.judging.verifiers",
    "backend.runs.driver",
)
READING = {  # what is read off a text, with no right answer in sight
    "backend.problems.extraction",
    "backend.problems.answers.grader.GRADER_VERSION",
    "backend.problems.extract_answer",
    "backend.problems.exact.canonical",
    "backend.problems.classes.AnswerClasses",
    "backend.problems.classes.Verdicts",
}


def test_what_searches_and_chooses_never_learns_the_right_answer() -> None:
    """A search that can see the right answer follows it sooner or later: only the driver and the
    oracle, which says that it is one, may."""
    searching = {
        module_name(path): path
        for path in SOURCES
        if any(below(module_name(path), part) for part in BLIND)
    }
    assert len(searching) > len(BLIND)
    known = {
        name: found
        for name, path in searching.items()
        if name not in SEEING
        and (
            found := {
                one
                for one in names_imported(path)
                if any(below(one, part) for part in KNOWING)
                and not any(below(one, part) for part in READING)
            }
        )
    }
    assert known == {}


OUTWARD = (
    "socket", "socketserver", "ssl", "http.client", "http.server", "urllib.request", "urllib3", "requests", "httpx", "aiohttp", "websockets",
    "ftplib", "smtplib", "imaplib", "poplib", "xmlrpc", "webbrowser", "huggingface_hub", "grpc", "zmq",
)  # fmt: skip
CONNECTING = {
    "open_connection",
    "open_unix_connection",
    "create_connection",
    "create_datagram_endpoint",
    "start_server",
    "create_server",
    "urlopen",
}
REACHING = {
    "backend.client.client": "takes the transport by which it asks the service",
    "backend.client.runs": "follows a run of the service, for pages and notebooks",
    "backend.client.http": "asks the service",
    "backend.engines.openai.server": "sends prompts to the server that the user named",
    "backend.engines.openai.allowed": "looks up and checks where the server's name leads",
    "backend.engines.vllm.start": "fetches the model that the user named",
    "backend.engines.host.process": "holds one end of a pair of sockets to its own child",
    "backend.engines.host.child": "holds the other end",
}


def reaches(path: Path) -> bool:
    """Whether the file imports something that talks to other machines, or names a function that
    opens a connection."""
    names = {
        node.attr
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
    return bool(names & CONNECTING) or any(
        below(target, module) for target in names_imported(path) for module in OUTWARD
    )


def test_only_the_named_modules_can_reach_a_network() -> None:
    """What a user asks stays here: a prompt can only leave through a module that says where it
    goes."""
    assert {module_name(path) for path in SOURCES if reaches(path)} == REACHING.keys()


def test_no_part_reads_pickles() -> None:
    assert [
        module_name(path)
        for path in SOURCES
        if any(below(target, "pickle") for target in names_imported(path))
    ] == []


def test_benchmarks_know_no_pages() -> None:
    assert [
        path.name
        for path in BENCHMARKS
        if any(below(target, "pages") for target in names_imported(path))
    ] == []


def test_no_part_tells_anybody_of_its_use() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert settings["browser"]["gatherUsageStats"] is False
    start = (ROOT / "backend" / "engines" / "vllm" / "start.py").read_text(encoding="utf-8")
    assert 'os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")' in start
