"""Steps are matched by what is written, whoever cut it into nodes; the differences spell both
texts."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as some

from backend.core.splitting import AT_BLANK_LINES
from components.compare.alignment import (
    AlignedBranch,
    AlignedPiece,
    AlignedRun,
    Common,
    Difference,
    align,
    common,
    first_difference,
    outline,
    word_diff,
)
from components.compare.branches import BranchRow, branch_rows, branches_html


class Written(NamedTuple):
    id: int
    parent_id: int | None
    text: str
    kind: str = "step"
    done: bool = False
    depth: int = 0
    finish: str | None = None
    mean_logprob: float | None = None
    n_tokens: int = 0
    seq: int = 0


def tree(*below: tuple[int, str]) -> list[Written]:
    """A prompt, and nodes from 1 on as (parent, text)."""
    return [
        Written(0, None, "Q\n\nQ", "prompt"),
        *(Written(at + 1, parent, text) for at, (parent, text) in enumerate(below)),
    ]


STEPWISE = tree((0, "a\n\n"), (1, "b\n\n"), (1, "c\n\n"), (2, "end"))
WHOLE = tree((0, "a\n\nb\n\nend"), (0, "a\n\nd\n\nend"), (0, "z"))
CHARACTERS = tree((0, "a"), (1, "\n"), (2, "\nb"), (3, "\n\ne"), (4, "nd"))


def test_whole_solutions_and_single_steps_meet_on_the_same_steps() -> None:
    found = align([AlignedRun(3, STEPWISE), AlignedRun(7, WHOLE), AlignedRun(9, CHARACTERS)])
    told = [(place.text, place.depth, place.parent, dict(place.holders)) for place in found.places]
    assert told == [
        ("a", 1, None, {3: 1, 7: 1, 9: 3}),
        ("b", 2, 0, {3: 2, 7: 1, 9: 4}),
        ("c", 2, 0, {3: 3}),
        ("end", 3, 1, {3: 4, 7: 1, 9: 5}),
        ("d", 2, 0, {7: 2}),
        ("end", 3, 4, {7: 2}),
        ("z", 1, None, {7: 3}),
    ]
    assert found.steps(3, 4) == found.steps(7, 1) == found.steps(9, 5) == ("a", "b", "end")
    assert found.branch(9, 4) == AlignedBranch((0, 1), "e") and found.steps(9, 4) == ("a", "b", "e")
    assert found.steps(3, 99) == found.steps(99, 1) == found.steps(3, 0) == ()
    assert common(found, 3, 7) == Common(4, 6, 3, 3)
    assert [place.text for place in outline(found, [3, 7])] == ["a", "b", "end"]


def test_another_problem_shares_nothing_and_an_aside_is_no_step() -> None:
    aside = [*tree((0, "x")), Written(2, None, "judge", "aside"), Written(3, 2, "x", "aside")]
    found = align([AlignedRun(1, aside), AlignedRun(2, tree((0, "y")))])
    assert [place.text for place in found.places] == ["x", "y"]
    assert common(found, 1, 2) == Common(1, 1, 0, 0) and outline(found, [1, 2]) == []


steps = some.text("ab\n", max_size=12)


@given(some.lists(some.tuples(some.integers(0, 8), steps), max_size=10))
def test_the_steps_of_a_leaf_spell_its_text_but_for_empty_ones(
    drawn: list[tuple[int, str]],
) -> None:
    nodes = tree(*((min(parent, at), text) for at, (parent, text) in enumerate(drawn)))
    found = align([AlignedRun(1, nodes)])
    inner = {node.parent_id for node in nodes}
    for node in nodes[1:]:
        if node.id in inner:
            continue
        texts, at = list[str](), node
        while at.parent_id is not None:
            texts, at = [at.text, *texts], nodes[at.parent_id]
        assert found.steps(1, node.id) == AT_BLANK_LINES.split(texts)


@given(
    some.lists(some.sampled_from("abc"), max_size=6),
    some.lists(some.sampled_from("abc"), max_size=6),
)
def test_the_first_difference_comes_after_the_longest_common_beginning(
    one: list[str], other: list[str]
) -> None:
    found = first_difference(one, other)
    assert one[: found.shared] == other[: found.shared] and found.same == (one == other)
    assert found == Difference(
        found.shared, (one[found.shared :] or [None])[0], (other[found.shared :] or [None])[0]
    )
    assert found.same or found.one != found.other


@given(some.text("ab <1\n.", max_size=30), some.text("ab <1\n.", max_size=30))
def test_the_pieces_of_a_difference_spell_both_texts(one: str, other: str) -> None:
    pieces = word_diff(one, other)
    assert "".join(piece.text for piece in pieces if piece.kind != "other") == one
    assert "".join(piece.text for piece in pieces if piece.kind != "one") == other


def test_words_that_differ_are_told_apart_from_those_that_agree() -> None:
    assert word_diff("7 + 5 = 12", "7 + 6 = 13") == (
        AlignedPiece("same", "7 + "),
        AlignedPiece("one", "5"),
        AlignedPiece("other", "6"),
        AlignedPiece("same", " = "),
        AlignedPiece("one", "12"),
        AlignedPiece("other", "13"),
    )


def test_branches_stand_side_by_side_with_the_first_difference_marked() -> None:
    rows = branch_rows(["a", "b", "c"], ["a", "x"])
    assert rows == [
        BranchRow(1, (AlignedPiece("same", "a"),), (AlignedPiece("same", "a"),), "same"),
        BranchRow(2, (AlignedPiece("one", "b"),), (AlignedPiece("other", "x"),), "first"),
        BranchRow(3, (AlignedPiece("one", "c"),), None, "later"),
    ]
    shown = branches_html(rows, "left", "right")
    assert (
        shown.index("first difference") > shown.index("<td>a</td>") and shown.count("\u25c6") == 1
    )
    assert "<del>b</del>" in shown and "<ins>x</ins>" in shown and "this branch has ended" in shown


def test_what_a_model_wrote_is_never_markup() -> None:
    evil = "<script>x</script><img src=x onerror=y> \u202edrow </td></table>"
    shown = branches_html(branch_rows([evil, evil], [evil, "fine"]), evil, "right")
    assert (
        "<script" not in shown
        and "<img" not in shown
        and "\u202e" not in shown
        and shown.count("</table>") == 1
    )
