"""The page of a search holds everything, asks for nothing, and nothing that was written can leave
its place in it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from backend.exchange.html import embed_json, page

ADDRESS = re.compile(r"""(?:src|href|action|data)\s*=\s*["'](?!#)|@import|url\(""")


class Elements(HTMLParser):
    """What a page is made of: the elements with their attributes, and the text of scripts and
    styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._inside = f"{tag} {dict(attrs).get('type')}" if tag in ("script", "style") else ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[self._inside] = self.texts.get(self._inside, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


RUN = {"id": 3, "strategy": "mcts", "question": "q"}


@given(
    st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(["</script><script>alert(1)</script>", "<!--<script>", "]]>", "\u2028"])
)
def test_any_text_comes_back_from_the_page_and_adds_no_element(text: str) -> None:
    made = page({**RUN, "question": text}, [{"seq": 0, "kind": "node", "data": {text: [text]}}])
    plain, parsed = Elements(page(RUN, [])), Elements(made)
    assert parsed.found == plain.found
    data = json.loads(parsed.texts["script application/json"])
    assert (data["run"]["question"], data["events"][0]["data"]) == (text, {text: [text]})


def test_the_policy_allows_the_pages_own_script_and_style_and_nothing_else() -> None:
    made = Elements(page(RUN, []))
    policy = next(
        attrs["content"]
        for tag, attrs in made.found
        if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "script-src": f"'{hashed(made.texts['script module'])}'",
        "style-src": f"'{hashed(made.texts['style None'])}'",
    }


def hashed(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_the_page_names_no_address_and_writes_no_markup() -> None:
    made = page(RUN, [])
    assert not ADDRESS.search(made)
    script = Elements(made).texts["script module"]
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "fetch(",
        "import(",
        "XMLHttpRequest",
    ):
        assert word not in script


def test_embedded_json_has_no_markup_and_no_infinity() -> None:
    assert embed_json({"a": "<&>\u2028"}) == '{"a":"\\u003c\\u0026\\u003e\\u2028"}'
