"""`grade`: whether the answers of a file mean the same as the right ones."""

from __future__ import annotations

import json
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pydantic import ValidationError

from backend.core.errors import BadInput
from backend.messages.grading import Ask, Graded
from backend.problems.equivalence import Equivalence
from backend.problems.library import Library
from backend.service.grading import grade_ask

if TYPE_CHECKING:
    from backend.service.assembly import Services
    from backend.service.regrading import Regraded

DONE = 0
AT_ONCE = 2
"""Pairs that are compared side by side: as many as there are processes for algebra."""
AHEAD = 16
"""Lines that are read ahead of what is printed."""
SAID = {True: "equal", False: "different", None: "undecided"}
WIDTH = 28


def grade(
    paths: Sequence[str], *, as_json: bool, stored_only: Mapping[str, object] | None = None
) -> int:
    """Grade each line of a file, or of standard input for `-`, and print the verdicts in order as
    they are known. Raises `BadInput` that names the line, or an option that was given of those in
    `stored_only`."""
    for option, value in (stored_only or {}).items():
        if value:
            raise BadInput(option, given=value, accepted="only with --stored")
    if len(paths) != 1:
        raise BadInput("file", given=list(paths), accepted="one file, or - for standard input")
    path = paths[0]
    equivalence, counts = Equivalence(workers=AT_ONCE), Counter[str]()
    try:
        with _open_lines(path) as lines:
            for ask, found in _grade_all(_read_asks(lines, path), Library(equivalence, {})):
                counts[SAID[found.equal]] += 1
                line = _as_json(ask, found) if as_json else _as_row(ask, found)
                print(line, flush=not as_json or path == "-")
    finally:
        equivalence.close()
    if not as_json:
        print(_sum_up(counts))
    return DONE


def grade_stored(runs: Sequence[str], db: Path | None, *, write: bool, as_json: bool) -> int:
    """Judge the answers of stored runs anew and print them, those that differ alone unless as JSON.
    Raises `BadInput` for what is no number of a run, `NotFound` for one that is not there."""
    from backend.cli.store import within
    from backend.service.regrading import keep, regrade, runs_over

    for each in runs:
        if not each.isdecimal():
            raise BadInput("run", given=each, accepted="the number of a stored run")

    def work(services: Services) -> int:
        found = 0
        for run_id in map(int, runs) if runs else runs_over(services.store):
            verdicts = regrade(services.store, services.library, run_id)
            found += len(verdicts)
            if write:
                keep(services.store, run_id, verdicts)
            for each in verdicts:
                if as_json:
                    print(
                        json.dumps(each._asdict() | {"differs": each.differs}, ensure_ascii=False)
                    )
                elif each.differs:
                    print(_describe(each))
        return found

    count = within(db, work)
    if not as_json:
        print(f"{count} answers judged" + (", written beside the stored verdicts" if write else ""))
    return DONE


def _describe(each: Regraded) -> str:
    names = {True: "right", False: "wrong", None: "undecided"}
    old, new = f"{names[each.stored]} by grader {each.stored_by}", names[each.now]
    return f"run {each.run}, node {each.node}: {each.answer}: {old}, now {new}: {each.reason}"


@contextmanager
def _open_lines(path: str) -> Iterator[IO[str]]:
    """The lines of a file, or of standard input."""
    if path == "-":
        yield sys.stdin
        return
    try:
        file = Path(path).open(encoding="utf-8-sig", newline="\n")  # noqa: SIM115  (closed below)
    except OSError as error:
        raise BadInput(
            "file", given=path, accepted=f"a file that can be read ({error.strerror}), or -"
        ) from None
    with file:
        yield file


def _read_asks(lines: Iterable[str], path: str) -> Iterator[Ask]:
    """One question a line; empty lines are passed over."""
    name, number = "standard input" if path == "-" else path, 0
    try:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield _read_ask(line, f"{name}, line {number}")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{name}, line {number + 1}", given=error.reason, accepted="text in UTF-8"
        ) from None


def _read_ask(line: str, where: str) -> Ask:
    accepted = 'an object such as {"given": "1/2", "right": "0.5"} or {"text": ..., "right": ...}'
    try:
        return Ask.model_validate(json.loads(line))
    except (ValueError, RecursionError) as error:
        if isinstance(error, ValidationError):
            first = error.errors(include_url=False)[0]
            field = ".".join(map(str, first["loc"]))
            accepted += f" ({f'{field}: ' if field else ''}{first['msg']})"
        raise BadInput(where, given=line.strip()[:80], accepted=accepted) from None


def _grade_all(asks: Iterable[Ask], library: Library) -> Iterator[tuple[Ask, Graded]]:
    """Each question with its verdict, in order; some are worked on ahead."""
    waiting: deque[tuple[Ask, Future[Graded]]] = deque()
    with ThreadPoolExecutor(AT_ONCE) as workers:
        try:
            for ask in asks:
                waiting.append((ask, workers.submit(grade_ask, ask, library)))
                if waiting[0][1].done() or len(waiting) > AHEAD:
                    first, future = waiting.popleft()
                    yield first, future.result()
        except BadInput:
            yield from ((ask, future.result()) for ask, future in waiting)
            raise
        yield from ((ask, future.result()) for ask, future in waiting)


def _as_json(ask: Ask, found: Graded) -> str:
    told = found.model_dump(include={"equal", "read_given", "read_right", "reason"})
    if ask.text is not None:
        told |= found.model_dump(include={"answer", "read_by"})
    return json.dumps(told, ensure_ascii=False)


def _as_row(ask: Ask, found: Graded) -> str:
    given = found.answer if ask.text is not None else ask.given
    by = f" [read by: {found.read_by}]" if found.read_by else ""
    shown = "nothing" if given is None else _shorten(given)
    return f"{SAID[found.equal]:<10} {shown:<{WIDTH}} {_shorten(ask.right):<{WIDTH}} {found.reason}{by}"


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"


def _sum_up(counts: Counter[str]) -> str:
    return f"{counts.total()} lines: " + ", ".join(
        f"{counts[name]} {name}" for name in SAID.values()
    )


__all__ = ["grade"]
