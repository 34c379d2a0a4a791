"""The symbols of a formula and those that a node competed with, as small escaped tables."""

from __future__ import annotations

import html
from collections.abc import Sequence

from backend.core.formulas import Term
from components.frame.prose import visible
from components.tree.inspector.formula.case import Rival

SHOWN = 60
"""Competitors listed at most, the best first; those taken are listed besides."""


def terms_html(terms: Sequence[Term]) -> str:
    """One line a symbol: the symbol, its value, what it means."""
    lines = [
        (
            f"<tr><th scope='row'>{_text(term.symbol)}</th><td "
            f"class='n'>{number(term.value)}</td><td>{_text(term.meaning)}</td></tr>"
        )
        for term in terms
    ]
    return f"<style>{_STYLE}</style><table class='arb-terms'>{''.join(lines)}</table>"


def rivals_html(rivals: Sequence[Rival]) -> str:
    """One line a competitor, a star where it was taken."""
    shown = [rival for place, rival in enumerate(rivals) if place < SHOWN or rival.taken]
    lines = [_rival(rival) for rival in shown]
    left = (
        f"<p>{len(rivals) - len(shown)} more are not shown.</p>" if len(shown) < len(rivals) else ""
    )
    return (
        f"<style>{_STYLE}</style><table class='arb-terms'>{''.join(lines)}</table>{left}<p "
        "class='arb-note'>\u2605 taken or kept</p>"
    )


def _rival(rival: Rival) -> str:
    kind, star = (" class='taken'", "\u2605") if rival.taken else ("", "")
    facts = f"<td class='n'>{number(rival.value)}</td><td>{_text(rival.facts)}</td>"
    return f"<tr{kind}><td>{star}</td><th scope='row'>node {rival.node}</th>{facts}</tr>"


def number(value: float) -> str:
    """Six significant digits, infinity as a sign."""
    return f"{value:.6g}".replace("inf", "\u221e").replace("-", "\u2212")


def _text(text: str) -> str:
    return html.escape(visible(text))


_STYLE = (
    ".arb-terms{font-size:13px;line-height:1.45;border-collapse:collapse;width:100%}.arb-terms "
    "th{text-align:left;font-weight:600;white-space:nowrap}"
    ".arb-terms td,.arb-terms th{padding:2px 8px;border-bottom:1px solid rgba(128,128,128,.18);"
    "vertical-align:top}"
    ".arb-terms .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".arb-terms .taken{font-weight:600}"
    ".arb-terms .taken td{font-weight:600}.arb-note{font-size:12px;opacity:.8;margin:4px 0 0}"
)
