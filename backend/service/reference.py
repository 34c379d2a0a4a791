"""The pages of the documentation that are made from cards and parameter models.

`python -m backend.service.reference` writes them: one page a strategy in `docs/strategies/`,
`docs/selectors.md` and `docs/verifiers.md`. A test holds that what is committed is what is made.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from backend.core.cards import Card, JudgeCard
from backend.core.registry import STRATEGIES, Params, StrategyEntry
from backend.judging import rules, scorers
from backend.judging.rules import SELECTORS
from backend.judging.scorers import VERIFIERS

CARDS = "<!-- the cards -->"
"""Where in the introduction of a family its cards come."""


def strategy_page(entry: StrategyEntry) -> str:
    """The page of one strategy."""
    card = entry.card
    code = "\n".join(line.text for line in card.pseudocode)
    phases = [(f"`{name}`", what) for name, what in card.phases.items()]
    parts = [
        f"# {card.title} (`{entry.name}`)",
        MADE.format(f"backend/strategies/cards/{entry.name}.md"),
        facts(entry),
        card.idea,
        f"## Pseudo-code\n\n```\n{code}\n```",
        table(("Phase of a step", "What happens in it"), phases),
        section("## Parameters", parameter_table(entry.params, card)),
        *sentences(card, "##"),
        section("## In the trace", card.reading),
        section("## Worked check", card.check),
    ]
    return join_parts(parts)


MADE = "<!-- Made from `{}` by `python -m backend.service.reference`: edit that file. -->"


def facts(entry: StrategyEntry) -> str:
    """Paper, final rule and needs in one line."""
    card = entry.card
    judged = "a verifier" if card.needs_verifier else "no verifier"
    needs = [judged, *(f"`{need}` of the engine" for need in card.needs), *entry.roles]
    source = ", ".join(str(part) for part in (card.paper, card.year) if part)
    return f"{source}. Needs {', '.join(needs)}. Published final rule: `{card.selector}`."


def family_page(introduction: str, entries: Iterable[tuple[str, type[Params], JudgeCard]]) -> str:
    """The page of all selectors, or of all verifiers: each card in place of `CARDS`."""
    before, _, after = introduction.partition(CARDS)
    judges = list(entries)
    rows = [(f"`{name}`", card.title, card.paper or "-") for name, _, card in judges]
    cards = [judge_section(name, params, card) for name, params, card in judges]
    return join_parts([before, table(("Name", "Title", "Source"), rows), *cards, after])


def judge_section(name: str, params: type[Params], card: JudgeCard) -> str:
    """The part of the page that tells of one selector or verifier."""
    parts = [
        f"## {card.title} (`{name}`)",
        card.idea,
        section("**What it computes.**", card.formula),
        parameter_table(params, card),
        *sentences(card, "###"),
        card.check,
    ]
    return join_parts(parts).strip()


def sentences(card: Card, level: str) -> list[str]:
    """What is taken from where, departures and defects avoided, each as a list."""
    parts = (
        ("Sources", card.sources),
        ("Departures", card.departures),
        ("Published defects avoided", card.avoided),
    )
    return [
        section(f"{level} {heading}", "\n".join(f"- {line}" for line in lines))
        for heading, lines in parts
    ]


def parameter_table(params: type[Params], card: Card) -> str:
    """Name, default and meaning of each parameter, with the remarks of the card."""
    fields: Mapping[str, Mapping[str, object]] = params.model_json_schema().get("properties", {})
    rows = []
    for name, field in fields.items():
        meaning = [str(field.get("description", "")), card.parameters.get(name, "")]
        rows.append((f"`{name}`", default(field), "; ".join(part for part in meaning if part)))
    return table(("Parameter", "Default", "Meaning and source"), rows)


def default(field: Mapping[str, object]) -> str:
    """A default as it is written in a run's parameters."""
    value = field.get("default")
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, or nothing where there are no rows."""
    if not rows:
        return ""
    return "\n".join([table_row(head), f"|{'---|' * len(head)}", *map(table_row, rows)])


def table_row(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def section(heading: str, body: str) -> str:
    """A heading with its body, or nothing where there is no body."""
    return f"{heading}\n\n{body}" if body else ""


def join_parts(parts: Iterable[str]) -> str:
    """The parts that say something, a blank line between them."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def pages() -> dict[str, str]:
    """Every page by its path below `docs/`."""
    ruled = ((name, rule.params, rule.card) for name, rule in SELECTORS.items())
    judged = ((name, entry.params, entry.card) for name, entry in VERIFIERS.items())
    return {
        **{f"strategies/{name}.md": strategy_page(entry) for name, entry in STRATEGIES.items()},
        "selectors.md": family_page(introduction(rules.__file__, "selectors"), ruled),
        "verifiers.md": family_page(introduction(scorers.__file__, "verifiers"), judged),
    }


def introduction(source: str, folder: str) -> str:
    """What all plug-ins of a family share: `cards/README.md` in its folder."""
    return (Path(source).parent / folder / "cards" / "README.md").read_text(encoding="utf-8")


def write(folder: Path) -> list[str]:
    """Write every page below `folder` and return the paths of those that changed."""
    changed = []
    for name, text in pages().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


if __name__ == "__main__":
    for name in write(Path("docs")):
        print(f"docs/{name}")
