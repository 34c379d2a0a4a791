"""The options of the command line. Commands are imported when they are called, so that `--help`
answers at once."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

Command = Callable[[argparse.Namespace], int]

STAGES = ("corpus", "policy", "samples", "labels", "reward", "evaluate", "all")
SAMPLING = {
    "temperature": (float, "0 is greedy"),
    "top_p": (float, "nucleus"),
    "top_k": (int, "likeliest tokens kept"),
    "min_p": (float, "least likelihood against the likeliest"),
    "max_tokens": (int, "limit of one step"),
    "alternatives": (int, "likeliest tokens stored at every position"),
}


def parser() -> argparse.ArgumentParser:
    """The parser; `command` of its result is what to call."""
    top = argparse.ArgumentParser(
        prog="python -m backend", description="Grow, watch and compare reasoning trees."
    )
    commands = top.add_subparsers(required=True, metavar="command")
    _serve(commands)
    _run(commands)
    resume = _command(
        commands,
        "resume",
        "take up a run that was cut off, without paying again",
        "backend.cli.run:resume",
    )
    resume.add_argument("run_id", type=int)
    _add(resume, db=True)
    _fork(commands)
    _add(
        _command(
            commands, "catalog", "everything that a run can name", "backend.cli.look:show_catalog"
        )
    )
    problems = _command(
        commands, "problems", "the problem sets, or one problem", "backend.cli.look:show_problems"
    )
    problems.add_argument("problem", nargs="?", help="an id such as ledger/3/17")
    _add(problems)
    classroom = _command(
        commands, "classroom", "train and measure the shipped models", "backend.cli.look:classroom"
    )
    classroom.add_argument("stage", choices=STAGES)
    classroom.add_argument("rest", nargs=argparse.REMAINDER, help="options of the stage")
    _store_commands(commands)
    _sweep(commands)
    return top


def _sweep(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    sweep = _command(
        commands, "sweep", "carry out an experiment, or go on with it", "backend.cli.sweep:sweep"
    )
    sweep.add_argument("spec", type=Path, help="a TOML file; see docs/experiments.md")
    sweep.add_argument(
        "--folder",
        type=Path,
        help="where results are kept: a folder for each experiment below it (var/experiments)",
    )
    sweep.add_argument("--at-once", type=int, default=64, help="tasks in flight (64)")
    sweep.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="carry it out on this Ray cluster; `local`: on a cluster of this machine",
    )
    sweep.add_argument("--retry", action="store_true", help="take up the tasks that failed")
    sweep.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write what there is as one HTML page, and do nothing else",
    )
    sweep.add_argument(
        "--plan", action="store_true", help="say what there is to do, and do nothing"
    )
    _add(sweep)


def _serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    serve = _command(
        commands, "serve", "serve pages and API on one port", "backend.cli.serve:serve"
    )
    serve.add_argument("--port", type=int)
    serve.add_argument("--host", help="address to bind to; anything but loopback asks for a token")
    serve.add_argument("--db", type=Path, help="file of the store")


def _run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = _command(
        commands, "run", "run a strategy on a problem, without a server", "backend.cli.run:run"
    )
    run.add_argument("--strategy", required=True)
    run.add_argument("--problem", help="an id such as ledger/3/17")
    run.add_argument("--question", help="a question of your own")
    run.add_argument("--answer", help="its right answer, if you know it")
    _settings(run)
    for name, (kind, text) in SAMPLING.items():
        run.add_argument(f"--{name.replace('_', '-')}", type=kind, help=text)
    _add(run, db=True)


def _settings(run: argparse.ArgumentParser) -> None:
    run.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the strategy; repeat it for more",
    )
    run.add_argument(
        "--verifier-param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the verifier; repeat it for more",
    )
    run.add_argument(
        "--selector-param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the selector; repeat it for more",
    )
    run.add_argument(
        "--budget",
        action="append",
        default=[],
        metavar="AXIS=LIMIT",
        help="a limit such as generated_tokens=2000",
    )
    run.add_argument("--seed", type=int)
    for name in (
        "engine",
        "model",
        "verifier",
        "verifier-model",
        "aggregation",
        "selector",
        "system",
    ):
        run.add_argument(f"--{name}")


def _fork(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    fork = _command(
        commands,
        "fork",
        "go on from a node of a stored run; what is not said stays as it was there",
        "backend.cli.fork:fork",
    )
    fork.add_argument("run_id", type=int)
    fork.add_argument("node", type=int, help="any node of the run")
    fork.add_argument("--text", help="the step's text, written anew")
    fork.add_argument(
        "--half",
        action="store_true",
        help="the text is a half-written step, which the model completes",
    )
    fork.add_argument(
        "--token",
        metavar="PLACE=TEXT",
        help="what stands in place of a token of the step, counted from 0; the step is cut there",
    )
    fork.add_argument("--strategy")
    _settings(fork)
    _add(fork, db=True)
    go_on = _command(
        commands,
        "continue",
        "go on where the budget ended a stored run, with a larger one",
        "backend.cli.fork:go_on",
    )
    go_on.add_argument("run_id", type=int)
    go_on.add_argument(
        "--budget",
        action="append",
        default=[],
        metavar="AXIS=LIMIT",
        help="a limit; an axis that is left out has none",
    )
    _add(go_on, db=True)


def _store_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verify = _command(
        commands,
        "verify-run",
        "check a stored run, or an export file, for soundness",
        "backend.cli.store:verify_run",
    )
    verify.add_argument("run", help="a run's id, or an export file")
    _add(verify, db=True)
    reselect = _command(
        commands,
        "reselect",
        "what another final rule would have chosen from a stored run",
        "backend.cli.reselect:reselect",
    )
    reselect.add_argument("run_id", type=int)
    reselect.add_argument(
        "--selector", required=True, help="a rule from the catalogue, such as majority"
    )
    reselect.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the rule; repeat it for more",
    )
    reselect.add_argument(
        "--aggregation", help="rank by the stored scores of steps: last, min, prod or mean"
    )
    _add(reselect, db=True)
    why = _command(
        commands, "why", "where the right answer of a stored run died", "backend.cli.why:why"
    )
    why.add_argument("run_id", type=int)
    why.add_argument(
        "--node",
        type=int,
        help="tell the first wrong step on the path to this node; absent: the chosen one",
    )
    why.add_argument(
        "--labeller", help="who judges the steps, by its name in the catalogue; absent: exact"
    )
    _add(why, db=True)
    _what_if(commands)
    export = _command(commands, "export", "write a run as a file", "backend.cli.store:export_run")
    export.add_argument("run_id", type=int)
    export.add_argument("path", type=Path, nargs="?", help="the same as --out")
    export.add_argument(
        "--out",
        type=Path,
        help=(
            "file to write; Parquet tables go into a new folder, or into an archive where it "
            "ends in .zip"
        ),
    )
    kinds = (
        "jsonl (default), parquet, html (a page that opens offline), svg (the tree); PNG comes "
        "from the menu Export of the Trace page"
    )
    export.add_argument("--format", default="jsonl", help=kinds)
    _add(export, db=True)
    take_in = _command(
        commands,
        "import",
        "take in a file of this program or of another",
        "backend.cli.store:import_run",
    )
    take_in.add_argument("path", type=Path)
    take_in.add_argument(
        "--format",
        default="auto",
        help="auto (default), or the name of a format; a wrong name lists them",
    )
    take_in.add_argument("--question", help="what was asked, where the file does not say")
    take_in.add_argument(
        "--answer", help="the right answer, where it is known and the file does not say"
    )
    _add(take_in, db=True)
    _annotations(commands)


def _annotations(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    made = _command(
        commands,
        "annotations",
        "write people's labels as a file",
        "backend.cli.annotations:export_labels",
    )
    made.add_argument("action", choices=["export"])
    made.add_argument("--out", type=Path, required=True, help="file to write")
    made.add_argument(
        "--format", default="csv", help="csv (default), parquet, processbench or prm800k"
    )
    made.add_argument("--author", help="only labels of this author")
    made.add_argument("--strategy", help="only runs of this strategy")
    made.add_argument("--problem", help="only runs on this problem, or on problems of this set")
    made.add_argument("--blind-only", action="store_true", help="only labels that were given blind")
    _add(made, db=True)


def _what_if(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    what_if = _command(
        commands,
        "what-if",
        "what a stored run would have chosen with other settings",
        "backend.cli.why:what_if",
    )
    what_if.add_argument("run_id", type=int)
    what_if.add_argument("--selector", help="another final rule from the catalogue")
    what_if.add_argument(
        "--selector-param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the rule; repeat it for more",
    )
    what_if.add_argument(
        "--aggregation",
        help="other scores of paths, from those of their steps: last, min, prod or mean",
    )
    what_if.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another parameter of the strategy; repeat it for more",
    )
    what_if.add_argument("--first", type=int, help="let only the first so many candidates stand")
    what_if.add_argument(
        "--series", help="stored scores of another verifier that shall steer the search"
    )
    _add(what_if, db=True)


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str, target: str
) -> argparse.ArgumentParser:
    module, function = target.split(":")

    def call(options: argparse.Namespace) -> int:
        command: Command = getattr(import_module(module), function)
        return command(options)

    made = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    made.set_defaults(command=call)
    return made


def _add(made: argparse.ArgumentParser, *, db: bool = False) -> None:
    made.add_argument(
        "--json", action="store_true", help="JSON on standard output, and nothing else there"
    )
    if db:
        made.add_argument("--db", type=Path, help="file of the store")


__all__ = ["SAMPLING", "STAGES", "parser"]
