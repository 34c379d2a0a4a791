"""Imports run one way. The rules are data: who may never import what."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOPS = ("backend", "storage", "components", "pages", "benchmarks")
SOURCES = [path for top in TOPS for path in sorted((ROOT / top).rglob("*.py"))] + [ROOT / "app.py"]

STORE = ("storage", "sqlalchemy", "duckdb", "alembic")
SCREEN = ("streamlit", "plotly", "components", "pages")
WEB = ("fastapi", "starlette", "uvicorn")
MODELS = ("torch", "vllm", "transformers")
ABOVE = ("backend.strategies", "backend.runs.driver", "backend.api", "backend.service.jobs")

# module prefix -> prefixes that nothing below it may import; the longest matching prefix decides.
NEVER: dict[str, tuple[str, ...]] = {
    "backend": (*STORE, *SCREEN, *WEB, *MODELS),
    "backend.api": ("sqlalchemy", "duckdb", "alembic", *SCREEN, *MODELS, "backend.strategies", "backend.engines", "backend.classroom"),
    "backend.service.jobs": ("sqlalchemy", "duckdb", "alembic", *SCREEN, *WEB, *MODELS, "backend.api"),
    "backend.__main__": ("sqlalchemy", "duckdb", "alembic", "plotly", "components", "pages", *MODELS),
    "backend.client": (*STORE, *SCREEN, *WEB, *MODELS, "backend.strategies", "backend.engines", "backend.runs.driver", "backend.service.jobs"),
    "backend.strategies": (
        *STORE, *SCREEN, *WEB, *MODELS, "backend.api", "backend.service.jobs", "backend.runs.driver", "backend.engines", "backend.runs.policy",
        "backend.runs.verifier", "backend.runs.context", "backend.core.records",
    ),
    "backend.strategies.parts.compose": (*STORE, *SCREEN, *WEB, *MODELS, *ABOVE, "backend.engines", "backend.runs.policy", "backend.runs.verifier", "backend.core.records"),
    "backend.core.statistics": (*STORE, *SCREEN, *WEB, *MODELS, "backend"),
    "backend.engines": (*STORE, *SCREEN, *WEB, "vllm", "transformers", "torch", *ABOVE),
    "backend.engines.vllm.engine": (*STORE, *SCREEN, *WEB, *ABOVE),
    "backend.engines.torch.engine": (*STORE, *SCREEN, *WEB, "vllm", "transformers", *ABOVE),
    "backend.engines.torch.qwen2": (*STORE, *SCREEN, *WEB, "vllm", "transformers", *ABOVE),
    "backend.classroom": (*STORE, *SCREEN, *WEB, "vllm", "transformers", "backend.api", "backend.service.jobs"),
    "backend.review.why": (*STORE, *SCREEN, *WEB, *MODELS, "backend.api", "backend.service.jobs", "backend.engines"),
    "backend.core.ports": (*STORE, *SCREEN, *WEB, *MODELS, *ABOVE, "backend.engines", "backend.judging.verifiers", "backend.runs.policy", "backend.runs.verifier"),
    "backend.exchange": (
        *STORE, *SCREEN, *WEB, *MODELS, *ABOVE, "backend.engines", "backend.runs.policy", "backend.runs.verifier", "backend.client", "httpx", "pickle",
    ),
    "backend.core.types": (*STORE, *SCREEN, *WEB, *MODELS, "backend"),
    "storage": (*SCREEN, *WEB, *MODELS, "backend.api", "backend.service.jobs", "backend.runs.driver", "backend.strategies", "backend.engines", "backend.core.ports"),
    "components": (*STORE, *WEB, *MODELS, "pages", "backend.service.jobs", "backend.runs.driver", "backend.strategies", "backend.engines"),
    "pages": (*STORE, *WEB, *MODELS, "backend.service.jobs", "backend.runs.driver", "backend.strategies", "backend.engines", "backend.api"),
    "app": ("sqlalchemy", "duckdb", "alembic", "plotly", "components", *MODELS),
    "benchmarks": ("pages",),
}
ALLOWED = {  # what a longer rule would forbid for a whole family, but its own members need
    "backend.core.statistics": ("backend.core.statistics", "backend.core.errors", "backend.core.types", "backend.core.ports"),
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    """Every module that the file imports, function bodies included; type-checking blocks count as well."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def below(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def rule_of(name: str) -> str:
    return max((prefix for prefix in NEVER if below(name, prefix) or name.startswith(prefix + "_")), key=len)


def violations(name: str, imported: set[str]) -> list[str]:
    rule = rule_of(name)
    allowed = ALLOWED.get(rule, ())
    return sorted(
        f"{name} imports {target}"
        for target in imported
        if any(below(target, forbidden) for forbidden in NEVER[rule]) and not any(below(target, prefix) for prefix in allowed)
    )


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    assert violations(module_name(path), imports(path)) == []


def test_the_rules_catch_a_strategy_that_talks_to_the_store() -> None:
    assert violations("backend.strategies.beam_search", {"storage.queries"}) == ["backend.strategies.beam_search imports storage.queries"]


def test_the_rules_catch_a_page_that_opens_the_database() -> None:
    assert violations("pages.solve", {"duckdb", "backend.client"}) == ["pages.solve imports duckdb"]


def test_figures_know_neither_screen_nor_backend() -> None:
    """A figure is numbers to picture: only the modules that talk to Streamlit by their nature may import it."""
    speaking = {"live_tree_panel", "address", "pictures_panel", "service"}
    for path in sorted((ROOT / "components").glob("*.py")):
        if path.stem in speaking or path.stem == "__init__":
            continue
        wrong = [target for target in imports(path) if below(target, "streamlit") or below(target, "backend") or below(target, "storage")]
        assert wrong == [], f"{path.name} imports {wrong}"


BLIND = ("strategies", "selectors", "sampling", "compose", "registry", "standing", "policy", "scoring", "desk", "budget", "replay", "trace")
KNOWING = ("backend.problems", "backend.judging.verifiers", "backend.problems.library", "backend.runs.driver")
READING = {  # what is read off a text, with no right answer in sight
    "backend.problems.extract_answer", "backend.problems.exact.canonical", "backend.problems.classes.AnswerClasses",
    "backend.problems.classes.Verdicts",
}  # fmt: skip


def taken(path: Path) -> set[str]:
    """Every name that the file imports, with the module that it is in."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_what_searches_and_chooses_never_learns_the_right_answer() -> None:
    """A search that can see the right answer follows it sooner or later: only the driver and the oracle, which says that it is one, may."""
    searching = [path for path in SOURCES if any(below(module_name(path), f"backend.{part}") for part in BLIND)]
    assert len(searching) > len(BLIND)
    known = {
        module_name(path): names
        for path in searching
        if (names := {name for name in taken(path) if any(below(name, part) for part in KNOWING)} - READING)
    }
    assert known == {}


OUTWARD = (
    "socket", "socketserver", "ssl", "http.client", "http.server", "urllib.request", "urllib3", "requests", "httpx", "aiohttp", "websockets",
    "ftplib", "smtplib", "imaplib", "poplib", "xmlrpc", "webbrowser", "huggingface_hub", "grpc", "zmq",
)
CONNECTING = {"open_connection", "open_unix_connection", "create_connection", "create_datagram_endpoint", "start_server", "create_server", "urlopen"}
REACHING = {
    "backend.client": "follows a run of the service, for pages and notebooks",
    "backend.client.http": "asks the service",
    "backend.engines.openai.server": "sends prompts to the server that the user named",
    "backend.engines.vllm.start": "fetches the model that the user named",
    "backend.engines.host.process": "holds one end of a pair of sockets to its own child",
    "backend.engines.host.child": "holds the other end",
}


def reaches(path: Path) -> bool:
    """Whether the file imports something that talks to other machines, or names a function that opens a connection."""
    names = {node.attr for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Attribute)}
    return bool(names & CONNECTING) or any(below(target, module) for target in imports(path) for module in OUTWARD)


def test_only_the_named_modules_can_reach_a_network() -> None:
    """What a user asks stays here: a prompt can only leave through a module that says where it goes."""
    product = [path for path in SOURCES if not below(module_name(path), "benchmarks")]
    assert {module_name(path) for path in product if reaches(path)} == REACHING.keys()


def test_no_part_tells_anybody_of_its_use() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert settings["browser"]["gatherUsageStats"] is False
    assert 'os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")' in (ROOT / "backend" / "engines" / "vllm_start.py").read_text(encoding="utf-8")
