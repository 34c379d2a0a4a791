"""What others hold on to, read off the present code: commands and their options, what they print as
JSON, paths of the service, variables of the environment, names of the client, addresses of pages.

Each function returns plain JSON data. `tests/public_names.json` holds what they once returned;
`python -m tests.support.public_names` prints what they return now.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias, get_args, get_origin

from typer.main import get_command

from backend import client
from backend.__main__ import main
from backend.api.app import create_app
from backend.cli.commands import app
from backend.client.stored_run import StoredRun
from backend.core.settings import ROOT

Json: TypeAlias = dict[str, Any]

DATA = {
    "formulas",
    "ledger",
    "meta",
    "params_schema",
    "phases",
}
"""Fields that hold data under keys of its own; what is inside is not a name of ours."""

EXPERIMENT = """
name = "names"
[[problems]]
set = "countdown"
level = 1
first_seed = 7
count = 2
[budgets]
axis = "solutions"
values = [1, 2]
[[arms]]
name = "majority"
strategy = "best_of_n"
selector = "majority"
engine = "scripted"
pooled = true
"""


def command_names() -> Json:
    """Each command: its positional arguments in order, and its options with what they take."""
    commands: Json = get_command(app).commands  # type: ignore[attr-defined]
    return {name: _command(made) for name, made in commands.items()}


def _command(made: Any) -> Json:
    found: Json = {"arguments": [], "options": {}}
    for each in made.params:
        kind = each.type_descriptor.annotation
        about: Json = {
            "required": each.required,
            "choices": list(get_args(kind)) if get_origin(kind) is Literal else None,
        }
        if each.param_type_name == "argument":
            found["arguments"].append({"name": each.name, **about})
        else:
            about |= {
                "takes_value": not each.is_flag,
                "repeated": each.multiple,
                "default": each.default or None,
            }
            found["options"] |= dict.fromkeys(each.opts, about)
    return found


def command_outputs() -> Json:
    """What each command prints with `--json`, as the names of its fields, and how it exits."""
    with tempfile.TemporaryDirectory() as folder:
        return {said: _carry_out(arguments) for said, arguments in _calls(Path(folder))}


def _calls(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Calls that build on one another, each under a name of its own."""
    store, spec = ["--db", str(folder / "names.duckdb")], folder / "names.toml"
    spec.write_text(EXPERIMENT, encoding="utf-8")
    results = ["--folder", str(folder / "results")]
    scripted = ["--engine", "scripted", "--verifier", "exact"]
    beams = ["run", *scripted, "--strategy", "beam_search", "--problem", "ledger/2/1000017"]
    yield "run", [*beams, "--budget", "model_calls=4", *store]
    yield "run, bad input", [*beams, "--strategy", "dowsing", *store]
    yield "run, no such option", [*beams, "--dowsing", "1", *store]
    yield "run, failed", [*beams, "--engine", "torch", "--model", str(folder / "none"), *store]
    yield "resume", ["resume", "2", *store]
    yield "fork", ["fork", "1", "0", *store]
    yield "continue", ["continue", "1", "--budget", "model_calls=20", *store]
    yield "no such command", ["dance"]
    yield "catalog", ["catalog"]
    yield "problems", ["problems"]
    yield "problems, one", ["problems", "ledger/3/17"]
    yield "verify-run", ["verify-run", "1", *store]
    yield "reselect", ["reselect", "3", "--selector", "majority", *store]
    yield "why", ["why", "3", *store]
    yield "what-if", ["what-if", "3", "--selector", "majority", *store]
    yield "export", ["export", "1", str(folder / "run.jsonl"), *store]
    yield "import", ["import", str(folder / "run.jsonl"), *store]
    yield "annotations", ["annotations", "export", "--out", str(folder / "labels.csv"), *store]
    yield "sweep, plan", ["sweep", str(spec), "--plan", *results]
    yield "sweep", ["sweep", str(spec), *results]
    yield "sweep, report", ["sweep", str(spec), "--report", str(folder / "a.html"), *results]


def _carry_out(arguments: list[str]) -> Json:
    done = carry_out(*arguments, "--json")
    printed = json.loads(done.printed) if done.printed else None
    return {"exit": done.status, "fields": sorted(set(_fields(printed)))}


class Done(NamedTuple):
    """How a command ended: its exit status, and what it printed on standard output."""

    status: int
    printed: str


def carry_out(*arguments: str) -> Done:
    """A command in this process."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            status = main(arguments)
        except SystemExit as ended:
            status = int(str(ended.code))
    return Done(status, out.getvalue())


def _fields(value: Any, at: str = "") -> Iterator[str]:
    """The paths of all fields of a JSON value; `[]` stands for every entry of a list."""
    if isinstance(value, dict):
        for name, inside in value.items():
            yield f"{at}.{name}".removeprefix(".")
            if name not in DATA:
                yield from _fields(inside, f"{at}.{name}".removeprefix("."))
    elif isinstance(value, list):
        for inside in value:
            yield from _fields(inside, f"{at}[]")


def sweep_lines() -> list[str]:
    """The first word of each line that `sweep` prints for people."""
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "names.toml"
        spec.write_text(EXPERIMENT, encoding="utf-8")
        done = carry_out("sweep", str(spec), "--folder", str(Path(folder) / "results"))
    return [line.split()[0] for line in done.printed.splitlines()]


def catalog_names() -> Json:
    """What a run can name: plug-ins, and their parameters where they have some."""
    found: Json = json.loads(carry_out("catalog", "--json").printed)
    return {
        family: {each["name"]: _parameters(each) for each in found[family]}
        for family in ("strategies", "selectors", "verifiers", "engines", "problem_sets")
    } | {"budget_axes": [each["name"] for each in found["budget_axes"]]}


def _parameters(entry: Json) -> Json:
    """The parameters of a plug-in with their defaults."""
    properties: Json = entry.get("params_schema", {}).get("properties", {})
    return {name: about.get("default") for name, about in properties.items()}


def http_names() -> Json:
    """Each path and method: its parameters by place, the fields of its body and of its answer."""
    document = create_app().openapi()
    shapes: Json = document["components"]["schemas"]
    return {
        path: {method: _operation(about, shapes) for method, about in methods.items()}
        for path, methods in document["paths"].items()
    }


def _operation(about: Json, shapes: Json) -> Json:
    parameters = [f"{each['in']} {each['name']}" for each in about.get("parameters", [])]
    answers = [each for code, each in about["responses"].items() if code.startswith("2")]
    return {
        "parameters": sorted(parameters),
        "body": _properties(about.get("requestBody", {}), shapes),
        "answer": sorted({name for each in answers for name in _properties(each, shapes)}),
        "statuses": sorted(code for code in about["responses"] if code.startswith("2")),
    }


def _properties(part: Json, shapes: Json) -> list[str]:
    """The names of the fields of a JSON body, one level deep."""
    schema = part.get("content", {}).get("application/json", {}).get("schema", {})
    schema = schema.get("items", schema)
    reference: str = schema.get("$ref", "")
    return sorted(shapes.get(reference.rpartition("/")[2], schema).get("properties", {}))


def variable_names() -> list[str]:
    """The variables of the environment that the documentation lists."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    return sorted(re.findall(r"^\| `(ARBORETUM_[A-Z_]+)` \|", text, re.MULTILINE))


def client_names() -> Json:
    """What a notebook can import from `backend.client`, and what it can call on what it gets."""
    opened = client.Client("http://127.0.0.1:1")
    parts = {
        f"Client.{name}": value
        for name, value in vars(opened).items()
        if type(value).__module__.startswith("backend.") and not name.startswith("_")
    }
    found: Json = {name: _signature(getattr(client, name)) for name in client.__all__}
    found |= {f"StoredRun.{name}": about for name, about in _members(StoredRun).items()}
    found |= {f"Client.{name}": about for name, about in _members(client.Client).items()}
    for part, value in parts.items():
        found |= {part: None}
        found |= {f"{part}.{name}": about for name, about in _members(type(value)).items()}
    return found


def _members(owner: type) -> dict[str, list[str] | None]:
    return {
        name: _signature(value)
        for name, value in inspect.getmembers(owner)
        if not name.startswith("_")
    }


def _signature(value: object) -> list[str] | None:
    """The names of the parameters of a function or method; None for anything else."""
    if not inspect.isfunction(value):
        return None
    return [name for name in inspect.signature(value).parameters if name not in ("self", "cls")]


def page_names() -> Json:
    """The address of each page by its file, and the parts of addresses that pages read."""
    source = ast.parse((ROOT / "pages" / "frame.py").read_text(encoding="utf-8"))
    calls = [
        node
        for node in ast.walk(source)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "Page"
    ]
    return {"addresses": dict(_page(call) for call in calls)}


def _page(call: ast.Call) -> tuple[str, str]:
    given = {each.arg: each.value for each in call.keywords}
    path, file = given.get("url_path"), call.args[0]
    assert isinstance(file, ast.BinOp) and isinstance(file.right, ast.Constant)
    address = path.value if isinstance(path, ast.Constant) else ""
    return f"/{address}", str(file.right.value)


READ: Mapping[str, Callable[[], object]] = {
    "commands": command_names,
    "outputs": command_outputs,
    "sweep lines": sweep_lines,
    "catalog": catalog_names,
    "http": http_names,
    "variables": variable_names,
    "client": client_names,
    "pages": page_names,
}


if __name__ == "__main__":
    print(json.dumps({name: read() for name, read in READ.items()}, indent=1, ensure_ascii=False))
