r"""Text of others drawn with its formulas and its formatting, and with nothing that acts.

The text is read by one parser, and what was read is written anew: every piece of text with all its
punctuation escaped, formulas and code only where nothing inside can end them. So it does not matter
where the browser's parser would have read the text otherwise, for example that it takes the dollar
of `\$` for the end of a formula. Images and links are shown as the text that they are written with.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from components.frame.prose import Markdown, escape_line, plain_markdown, visible

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.tree import SyntaxTreeNode

BRACKETS = {r"\(": (r"\)", "math_inline", "$"), r"\[": (r"\]", "math_inline_double", "$$")}
"""What opens a formula in LaTeX's own notation: what closes it, and what it is read as."""


def prepare_markdown(text: str) -> Markdown:
    """Text prepared for `st.markdown`: formulas in dollars and in LaTeX's brackets, headings, lists,
    tables, code and emphasis act; everything else is text."""
    from markdown_it.tree import SyntaxTreeNode

    return Markdown(_blocks(SyntaxTreeNode(_parser().parse(visible(text))).children))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("reference")
    parser.disable(["html_block", "html_inline", "autolink"])
    parser.use(dollarmath_plugin, allow_labels=False, allow_space=False, double_inline=True)
    parser.inline.ruler.before("escape", "math_brackets", _read_brackets)
    return parser


def _read_brackets(state: StateInline, silent: bool) -> bool:
    """A rule of the parser: a formula between LaTeX's brackets."""
    opening = state.src[state.pos : state.pos + 2]
    if opening not in BRACKETS:
        return False
    closing, kind, sign = BRACKETS[opening]
    end = state.src.find(closing, state.pos + 2, state.posMax)
    if end < 0 or not state.src[state.pos + 2 : end].strip():
        return False
    if not silent:
        token = state.push(kind, "math", 0)
        token.content, token.markup = state.src[state.pos + 2 : end], sign
    state.pos = end + 2
    return True


def _blocks(nodes: Sequence[SyntaxTreeNode]) -> str:
    return "\n\n".join(_block(node) for node in nodes)


def _block(node: SyntaxTreeNode) -> str:
    match node.type:
        case "paragraph" | "inline" | "th" | "td":
            return _inline(node)
        case "heading":
            return f"{'#' * int(node.tag[1:])} {_inline(node)}"
        case "hr":
            return "***"
        case "blockquote":
            return _indent(_blocks(node.children), "> ", "> ")
        case "bullet_list":
            return "\n".join(_indent(_blocks(item.children), "- ", "  ") for item in node.children)
        case "ordered_list":
            return _numbered(node)
        case "table":
            return _table(node)
        case "math_block":
            return _display(node.content)
        case _:  # code, and whatever a later version of the parser adds, as it is written
            return _fenced(node.content)


def _numbered(node: SyntaxTreeNode) -> str:
    first = int(node.attrGet("start") or 1)
    lines = []
    for number, item in enumerate(node.children, first):
        mark = f"{number}. "
        lines.append(_indent(_blocks(item.children), mark, " " * len(mark)))
    return "\n".join(lines)


def _table(node: SyntaxTreeNode) -> str:
    rows = [row for part in node.children for row in part.children]
    lines = [
        f"| {' | '.join(_inline(cell, table=True) for cell in row.children)} |" for row in rows
    ]
    return "\n".join((lines[0], "|" + " --- |" * len(rows[0].children), *lines[1:]))


def _inline(node: SyntaxTreeNode, *, table: bool = False) -> str:
    return "".join(_piece(each, table) for each in node.children)


def _piece(node: SyntaxTreeNode, table: bool) -> str:
    match node.type:
        case "inline":
            return _inline(node, table=table)
        case "softbreak":
            return " " if table else "\n"
        case "hardbreak":
            return " " if table else "\\\n"
        case "em":
            return f"*{_inline(node, table=table)}*"
        case "strong":
            return f"**{_inline(node, table=table)}**"
        case "code_inline":
            return _code(node.content, table)
        case "math_inline" | "math_inline_double":
            return _formula(node.content, node.markup, table)
        case "link":
            target = f"]({node.attrGet('href') or ''})"
            return f"\\[{_inline(node, table=table)}{plain_markdown(target)}"
        case "image":
            return plain_markdown(f"![{node.content}]({node.attrGet('src') or ''})")
        case _:
            return _text(node.content)


def _text(content: str) -> str:
    """A piece of text; a line of it would be a heading's underline by its equals signs."""
    return escape_line(
        " ".join(content.splitlines()),
        lambda part: plain_markdown(part).replace("=", "\\=").replace("\\<", "&lt;"),
    )


def _formula(content: str, sign: str, table: bool) -> str:
    """A formula on one line; as text where something inside could end it."""
    line = " ".join(content.split())
    if _could_end(line) or (table and "|" in line):
        return _text(f"{sign}{content}{sign}")
    return f"{sign}{_without_tags(line)}{sign}"


def _without_tags(formula: str) -> str:
    """The same formula without a sign that would begin a tag where it is read as text."""
    return formula.replace("<", "\\lt ")


def _could_end(formula: str) -> bool:
    """Whether another parser could end a formula inside, or read a link where it sees none."""
    unsafe = any(part in formula for part in ("$", "`", "](", "\n\n"))
    return unsafe or not formula or formula.endswith("\\")


def _display(content: str) -> str:
    if _could_end(content.strip()):
        return _fenced(content)
    return f"$$\n{_without_tags(content.strip())}\n$$"


def _code(content: str, table: bool) -> str:
    if table and "|" in content:
        return plain_markdown(content)
    fence = "`" * (1 + max(map(len, re.findall("`+", content)), default=0))
    return f"{fence} {content} {fence}" if content.strip(" ") else plain_markdown(content)


def _fenced(content: str) -> str:
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", content)), default=0))
    return f"{fence}\n{content.rstrip()}\n{fence}"


def _indent(text: str, first: str, rest: str) -> str:
    lines = text.split("\n")
    return "\n".join((first + lines[0], *(rest + line for line in lines[1:])))
