"""Where steps end: the rules by cases, and that a text read token by token has the same steps as
one that is there."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.blocks import FORMULA_LINES, opens_thought
from backend.core.splitting import Rule, Splitting, StepState

BLANK, LINE, HEADING = Splitting(), Splitting("line"), Splitting("heading")
PLAIN, THOUGHT = Splitting("text"), Splitting(thoughts=False)
RULES = (BLANK, LINE, HEADING, PLAIN, THOUGHT, Splitting("line", thoughts=False))

PARTS = [
    "\n", "\n\n", "\r\n", "\r", " ", "\t", "\u2028", "\x85", "a", "So 3 + 4 = 7.", "```", "~~~~", "`",
    "$$", "$", "\\[", "\\]", "\\\\", "\\begin{align}", "\\end{align}", "\\begin{proof}", "<think>",
    "</think>", "# ", "## Sum", "Step ", "Step 1: ", "**Step 2**", "12", ".", "é", "\U0001f600",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PARTS), max_size=40).map("".join)


def ends_of(splitting: Splitting, tokens: list[str]) -> list[int]:
    """Where steps end in the text that the tokens make, read one by one."""
    splitter, at, ends = splitting.splitter(), 0, list[int]()
    for token in tokens:
        ends += [at + end for end in splitter.feed(token)]
        at += len(token)
    return ends


def cut(text: str, places: list[int]) -> list[str]:
    """The text in pieces."""
    bounds = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[start:end] for start, end in pairwise(bounds)]


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a.\n\nb.\n\n", ("a.", "b.")),
        ("a.\r\n\r\nb.", ("a.", "b.")),
        ("a.\r\rb.", ("a.\r\rb.",)),
        ("a.\n \t\nb.", ("a.", "b.")),
        ("a.\n\n\n \n\nb.", ("a.", "b.")),
        ("\n\n \n\n", ()),
        ("a.\nb.", ("a.\nb.",)),
        ("a.\u2028\u2028b.\x85\x85c", ("a.\u2028\u2028b.\x85\x85c",)),
        ("```py\nx\n\ny\n```\n\nb", ("```py\nx\n\ny\n```", "b")),
        ("~~~~\nx\n\n~~~\n\n```\n~~~~\n\nb", ("~~~~\nx\n\n~~~\n\n```\n~~~~", "b")),
        ("  ```\nx\n\n   ````  \n\nb", ("```\nx\n\n   ````", "b")),
        ("```never closed\n\nb\n\nc", ("```never closed\n\nb\n\nc",)),
        ("```x = 1``` is code\n\nb", ("```x = 1``` is code", "b")),
        ("$$\nx\n\ny\n$$\n\nb", ("$$\nx\n\ny\n$$", "b")),
        ("so \\[\nx\n\ny \\] .\n\nb", ("so \\[\nx\n\ny \\] .", "b")),
        ("\\begin{align*}\nx\n\ny\n\\end{align*}\n\nb", ("\\begin{align*}\nx\n\ny\n\\end{align*}", "b")),
        ("\\begin{proof}\nx\n\ny\n\\end{proof}", ("\\begin{proof}\nx", "y\n\\end{proof}")),
        ("a \\\\[4pt] b\n\nc", ("a \\\\[4pt] b", "c")),
        ("it costs \\$$5\n\nb", ("it costs \\$$5", "b")),
        ("$$x$$\n\nb", ("$$x$$", "b")),
        ("$$ never closed\n\nb\n\nc\n\nd", ("$$ never closed\n\nb", "c", "d")),
        ("$$ never closed\n```\nx\n\n```\n\nb", ("$$ never closed\n```\nx\n\n```", "b")),
        ("<think>\na\n\n```\nb\n\nc</think>\n\nd", ("<think>\na", "```\nb\n\nc</think>", "d")),
    ],
)  # fmt: skip
def test_a_blank_line_ends_a_step_but_not_within_code_or_a_formula(
    text: str, steps: tuple[str, ...]
) -> None:
    assert BLANK.split([text]) == steps


def test_a_formula_that_nobody_closes_swallows_a_bounded_stretch() -> None:
    lines = [f"line {number}" for number in range(3 * FORMULA_LINES)]
    assert len(LINE.split(["\\[\n" + "\n".join(lines)])) == 1 + len(lines) - FORMULA_LINES


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a\nb\n\n\nc", ("a", "b", "c")),
        ("a\r\nb\rc", ("a", "b\rc")),
        ("a\n```\nx\ny\n```\nb", ("a", "```\nx\ny\n```", "b")),
        ("so\n$$\nx\n$$\nb", ("so", "$$\nx\n$$", "b")),
    ],
)
def test_by_line_each_line_is_a_step(text: str, steps: tuple[str, ...]) -> None:
    assert LINE.split([text]) == steps


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("Step 1: a\nb\n\nc\nStep 2: d", ("Step 1: a\nb\n\nc", "Step 2: d")),
        ("We do it.\n## Step 1: a\n### Sum\nb\n", ("We do it.", "## Step 1: a", "### Sum\nb")),
        ("**Step 1:** a\n**Step 2**\nb", ("**Step 1:** a", "**Step 2**\nb")),
        ("# Solution\n## Step 1\na\n", ("# Solution\n## Step 1\na",)),
        ("Schritt 1: a\r\nSchritt 2: b", ("Schritt 1: a", "Schritt 2: b")),
        ("Step 1: a\nStep 2:", ("Step 1: a\nStep 2:",)),
        ("Step 1: a\n## Answer: 5", ("Step 1: a\n## Answer: 5",)),
        ("Step 1: a\nStep 2nd is none\nSteps 3: no", ("Step 1: a\nStep 2nd is none\nSteps 3: no",)),
        ("Step 1: a\n```\n# comment\n\nStep 2: x\n```", ("Step 1: a\n```\n# comment\n\nStep 2: x\n```",)),
    ],
)  # fmt: skip
def test_a_heading_begins_a_step_and_alone_it_is_none(text: str, steps: tuple[str, ...]) -> None:
    assert HEADING.split([text]) == steps


def test_a_step_is_closed_with_the_heading_of_the_next_so_that_nothing_is_drawn_twice() -> None:
    tokens = ["Step", " 1", ":", " a", "\n", "Step", " 2", ":", " b"]
    assert ends_of(HEADING, tokens) == [len("Step 1: a\nStep 2:")]


def test_a_thought_is_one_step_where_its_paragraphs_are_none() -> None:
    text = "<think>\na\n\nb\n</think>\n\nc\n\nd"
    assert THOUGHT.split([text]) == ("<think>\na\n\nb\n</think>", "c", "d")
    assert BLANK.split([text]) == ("<think>\na", "b\n</think>", "c", "d")
    begun = Splitting(thoughts=False, thinking=True)
    assert begun.split(["a\n\nb\n</think>\n\nc"]) == ("a\n\nb\n</think>", "c")


def test_a_prompt_may_have_opened_the_thought() -> None:
    assert opens_thought("<|im_start|>assistant\n<think>\n")
    assert not opens_thought("What does <think> mean?\nassistant\n")
    assert not opens_thought("assistant\n")


def test_version_1_cuts_at_its_text_alone() -> None:
    assert PLAIN.split(["a.\n\n b \n\n\n\nc"]) == ("a.", "b", "c")
    assert PLAIN.split(["```\nx\n\ny\n```"]) == ("```\nx", "y\n```")
    assert Splitting("text", "<step>").split(["a<step>b<step>"]) == ("a", "b")


def test_by_tokens_each_piece_is_a_step_and_a_splitter_counts() -> None:
    splitting = Splitting("tokens", length=3)
    splitter = splitting.splitter()
    assert [splitter.feed(token) for token in "abcdefg"] == [[], [], [1], [], [], [1], []]
    assert splitting.split(["abc", "de\n\nf", " ", "g"]) == ("abc", "de\n\nf", "g")


def test_a_text_that_begins_with_a_blank_line_ends_an_empty_step_as_before() -> None:
    assert ends_of(BLANK, ["\n", "\n", "A", "\n\n", "\n", "\n", "B"]) == [2, 5]


@given(TEXTS, st.lists(st.integers(0, 10_000), max_size=30), st.sampled_from(RULES))
def test_read_in_any_pieces_a_text_has_the_same_steps(
    text: str, places: list[int], splitting: Splitting
) -> None:
    tokens = cut(text, places)
    assert ends_of(splitting, tokens) == splitting.splitter().feed(text)
    assert splitting.split(tokens) == splitting.split([text])


@given(TEXTS, st.integers(0, 10_000), st.sampled_from([BLANK, LINE, HEADING, THOUGHT]))
def test_a_splitter_goes_on_from_the_state_of_another(
    text: str, place: int, splitting: Splitting
) -> None:
    before, after = text[: place % (len(text) + 1)], text[place % (len(text) + 1) :]
    state = msgspec.json.decode(
        msgspec.json.encode(splitting.state_after([before])), type=StepState
    )
    found = [len(before) + end for end in splitting.splitter(state).feed(after)]
    assert ends_of(splitting, [before]) + found == ends_of(splitting, [before, after])


@given(TEXTS, st.sampled_from(RULES))
def test_no_step_is_empty_and_together_they_hold_all_that_was_written(
    text: str, splitting: Splitting
) -> None:
    spans, at = splitting.spans([text]), 0
    for start, end in spans:
        assert text[start:end] == text[start:end].strip() != ""
        assert not text[at:start].strip()
        at = end
    assert not text[at:].strip()


@given(TEXTS, st.sampled_from(RULES))
def test_each_place_where_a_step_ends_leaves_all_steps_before_it_complete(
    text: str, splitting: Splitting
) -> None:
    for end in splitting.splitter().feed(text):
        assert splitting.complete([text[:end]])


@pytest.mark.parametrize(
    ("splitting", "step", "closed"),
    [
        (BLANK, "a.\n", "a.\n\n"),
        (BLANK, "a.\r\n\r\n", "a.\r\n\r\n"),
        (PLAIN, "a.\n", "a.\n\n"),
        (LINE, "a.", "a.\n"),
        (Splitting("tokens", length=2), "a.", "a."),
        (Splitting("text", "<step>"), "a.", "a.<step>"),
    ],
)
def test_a_step_of_ones_own_is_closed_once(splitting: Splitting, step: str, closed: str) -> None:
    assert splitting.close(["before.\n\n"], step) == closed
    assert splitting.close(["before.\n\n"], closed) == closed


@pytest.mark.parametrize("rule", ["blank_line", "line", "heading", "text"])
@pytest.mark.parametrize(
    "hostile",
    ["`" * 60_000 + " `", "$$" * 40_000, "\\begin{" * 20_000, "\n" * 60_000, "# " * 40_000,
     " \t" * 40_000, "```\n" * 20_000, "<think>" * 10_000, "\r" * 60_000, "Step 1" * 20_000],
)  # fmt: skip
def test_a_hostile_text_is_read_in_one_go(hostile: str, rule: Rule) -> None:
    splitting = Splitting(rule)
    assert splitting.split([hostile]) is not None
    splitter = splitting.splitter()
    for at in range(0, len(hostile), 7):
        splitter.feed(hostile[at : at + 7])
