"""Every command with its options: a typed function each, whose docstring is its help.

What a command does is in a module of its own, which the command imports when it is called: so
`--help` answers at once, and no command waits for what another one needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from typer import Argument, Option, Typer

from backend.cli.options import (
    AsJson,
    Budget,
    Db,
    Param,
    RuleParam,
    RunId,
    RunOptions,
    VerifierParam,
    one_option_a_field,
    repeat_option,
)
from backend.core.spec import RunSpec, SamplingSpec, SplittingSpec

app = Typer(
    help="Grow, watch and compare reasoning trees.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.command()
def serve(
    port: int | None = None,
    host: Annotated[
        str | None, Option(help="address to bind to; anything but loopback asks for a token")
    ] = None,
    db: Db = None,
) -> int:
    """Serve pages and API on one port."""
    from backend.cli.serve import serve

    return serve(host, port, db)


@app.command()
@one_option_a_field(RunSpec, SamplingSpec, SplittingSpec, required=("strategy",))
def run(
    fields: Mapping[str, Any],
    param: Param = [],  # noqa: B006  (never changed)
    selector_param: RuleParam = [],  # noqa: B006
    verifier_param: VerifierParam = [],  # noqa: B006
    budget: Budget = [],  # noqa: B006
    json: AsJson = False,
    db: Db = None,
) -> int:
    """Run a strategy on a problem, without a server."""
    from backend.cli.run import run

    return run(RunOptions(fields, param, selector_param, verifier_param, budget), db, as_json=json)


@app.command()
def resume(run_id: RunId, json: AsJson = False, db: Db = None) -> int:
    """Take up a run that was cut off, without paying again."""
    from backend.cli.run import resume

    return resume(run_id, db, as_json=json)


@app.command()
@one_option_a_field(RunSpec, without=("problem", "question", "answer"))
def fork(
    fields: Mapping[str, Any],
    run_id: RunId,
    node: Annotated[int, Argument(help="any node of the run")],
    text: Annotated[str | None, Option(help="the step's text, written anew")] = None,
    half: Annotated[
        bool, Option("--half", help="the text is a half-written step, which the model completes")
    ] = False,
    token: Annotated[
        str | None,
        Option(
            metavar="PLACE=TEXT",
            help=(
                "what stands in place of a token of the step, counted from 0; the step is cut there"
            ),
        ),
    ] = None,
    param: Param = [],  # noqa: B006
    selector_param: RuleParam = [],  # noqa: B006
    verifier_param: VerifierParam = [],  # noqa: B006
    budget: Budget = [],  # noqa: B006
    json: AsJson = False,
    db: Db = None,
) -> int:
    """Go on from a node of a stored run; what is not said stays as it was there."""
    from backend.cli.fork import Edited, fork

    options = RunOptions(fields, param, selector_param, verifier_param, budget)
    return fork(run_id, node, Edited(text, half, token), options, db, as_json=json)


@app.command("continue")
def go_on(
    run_id: RunId,
    budget: Annotated[
        list[str], repeat_option("a limit; an axis that is left out has none", metavar="AXIS=LIMIT")
    ] = [],  # noqa: B006
    json: AsJson = False,
    db: Db = None,
) -> int:
    """Go on where the budget ended a stored run, with a larger one."""
    from backend.cli.fork import go_on

    return go_on(run_id, budget, db, as_json=json)


@app.command()
def catalog(json: AsJson = False, db: Db = None) -> int:
    """Everything that a run can name."""
    from backend.cli.look import show_catalog

    return show_catalog(db, as_json=json)


@app.command()
def problems(
    problem: Annotated[str | None, Argument(help="an id such as ledger/3/17")] = None,
    json: AsJson = False,
    db: Db = None,
) -> int:
    """The problem sets, or one problem."""
    from backend.cli.look import show_problems

    return show_problems(problem, db, as_json=json)


@app.command()
def grade(
    file: Annotated[
        list[str] | None,
        Argument(
            help='JSON lines such as {"given": "1/2", "right": "0.5"}, or with a "text" from which '
            "the answer is read; - is standard input. With --stored: runs"
        ),
    ] = None,
    stored: Annotated[
        bool,
        Option("--stored", help="judge the answers of stored runs anew (absent: of all)"),
    ] = False,
    write: Annotated[
        bool, Option("--write", help="with --stored: keep the new verdicts beside the old ones")
    ] = False,
    json: AsJson = False,
    db: Db = None,
) -> int:
    """Whether answers mean the same as the right ones."""
    from backend.cli.grade import grade, grade_stored

    if stored:
        return grade_stored(file or [], db, write=write, as_json=json)
    return grade(file or [], as_json=json, stored_only={"--write": write, "--db": db})


@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def classroom(
    stage: Literal["corpus", "policy", "samples", "labels", "reward", "evaluate", "all"],
    rest: Annotated[list[str] | None, Argument(help="options of the stage")] = None,
) -> int:
    """Train and measure the shipped models."""
    from backend.cli.look import classroom

    return classroom(stage, rest or [])


@app.command("verify-run")
def verify_run(
    run: Annotated[str, Argument(help="a run's id, or an export file")],
    json: AsJson = False,
    db: Db = None,
) -> int:
    """Check a stored run, or an export file, for soundness."""
    from backend.cli.verify import verify_run

    return verify_run(run, db, as_json=json)


@app.command()
def reselect(
    run_id: RunId,
    selector: Annotated[str, Option(help="a rule from the catalogue, such as majority")],
    param: Annotated[list[str], repeat_option("a parameter of the rule")] = [],  # noqa: B006
    aggregation: Annotated[
        str | None, Option(help="rank by the stored scores of steps: last, min, prod or mean")
    ] = None,
    json: AsJson = False,
    db: Db = None,
) -> int:
    """What another final rule would have chosen from a stored run."""
    from backend.cli.reselect import reselect

    return reselect(run_id, selector, param, aggregation, db, as_json=json)


@app.command()
def why(
    run_id: RunId,
    node: Annotated[
        int | None,
        Option(
            help="tell the first wrong step on the path to this node; absent: the chosen one",
        ),
    ] = None,
    labeller: Annotated[
        str | None,
        Option(help="who judges the steps, by its name in the catalogue; absent: exact"),
    ] = None,
    json: AsJson = False,
    db: Db = None,
) -> int:
    """Where the right answer of a stored run died."""
    from backend.cli.why import why

    return why(run_id, node, labeller, db, as_json=json)


@app.command("what-if")
def what_if(
    run_id: RunId,
    selector: Annotated[str | None, Option(help="another final rule from the catalogue")] = None,
    selector_param: Annotated[list[str], repeat_option("a parameter of the rule")] = [],  # noqa: B006
    aggregation: Annotated[
        str | None,
        Option(help="other scores of paths, from those of their steps: last, min, prod or mean"),
    ] = None,
    param: Annotated[list[str], repeat_option("another parameter of the strategy")] = [],  # noqa: B006
    first: Annotated[int | None, Option(help="let only the first so many candidates stand")] = None,
    series: Annotated[
        str | None, Option(help="stored scores of another verifier that shall steer the search")
    ] = None,
    json: AsJson = False,
    db: Db = None,
) -> int:
    """What a stored run would have chosen with other settings."""
    from backend.cli.why import Other, what_if

    other = Other(selector, selector_param, aggregation, param, first, series)
    return what_if(run_id, other, db, as_json=json)


@app.command()
def export(
    run_id: RunId,
    path: Annotated[Path | None, Argument(help="the same as --out")] = None,
    out: Annotated[
        Path | None,
        Option(
            help="file to write; Parquet tables go into a new folder, or into an archive where it "
            "ends in .zip"
        ),
    ] = None,
    format: Annotated[
        str,
        Option(
            help="jsonl, parquet, html (a page that opens offline), svg (the tree); PNG comes from "
            "the menu Export of the Trace page"
        ),
    ] = "jsonl",
    json: AsJson = False,
    db: Db = None,
) -> int:
    """Write a run as a file."""
    from backend.cli.store import export_run

    return export_run(run_id, path, out, format, db, as_json=json)


@app.command("import")
def take_in(
    path: Annotated[Path, Argument(help="a file, or a folder of Parquet tables")],
    format: Annotated[
        str, Option(help="the name of a format, or auto; a wrong name lists them")
    ] = "auto",
    question: Annotated[
        str | None, Option(help="what was asked, where the file does not say")
    ] = None,
    answer: Annotated[
        str | None,
        Option(help="the right answer, where it is known and the file does not say"),
    ] = None,
    json: AsJson = False,
    db: Db = None,
) -> int:
    """Take in a file of this program or of another."""
    from backend.cli.store import import_run

    return import_run(path, format, question, answer, db, as_json=json)


@app.command("annotations")
def export_labels(
    action: Literal["export"],
    out: Annotated[Path, Option(help="file to write")],
    format: Annotated[str, Option(help="csv, parquet, processbench or prm800k")] = "csv",
    author: Annotated[str | None, Option(help="only labels of this author")] = None,
    strategy: Annotated[str | None, Option(help="only runs of this strategy")] = None,
    problem: Annotated[
        str | None, Option(help="only runs on this problem, or on problems of this set")
    ] = None,
    blind_only: Annotated[
        bool, Option("--blind-only", help="only labels that were given blind")
    ] = False,
    raw: Annotated[
        bool, Option("--raw", help="csv: texts as they are, even where a spreadsheet computes them")
    ] = False,
    json: AsJson = False,
    db: Db = None,
) -> int:
    """Write people's labels as a file."""
    from backend.cli.annotations import Wanted, export_labels

    return export_labels(
        Wanted(format, author, strategy, problem, blind_only, not raw), out, db, as_json=json
    )


@app.command()
def sweep(
    spec: Annotated[Path, Argument(help="a TOML file; see docs/experiments.md")],
    folder: Annotated[
        Path | None,
        Option(
            help="where results are kept: a folder for each experiment below it (experiments, "
            "beside the store)"
        ),
    ] = None,
    at_once: Annotated[int, Option(help="tasks in flight")] = 64,
    ray: Annotated[
        str | None,
        Option(
            metavar="ADDRESS",
            help="carry it out on this Ray cluster; `local`: on a cluster of this machine",
        ),
    ] = None,
    retry: Annotated[bool, Option("--retry", help="take up the tasks that failed")] = False,
    report: Annotated[
        Path | None,
        Option(metavar="FILE", help="write what there is as one HTML page, and do nothing else"),
    ] = None,
    plan: Annotated[bool, Option("--plan", help="say what there is to do, and do nothing")] = False,
    json: AsJson = False,
    db: Db = None,
) -> int:
    """Carry out an experiment, or go on with it."""
    from backend.cli.sweep import SweepChoices, sweep

    return sweep(spec, SweepChoices(folder, at_once, ray, retry, report, plan, db), as_json=json)


__all__ = ["app"]
