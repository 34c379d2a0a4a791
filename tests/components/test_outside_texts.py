"""No text of somebody else is handed to Streamlit where it reads Markdown, but through `plain_markdown`
or `prepare_markdown`: read off the source of all pages and components."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import markdown_calls
from tests.support.markdown_calls import Module, Screens, findings, screens

KNOWN = {
    "list(panels)": "the names of the inspector's tabs stand in the source, as keys",
    "[view.title for view in views]": "the title of a view stands beside its function",
}
"""What the reader of the source cannot follow, and why it is safe."""


def test_texts_of_others_are_escaped_wherever_markdown_is_read() -> None:
    found = [each for each in findings() if each.source not in KNOWN]
    assert [str(each) for each in found] == []


def test_what_is_known_to_be_safe_is_still_there() -> None:
    assert {each.source for each in findings()} == set(KNOWN)


def test_the_reader_finds_the_calls_that_there_are() -> None:
    assert len(screens().markdown) > 500


RAW = (
    "st.caption(f'Problem {name}')",
    "st.error(visible(run.error))",
    "st.markdown(run.answer)",
    "st.info('a' + run.reason)",
    "st.button(run.name)",
    "st.checkbox('a', help=run.note)",
    "st.tabs([run.name])",
    "st.radio('a', run.names)",
    "st.pills('a', run.names, format_func=lambda one: one.title())",
    "st.progress(0.5, text=run.name)",
    "st.page_link(page, label=run.name)",
    "row.metric(run.name, 3)",
    "st.markdown(' '.join([run.name]))",
    "st.markdown(Markdown(run.name))",
    "said = f'{run.name}'\n    st.caption(said)",
    "said = 'a'\n    said += run.name\n    st.caption(said)",
    "for one in run.names:\n        st.caption(one)",
    "st.caption(helper(run.name))",
    "st.caption(own(run.name))",
)
SAFE = (
    "st.caption('a')",
    "st.caption(f'{run.count:d} of {len(run.names)}, {run.share:.2f}')",
    "st.caption(plain_markdown(run.name))",
    "st.caption(f'**{plain_markdown(run.name)}**')",
    "said = 'a' if run.name else 'b'\n    st.caption(said)",
    "st.caption(own('a'))",
    "for one in ('a', 'b'):\n        st.caption(one)",
    "st.text(run.name)",
    "service.info(run.name)",
)
FRAME = """
from components.frame.prose import Markdown, plain_markdown
def own(text):
    return f"{{text}}!"
def draw(run, st, row, page, service):
    {}
"""


def number_of_findings(source: str, folder: Path, patch: pytest.MonkeyPatch) -> int:
    path = folder / "panel.py"
    path.write_text(FRAME.format(source))
    seen = Screens()
    markdown_calls.parsed.cache_clear()
    markdown_calls._read_screen(Module(path), seen)
    patch.setattr(markdown_calls, "screens", lambda: seen)
    try:
        return len(list(findings()))
    finally:
        markdown_calls.parsed.cache_clear()


@pytest.mark.parametrize("source", RAW)
def test_a_raw_text_is_found(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert number_of_findings(source, tmp_path, monkeypatch) >= 1


@pytest.mark.parametrize("source", SAFE)
def test_what_is_safe_is_not_found(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert number_of_findings(source, tmp_path, monkeypatch) == 0
