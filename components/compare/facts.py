"""What is said of a run at a moment, as names and values, and as an escaped table below its
tree.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from components.compare.clock import Clock, ClockAxis
from components.compare.moments import Moment
from components.frame.prose import visible
from components.run.words import amount, costs, grade_word

SIGNS: Mapping[bool | None, str] = {True: "\u2713", False: "\u2717", None: "?"}
SHOWN_COSTS = (
    "Generated tokens",
    "Model calls",
    "Scores",
    "Rounds",
    "Prompt tokens",
    "of them cached",
    "Verifier tokens",
    "Time",
)


class RunFact(NamedTuple):
    """A line of the panel; `strong` ones stand out."""

    name: str
    value: str
    strong: bool = False


def facts(at: Moment, axis: ClockAxis, counted: Clock, right: str | None) -> list[RunFact]:
    """The panel's lines: where the clock stands, the answer with its verdict, scores, and the
    ledger. `right` is the right answer, where it is known."""
    spent = f"{amount(counted.value_at(at.event))} of {amount(counted.end)} {axis.unit}"
    scores = (
        f"best {at.best:.3f}, mean {at.mean:.3f}, {at.scored} scored"
        if at.best is not None and at.mean is not None
        else "none"
    )
    ledger = [cost for cost in costs(at.ledger) if cost.name in SHOWN_COSTS]
    return [
        RunFact("Answer so far", answer_words(at, right), True),
        RunFact("Clock", spent),
        RunFact("Scores so far", scores),
        RunFact("Nodes", amount(at.nodes)),
        *(RunFact(cost.name, cost.value) for cost in ledger),
    ]


def answer_words(at: Moment, right: str | None) -> str:
    """The answer with its verdict as sign and word."""
    if not at.answered:
        return "none yet"
    answer = "one that cannot be read" if at.answer is None else at.answer
    return f"{visible(answer)}  {SIGNS[at.correct]} {grade_word(at.correct, right)}"


def panel_html(lines: Sequence[RunFact]) -> str:
    """The lines as an escaped table."""
    rows = "".join(
        (
            f"<tr{' class=strong' if line.strong else ''}><th "
            f"scope='row'>{html.escape(line.name)}</th>"
            f"<td>{html.escape(visible(line.value))}</td></tr>"
        )
        for line in lines
    )
    return f"<style>{_CSS}</style><table class='arb-panel'>{rows}</table>"


_CSS = (
    ".arb-panel{border-collapse:collapse;width:100%;font-size:13px;line-height:1.4;"
    "font-variant-numeric:tabular-nums}"
    ".arb-panel th,.arb-panel td{padding:1px 8px 1px 0;text-align:left;vertical-align:top;"
    "border-bottom:1px solid rgba(128,128,128,.16)}"
    ".arb-panel th{white-space:nowrap;font-weight:400;opacity:.7;width:11em}.arb-panel "
    "td{overflow-wrap:anywhere}"
    ".arb-panel tr.strong td{font-weight:600;font-size:14px}"
)


def settings_html(
    names: Sequence[str], rows: Sequence[tuple[str, Sequence[str], bool]], first: str = "Setting"
) -> str:
    """Settings as an escaped table: `names` of the runs; rows are (setting, its value in each run,
    whether they are equal). `first` is the title of the first column."""
    head = "".join(f"<th scope='col'>{html.escape(visible(name))}</th>" for name in (first, *names))
    body = "".join(
        f"<tr{' class=equal' if equal else ''}><th scope='row'>{html.escape(visible(name))}</th>"
        + "".join(f"<td>{html.escape(visible(value))}</td>" for value in values)
        + "</tr>"
        for name, values, equal in rows
    )
    return (
        f"<style>{_SETTINGS_CSS}</style><table "
        f"class='arb-settings'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


_SETTINGS_CSS = (
    ".arb-settings{border-collapse:collapse;width:100%;font-size:13px;line-height:1.45;"
    "table-layout:fixed}"
    ".arb-settings th,.arb-settings td{padding:3px 10px 3px 0;text-align:left;vertical-align:top;"
    "border-bottom:1px solid rgba(128,128,128,.18)}"
    ".arb-settings tbody th{font-weight:400}.arb-settings "
    "td{font-family:var(--st-code-font,monospace);overflow-wrap:anywhere;white-space:pre-wrap}"
    ".arb-settings tr.equal{opacity:.55}"
)
