r"""Text of others drawn with its formatting: formulas and lists act, pictures, links and tags do not,
however another parser would read what was written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.texmath import texmath_plugin

from components.frame.prose import plain_markdown
from components.frame.rendered import prepare_markdown

FAR = "http://192.0.2.1/p.png"
READERS = (
    MarkdownIt("commonmark"),
    MarkdownIt("commonmark").enable(["table", "strikethrough"]),
    MarkdownIt("commonmark").enable("table").use(dollarmath_plugin),
    MarkdownIt("commonmark").enable("table").use(dollarmath_plugin, double_inline=True, allow_digits=False),
    MarkdownIt("commonmark").enable("table").use(texmath_plugin, "dollars"),
)  # fmt: skip
"""Parsers that agree on little about dollars."""


def pieces(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from pieces(token.children or ())


def acting(markdown: str) -> list[str]:
    """What some parser would act on."""
    kinds = ("image", "link_open", "html_inline", "html_block")
    return [
        f"{each.type} {each.content}"
        for reader in READERS
        for each in pieces(reader.parse(markdown))
        if each.type in kinds
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"`$x`![a]({FAR})`$`",
        rf"$a\$![a]({FAR})$",
        f"$a`$![a]({FAR})`",
        f"$$\na\n$$![a]({FAR})\n$$",
        f"![i]({FAR}) [a](javascript:x) <{FAR}>",
        f"![i][r]\n\n[r]: {FAR}",
        rf"\(a$![i]({FAR})\) \[$$![i]({FAR})\]",
        f"| a | b |\n|---|---|\n| $x|$ | ![i]({FAR}) |",
        f"- $x\n- ![i]({FAR})$",
        f"```\n![i]({FAR})\n``` ![j]({FAR})",
        f"<img src={FAR}><a href={FAR}>x</a>",
        f"a\\\\![i]({FAR})",
        f"$![i]({FAR})$ $$![i]({FAR})$$",
        f"> $x\n![i]({FAR})$",
    ],
)
def test_no_parser_finds_a_picture_or_a_link(text: str) -> None:
    assert acting(prepare_markdown(text)) == [] and acting(plain_markdown(text)) == []


WILD = st.lists(
    st.sampled_from(
        ["$", "$$", "\\", "`", "``", "```", f"![a]({FAR})", f"[b]({FAR})", "<b>", "|", "\n", "\n\n",
         "- ", "> ", "# ", "    ", "x", " ", "\\(", "\\)", "\\[", "\\]", "*", "_", "~~~", "1. ", "---"]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(WILD)
def test_whatever_is_written_nothing_acts(text: str) -> None:
    assert acting(prepare_markdown(text)) == [] and acting(plain_markdown(text)) == []


def test_formulas_stay_and_lone_dollars_are_escaped() -> None:
    assert prepare_markdown(r"so \(x^2\) costs $5 and \[y\]") == "so $x^2$ costs \\$5 and $$y$$"
    assert prepare_markdown("$$\n\\frac{1}{2}\n$$") == "$$\n\\frac{1}{2}\n$$"


def test_an_escaped_dollar_begins_and_ends_no_formula() -> None:
    assert prepare_markdown(r"\$x$ and $y\$") == r"\$x\$ and \$y\$"


def test_tags_directives_and_icons_are_text() -> None:
    assert (
        prepare_markdown("<b>x</b> :red[y] :material/home:")
        == "&lt;b\\>x&lt;/b\\> \\:red\\[y\\] \\:material\\/home\\:"
    )


def test_lists_headings_code_tables_and_emphasis_stay() -> None:
    text = "# A\n\n- b **c**\n- *d*\n\n2. e\n\n| f | g |\n|---|---|\n| `h` | i |\n\n```\nj = 1\n```"
    assert prepare_markdown(text) == (
        "# A\n\n- b **c**\n- *d*\n\n2. e\n\n| f | g |\n| --- | --- |\n| ` h ` | i |\n\n"
        "```\nj = 1\n```"
    )


def test_a_long_text_is_drawn_quickly() -> None:
    assert len(prepare_markdown("[" * 20_000 + "$" * 20_000 + "`" * 20_000)) > 20_000
