"""Text cells of CSV files, so that a spreadsheet shows them and computes nothing.

A spreadsheet takes a cell that begins with =, +, -, @ or a control character for a formula, which may
fetch from a foreign host or start a program. Such a text is written with an apostrophe before it,
and one that begins with an apostrophe as well, so that whoever reads the file takes one leading
apostrophe off every text column (`unquote_cell`) and has the text exactly. A text that is wholly a
number, such as `-5`, stays as it is.
"""

from __future__ import annotations

import re

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "'")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def quote_cell(text: str) -> str:
    """A text as a spreadsheet shows it without computing anything."""
    acts = text.startswith(FORMULA) and not _NUMBER.fullmatch(text)
    return "'" + text if acts else text


def unquote_cell(text: str) -> str:
    """Undo `quote_cell`."""
    return text.removeprefix("'")


__all__ = ["FORMULA", "quote_cell", "unquote_cell"]
