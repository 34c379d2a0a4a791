"""`reselect`: what another final rule would have chosen from a stored run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from backend.cli.run import params_of
from backend.cli.store import within
from backend.core.ports import Aggregation
from backend.judging.rules import SELECTORS
from backend.messages.runs import Choice, Reselection
from backend.service.reselection import reselect_run

DONE = 0
JUDGED = {True: "right", False: "wrong", None: "undecided or not graded"}


def reselect(
    run_id: int,
    rule: str,
    given: Sequence[str],
    aggregation: str | None,
    db: Path | None,
    *,
    as_json: bool,
) -> int:
    """Let a rule choose and print what it chose, beside the choice of the run."""
    params = params_of(SELECTORS[rule].params, "--param", given)
    found = within(
        db,
        lambda services: reselect_run(
            services, run_id, rule, params, cast("Aggregation | None", aggregation)
        ),
    )
    print(found.model_dump_json() if as_json else text_of(found))
    return DONE


def text_of(found: Reselection) -> str:
    """What was found, in a few lines."""
    by = f"{found.selector} (by {found.aggregation})" if found.aggregation else found.selector
    lines = [f"run {found.run_id}, {found.candidates} candidates", line_of(by, found.chosen)]
    if len(found.leaders) > 1:
        credit = "unknown" if found.credit is None else f"{found.credit:.3f}"
        lines.append(
            f"  {len(found.leaders)} tie for it: nodes "
            f"{', '.join(map(str, found.leaders))}; expected credit {credit}"
        )
    if found.confidence is not None:
        lines.append(f"  confidence {found.confidence:.3f}")
    lines += [f"  {name}: {value}" for name, value in found.facts.items()]
    if found.undecided:
        lines.append(f"  {len(found.undecided)} pairs of answers could not be compared")
    return "\n".join([*lines, line_of(f"the run itself, {found.own_selector}", found.own)])


def line_of(who: str, choice: Choice | None) -> str:
    if choice is None:
        return f"{who}: nothing, no candidate finished"
    return f"{who}: node {choice.node}, answer {choice.answer}, {JUDGED[choice.correct]}"


__all__ = ["reselect", "text_of"]
