"""Model text on screen: always as text, unless a reader asks for more.

A model may write markup, links to remote images, or characters that turn the reading direction;
none of it may act. `visible` names what cannot be seen, `plain_markdown` escapes for Markdown,
`path_html` and `prompt_html` for HTML; `components.frame.rendered` keeps formulas and formatting.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from typing import NewType

_UNSEEN = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)

_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s`|\[\]]+", re.IGNORECASE)
_ACTING = frozenset("\\`*_{}[]<>()#+-!|$:~&.")

Markdown = NewType("Markdown", str)
"""Text that may be handed to Streamlit where it reads Markdown: written here, or escaped.

`tests/components/test_outside_texts.py` holds that nothing else gets there.
"""


def visible(text: str) -> str:
    """The text with control, zero-width and direction characters spelled out as U+ codes."""
    return _UNSEEN.sub(lambda found: f"\u27e8U+{ord(found.group()):04X}\u27e9", text)


def plain_markdown(text: str) -> Markdown:
    """Text that comes out of `st.markdown` and its kin exactly as it went in, on one line: the one
    way for a text of somebody else into Markdown."""
    return Markdown(escape_line(" ".join(visible(text).splitlines()), _escape))


def escape_line(line: str, escape: Callable[[str], str]) -> str:
    """A line with everything escaped but addresses, which stand as code: the browser would make
    links of them wherever else they stand."""
    parts, end = list[str](), 0
    for found in _ADDRESS.finditer(line):
        parts += [escape(line[end : found.start()]), f"`{found.group()}`"]
        end = found.end()
    return "".join([*parts, escape(line[end:])])


def _escape(text: str) -> str:
    escaped = "".join(f"\\{char}" if char in _ACTING else char for char in text)
    # Streamlit looks for the names of icons before it looks for escapes
    return escaped.replace(":material/", ":material\\/")


def path_html(texts: Sequence[str], current: int) -> str:
    """The steps of a path as escaped HTML, numbered, step `current` set off from the rest."""
    rows = []
    for number, text in enumerate(texts):
        mark = ' class="here"' if number == current else ""
        rows.append(
            f"<li{mark} value='{number + 1}'>{html.escape(visible(text.strip())) or '&nbsp;'}</li>"
        )
    return f"<style>{_PATH_CSS}</style><ol class='arb-path'>{''.join(rows)}</ol>"


_PATH_CSS = (
    ".arb-path{font-family:var(--st-code-font,monospace);font-size:13px;line-height:1.55;"
    "padding-left:2.2em;margin:0;white-space:pre-wrap;overflow-wrap:anywhere}"
    ".arb-path li{padding:2px 8px;border-left:3px solid transparent;opacity:.78}"
    ".arb-path li.here{border-left-color:#1f8a70;opacity:1;font-weight:600}"
)


def prompt_html(prompt: str) -> str:
    """A prompt as it was sent, escaped, with special tokens such as `<|im_start|>` set off."""
    shown = html.escape(visible(prompt))
    shown = re.sub(
        r"&lt;\|[\w ]+?\|&gt;|&lt;/?s&gt;", lambda found: f"<mark>{found.group()}</mark>", shown
    )
    return f"<style>{_PROMPT_CSS}</style><div class='arb-prompt' tabindex='0'>{shown}</div>"


_PROMPT_CSS = (
    ".arb-prompt{font-family:var(--st-code-font,monospace);font-size:13px;line-height:1.55;"
    "white-space:pre-wrap;overflow-wrap:anywhere;max-height:420px;overflow:auto;"
    "border:1px solid rgba(128,128,128,.22);border-radius:8px;padding:10px 12px}"
    ".arb-prompt mark{background:rgba(86,180,233,.25);color:inherit;border-radius:3px;padding:0 "
    "2px}"
)
