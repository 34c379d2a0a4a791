"""Cards: the text about a strategy, a selector or a verifier, one Markdown file each.

A card lies in the folder `cards` beside the file of its plug-in and bears the plug-in's name. It
begins with a head in TOML between two lines `+++`; sections follow, each under a heading `## NAME`.
From the card come the entry of the catalogue, the text beside the form, and a page of the
documentation. A card is read when somebody asks for it, never when a plug-in is imported.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from backend.core.errors import BadInput

HEAD = re.compile(r"\+\+\+\n(.*?)^\+\+\+\n(.*)", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^## (.+)\n", re.MULTILINE)
SENTENCE = re.compile(r"^- ", re.MULTILINE)
REMARK = re.compile(r"`(\w+)`: (.+)")

SECTIONS: Mapping[str, str] = {
    "Idea": "idea",
    "Formula": "formula",
    "Pseudo-code": "pseudocode",
    "Sources": "sources",
    "Departures": "departures",
    "Published defects avoided": "avoided",
    "Parameters": "parameters",
    "In the trace": "reading",
    "Worked check": "check",
}
"""The headings of a card, in the order in which its page shows them, with the fields they fill."""


class CodeLine(NamedTuple):
    """A line of pseudo-code: the phases of a step that carry it out (none for a loop or an
    assignment between steps), and the kinds of event by which the log tells that it was carried out
    just now."""

    phases: tuple[str, ...]
    text: str
    kinds: tuple[str, ...] = ()


def read_code(section: object) -> object:
    """The lines of pseudo-code in a section: a fenced block whose lines are `phases and @kinds |
    text`, the words parted by blanks."""
    if not isinstance(section, str):
        return section
    lines = section.strip().removeprefix("```\n").removesuffix("\n```").splitlines()
    parted = (line.partition("|") for line in lines)
    return tuple(_read_line(words.split(), text.removeprefix(" ")) for words, _, text in parted)


def _read_line(words: Sequence[str], text: str) -> CodeLine:
    phases = tuple(word for word in words if not word.startswith("@"))
    kinds = tuple(word.removeprefix("@") for word in words if word.startswith("@"))
    return CodeLine(phases, text, kinds)


def read_sentences(section: object) -> object:
    """The sentences of a section: items of a list, each begun by `- `, further lines indented."""
    if not isinstance(section, str):
        return section
    before, *items = SENTENCE.split(section)
    if before.strip():
        raise ValueError("a list of sentences, each begun by '- '")
    return tuple(" ".join(item.split()) for item in items)


def read_remarks(section: object) -> object:
    """The sentences of a section by the name that each begins with, as in `` - `name`: text ``."""
    sentences = read_sentences(section)
    if not isinstance(sentences, tuple):
        return section
    found = [REMARK.fullmatch(sentence) for sentence in sentences]
    if not all(found):
        raise ValueError("a list whose items begin with '`name`: '")
    return {remark[1]: remark[2] for remark in found if remark}


def read_text(section: object) -> object:
    """The text of a section without the blank lines around it."""
    return section.strip() if isinstance(section, str) else section


Code = Annotated[tuple[CodeLine, ...], BeforeValidator(read_code)]
Sentences = Annotated[tuple[str, ...], BeforeValidator(read_sentences)]
Remarks = Annotated[dict[str, str], BeforeValidator(read_remarks)]
Text = Annotated[str, BeforeValidator(read_text)]


class Card(BaseModel):
    """What the cards of all families tell. `sources` says what is taken from where, `departures`
    where this implementation leaves its source and why, `avoided` which defects of published
    programs were not copied, one sentence each; `parameters` adds to the help texts of some
    parameters; `check` holds what was worked out by hand or by a test, such as
    the review of the code against the specification."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    paper: str = ""
    idea: Text
    sources: Sentences = ()
    departures: Sentences = ()
    avoided: Sentences = ()
    parameters: Remarks = Field(default_factory=dict)
    check: Text = ""


class StrategyCard(Card):
    """The card of a strategy. `selector` is the published final rule; `needs` names engine
    capabilities (`logprobs`, `abort` ...), `views` the family views that its notes support;
    `phases` maps the phase names of its steps to what happens in them; `reading` says what to look
    for in a trace."""

    year: int | None = None
    selector: str = "best"
    needs_verifier: bool = True
    needs: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    phases: dict[str, str] = Field(default_factory=dict)
    pseudocode: Code = ()
    reading: Text = ""


class JudgeCard(Card):
    """The card of a selector or a verifier; `formula` says in words what it computes."""

    formula: Text


AnyCard = TypeVar("AnyCard", bound=Card)


def card_beside(source: str, name: str) -> Path:
    """Where the card of the plug-in `name` lies whose code is in the file `source`."""
    return Path(source).parent / "cards" / f"{name}.md"


def read_card(path: Path, kind: type[AnyCard]) -> AnyCard:
    """The card in the file `path`. Raises `BadInput` that names the file, the field or heading,
    what was given and what is accepted."""
    if not path.is_file():
        raise BadInput(f"card {path}", given="no such file", accepted="a Markdown file with a head")
    parts = HEAD.fullmatch(path.read_text(encoding="utf-8"))
    if parts is None:
        raise BadInput(f"card {path}", given="no head", accepted="TOML between two lines +++")
    try:
        return kind.model_validate({**tomllib.loads(parts[1]), **split_sections(parts[2])})
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"head of card {path}", given=str(error), accepted="TOML") from None
    except ValidationError as error:
        raise _refusal(path, kind, error) from None


def split_sections(body: str) -> dict[str, str]:
    """The text under each heading, by the field that it fills; an unknown heading stands for
    itself."""
    _, *parted = HEADING.split(body)
    return {
        SECTIONS.get(heading.strip(), heading.strip()): text
        for heading, text in zip(parted[::2], parted[1::2], strict=True)
    }


def _refusal(path: Path, kind: type[Card], error: ValidationError) -> BadInput:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    known = str(first["loc"][0]) in kind.model_fields
    return BadInput(
        f"card {path}, field {field}",
        given="nothing" if first["type"] == "missing" else first["input"],
        accepted=first["msg"] if known else ", ".join(kind.model_fields),
    )
