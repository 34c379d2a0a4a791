"""Token probabilities as a heatmap: the less likely a token was, the stronger its background.

Ten classes instead of a colour a token keep ten thousand tokens light and let one text serve both themes. Every token carries its number in its
title, and `token_rows` gives the same numbers as a table, so nothing is told by colour alone.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from components.prose import visible

BINS = 10


@dataclass(frozen=True)
class TokenRow:
    """A token: position, text with unseen characters spelled out, log-probability (nats) and probability, None where nobody sampled it."""

    position: int
    text: str
    logprob: float | None
    probability: float | None


def token_rows(tokens: Sequence[str], logprobs: Sequence[float] | None) -> list[TokenRow]:
    """One row a token; `logprobs` has one number a token or is None."""
    if logprobs is not None and len(logprobs) != len(tokens):
        raise ValueError(f"log-probabilities: got {len(logprobs)}, accepted: one for each of {len(tokens)} tokens")
    values: Sequence[float | None] = logprobs if logprobs is not None else [None] * len(tokens)
    return [
        TokenRow(at, visible(text), value, None if value is None else math.exp(value))
        for at, (text, value) in enumerate(zip(tokens, values, strict=True))
    ]


def bin_of(probability: float) -> int:
    """0 for a token that was nearly certain, `BINS` - 1 for one that was nearly impossible."""
    return min(BINS - 1, max(0, int((1.0 - probability) * BINS)))


def heatmap_html(rows: Sequence[TokenRow]) -> str:
    """The tokens as escaped HTML, one span each, line breaks shown and kept."""
    spans = []
    for row in rows:
        shown = html.escape(row.text).replace("\n", "<i>\u21b5</i>\n")
        if row.logprob is None or row.probability is None:
            spans.append(f"<span>{shown}</span>")
            continue
        title = f"p = {row.probability:.4f}, log p = {row.logprob:.3f}"
        spans.append(f'<span class="b{bin_of(row.probability)}" title="{title}">{shown}</span>')
    return f"<style>{_STYLE}</style><div class='arb-tokens' tabindex='0'>{''.join(spans)}</div>{_LEGEND}"


_STYLE = (
    ".arb-tokens{font-family:var(--st-code-font,monospace);font-size:13.5px;line-height:1.9;white-space:pre-wrap;overflow-wrap:anywhere}"
    ".arb-tokens i{opacity:.45;font-style:normal}.arb-tokens span{border-radius:3px;padding:1px 0}"
    + "".join(f".arb-tokens .b{level},.arb-scale .b{level}{{background:rgba(230,159,0,{0.07 * level:.2f})}}" for level in range(1, BINS))
    + ".arb-tokens .b7,.arb-tokens .b8,.arb-tokens .b9{text-decoration:underline dotted;text-underline-offset:3px}"
    ".arb-scale{font-size:12px;opacity:.8;margin-top:8px;display:flex;gap:2px;align-items:center}"
    ".arb-scale span{display:inline-block;width:18px;height:12px;border:1px solid rgba(128,128,128,.2)}"
)
_LEGEND = (
    "<div class='arb-scale'>p = 1&nbsp;"
    + "".join(f'<span class="b{level}"></span>' for level in range(BINS))
    + "&nbsp;p = 0 &nbsp; underlined: p below .3</div>"
)
