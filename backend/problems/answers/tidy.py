r"""Texts brought into one form before they are read: wrappers and spacing taken off, Unicode and
LaTeX signs of one meaning written alike.

The form keeps LaTeX commands that are part of a value (`\frac`, `\sqrt`, `\pi`), writes relations
and other signs as single characters (`≤ ≥ ≠ ± ∪ ∈ ∞ ∅ ° · …`), and set braces as `❴ ❵`, so that `{`
and `}` only group. Money keeps its sign; the dollar signs around formulas are gone.
"""

from __future__ import annotations

import re
import unicodedata

from backend.problems.answers.words import words

SIGNS = {
    "le": "≤", "leq": "≤", "leqslant": "≤", "leqq": "≤", "ge": "≥", "geq": "≥", "geqslant": "≥",
    "geqq": "≥", "ne": "≠", "neq": "≠", "lt": "<", "gt": ">", "pm": "±", "cup": "∪", "in": "∈",
    "infty": "∞", "infin": "∞", "emptyset": "∅", "varnothing": "∅", "circ": "°", "degree": "°",
    "times": "·", "cdot": "·", "ast": "·", "div": "/", "ldots": "…", "dots": "…", "cdots": "…",
    "lbrace": "❴", "rbrace": "❵", "lbrack": "[", "rbrack": "]", "vert": "|", "lvert": "|",
    "rvert": "|", "mid": "|", "colon": ":", "langle": "⟨", "rangle": "⟩", "euro": "€",
    "pounds": "£", "textdollar": "$", "approx": "≈", "to": "→", "rightarrow": "→",
    "longrightarrow": "→",
    "implies": "⇒",
    "Rightarrow": "⇒", "surd": "\\sqrt ", "lparen": "(", "rparen": ")", "wedge": "∧", "land": "∧",
}  # fmt: skip
SPACES = frozenset({"quad", "qquad", "thinspace", "enspace", "hfill", "space", "null"})
DROPPED = words(
    """
    left right middle displaystyle textstyle scriptstyle limits bf rm it sf big Big bigg
    Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr bigm Bigm large Large normalsize small
    """
)
UNWRAPPED = words(
    """
    text textbf textit textrm textsf texttt textnormal mathrm mathbf mathit mathsf mathtt
    mathnormal boldsymbol bm mbox hbox emph boxed fbox underline operatorname rm bf
    ensuremath mathop mathord
    """
)
RENAMED = {"dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "dbinom": "binom", "tbinom": "binom"}
LETTERS = {
    "π": "pi", "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "θ": "theta",
    "λ": "lambda", "μ": "mu", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi", "ϕ": "phi",
    "ω": "omega", "Δ": "Delta", "Σ": "Sigma", "Ω": "Omega", "Φ": "Phi", "ψ": "psi", "η": "eta",
}  # fmt: skip
PLAIN = str.maketrans(
    {
        "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "×": "·", "⋅": "·", "∙": "·", "∗": "·",
        "÷": "/",
        "⁄": "/", "∕": "/", "。": ".", "，": ",", "、": ",", "；": ";", "：": ":", "∶": ":",
        "’": "'", "‘": "'", "“": '"', "”": '"', "º": "°", "˚": "°", "⩽": "≤", "⟶": "→", "⟹": "⇒",
        "⩾": "≥", "≦": "≤",
        "≧": "≥", "⋯": "…", "￥": "¥", "﹣": "-", "－": "-", "（": "(", "）": ")", "µ": "μ",
    }
)  # fmt: skip
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n")
SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
MOST_WRAPPERS = 12

_INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\u2061\u2062]")
_COMMAND = re.compile(r"\\\\|\\([A-Za-z]+)\*?|\\(.)", re.DOTALL)
_WRAPPERS = (
    re.compile(r"\*\*(.+)\*\*", re.DOTALL),
    re.compile(r"__([^_]+)__"),
    re.compile(r"\*([^*]+)\*"),
    re.compile(r"_([^_]+)_"),
    re.compile(r"`+([^`]+)`+"),
    re.compile(r"\$\$([^$]+)\$\$"),
    re.compile(r"\$([^$]+)\$"),
    re.compile(r"\\\((.+)\\\)", re.DOTALL),
    re.compile(r"\\\[(.+)\\\]", re.DOTALL),
    re.compile(r'"([^"]+)"'),
    re.compile(r"'([^']+)'"),
    re.compile(r"<(?:b|i|em|strong|u|code)>([^<>]+)</\w+>"),
    re.compile(
        r"\\begin\{(?:aligned?|gathered|equation|split)\*?\}([^&\\]+)"
        r"\\end\{(?:aligned?|gathered|equation|split)\*?\}"
    ),
)
_LOOKS = re.compile(
    r"\\(?:(?:text)?color|colorbox|[hv]space\*?|phantom|vphantom|hphantom)\s*\{[^{}]{0,20}\}"
)
_FOREIGN_SPAN = re.compile(r"(?:(?<=[∪=∈ ])|^)([\[\]])([^][(){}]*[,;][^][(){}]*)([\[\]])(?=[ ∪]|$)")
_MONEY_MARK = re.compile(r"(?:(?<=[\s,(+-])|^)(?:US)?\$(?=\s?[-+]?[\d.])")


_OVER = re.compile(r"\{([^{}]*)\\over\b([^{}]*)\}")
_PLAIN_MOD = re.compile(r"(?:\\pmod|\(\s*\\?mod|\\bmod)\s*\{?\s*(\w+)\s*[})]?")
_BRACED_FRACTION = re.compile(r"(\d)\s*\{\s*(\\frac\s*\{\d+\}\s*\{\d+\})\s*\}")


def tidy(text: str) -> str:
    """The text in the form that is read."""
    text = _plain_characters(text).replace("...", "…").replace("~", " ")
    for _ in range(MOST_WRAPPERS):
        shorter = _unwrap(text)
        if shorter == text:
            break
        text = shorter
    text = _formula_dollars(text)
    text = _commands(_LOOKS.sub(" ", text))
    text = _OVER.sub(r"\\frac{\1}{\2}", _PLAIN_MOD.sub(r"\\pmod{\1}", text))
    text = _BRACED_FRACTION.sub(r"\1\2", text)
    text = re.sub(r"(?<=\d)\{,\}(?=\d)", ",", text).replace("**", "^")
    text = re.sub(r"\^\s*(?:\{\s*°\s*\}|°)", "°", text)
    text = re.sub(r"(?<=[\d.])\s*[xX]\s*(?=10\s*\^)", "·", text)
    text = re.sub(r"(?<=\d)\s*\^\s*(?:\{\s*o\s*\}|o\b)", "°", text)
    text = re.sub(r"<=|=<", "≤", text)
    text = re.sub(r">=|=>", "≥", text).replace("!=", "≠").replace("...", "…").replace("+-", "±")
    text = _trim(" ".join(text.split())).removeprefix("≈").strip()
    return _FOREIGN_SPAN.sub(_write_round, text)


def _write_round(found: re.Match[str]) -> str:
    """An interval in the notation `]2,5[` as `(2,5)`."""
    opening, closing = "(" if found[1] == "]" else "[", ")" if found[3] == "[" else "]"
    return opening + found[2] + closing


def _plain_characters(text: str) -> str:
    text = _INVISIBLE.sub("", text).translate(PLAIN)
    return "".join(_plain_character(each) if each > "\x7f" else each for each in _marked(text))


def _marked(text: str) -> str:
    """Raised and lowered digits as `^{..}` and `_{..}`."""
    text = re.sub(
        "[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ]+", lambda found: "^{" + found[0].translate(SUPERSCRIPTS) + "}", text
    )
    return re.sub("[₀₁₂₃₄₅₆₇₈₉]+", lambda found: "_{" + found[0].translate(SUBSCRIPTS) + "}", text)


def _plain_character(each: str) -> str:
    if each in LETTERS:
        return f"\\{LETTERS[each]} "
    if each == "√":
        return "\\sqrt "
    if each == "∛":
        return "\\sqrt[3] "
    if each.isspace() or unicodedata.category(each) == "Zs":
        return " "
    if unicodedata.decomposition(each).startswith("<fraction>"):
        top, _, bottom = unicodedata.normalize("NFKC", each).partition("⁄")
        return f"\\frac{{{top}}}{{{bottom}}}" if bottom else each
    if "\uff01" <= each <= "\uff5e" or unicodedata.category(each) == "Nd":
        return unicodedata.normalize("NFKC", each)
    return each


def _trim(text: str) -> str:
    text = text.strip()
    while text and (text[-1] in ".;,:" or re.search(r"(?<!\\)\\$", text)):
        text = text[:-1].rstrip()
    return text.lstrip(";").strip()


def _unwrap(text: str) -> str:
    """One layer less of marks around the whole text."""
    text = _trim(text)
    for wrapper in _WRAPPERS:
        if (found := wrapper.fullmatch(text)) and _is_one_wrapper(found[1], wrapper):
            return found[1].strip()
    for name in ("\\boxed", "\\fbox", "\\text", "\\textbf", "\\mathrm", "\\mathbf"):
        if text.startswith(name) and (inside := braced(text, len(name))) is not None:
            start, end = inside
            if end + 1 == len(text):
                return text[start:end].strip()
    return text


def _is_one_wrapper(inside: str, wrapper: re.Pattern[str]) -> bool:
    mark = wrapper.pattern[:3]
    if mark == "\\\\\\":
        return "\\)" not in inside and "\\]" not in inside
    return not (mark == "\\*\\" and "**" in inside)


def braced(text: str, place: int) -> tuple[int, int] | None:
    """Where the inside of the brace group begins and ends that opens at `place`, spaces skipped;
    None where none opens or it does not close."""
    while place < len(text) and text[place] == " ":
        place += 1
    if place >= len(text) or text[place] != "{":
        return None
    depth = 0
    for end in range(place, len(text)):
        if text[end] == "{" and text[end - 1 : end] != "\\":
            depth += 1
        elif text[end] == "}" and text[end - 1 : end] != "\\":
            depth -= 1
            if not depth:
                return place + 1, end
    return None


def _formula_dollars(text: str) -> str:
    r"""Without the dollar signs around formulas. What stays are signs of money: `\$`, and one that
    stands before a number and opens no formula."""
    text = text.replace("\\$", "\x00")
    marks = text.count("$")
    if marks and marks == len(_MONEY_MARK.findall(text)):
        text = _MONEY_MARK.sub("\x00", text)
    return text.replace("$", " ").replace("\x00", "$")


def _commands(text: str) -> str:
    r"""Commands of spacing and style taken away, `\text{..}` unwrapped, others written as signs."""
    out, place = list[str](), 0
    while found := _COMMAND.search(text, place):
        out.append(text[place : found.start()])
        place = found.end()
        if found[0] == "\\\\":
            out.append("\\\\")
        elif found[2] is not None:
            out.append({"{": "❴", "}": "❵", "%": "%", "$": "$", "&": "&", "_": "_"}.get(
                found[2], " " if found[2] in ",;:! ()[]\n" else found[0]
            ))  # fmt: skip
        elif found[1] in UNWRAPPED and (inside := braced(text, place)) is not None:
            start, end = inside
            name = text[start:end].strip()
            if found[1] == "operatorname" and name.isalpha():
                out.append(f"\\{name} ")
            else:
                out.append(f" {_commands(text[start:end])} ")
            place = end + 1
        else:
            out.append(_command(found[1]))
    return "".join(out) + text[place:]


def _command(name: str) -> str:
    if name in SIGNS:
        return SIGNS[name]
    if name in SPACES or name in DROPPED:
        return " "
    return f"\\{RENAMED.get(name, name)} "
