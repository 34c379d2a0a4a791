"""Labels, their history, blind mode and the codebook, as the store keeps them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from backend.core.errors import BadInput, Conflict, NotFound
from backend.review.annotate.codebook import Category
from backend.review.annotate.labels import Label, Span, author_name
from storage import Store
from tests.storage.traces import finished_run, opened

GOOD, BAD = Label("verdict", "good", 2, 0), Label("verdict", "bad", 2, 0)
SPAN = Label(
    "category", "arithmetic", 2, 0, Span(3, 9, "s 7 😀", ((2, 0, 2),)), "carries the \u202e one"
)


def test_labels_of_every_kind_come_back_as_given_after_a_reopen(tmp_path: Path) -> None:
    store = opened(tmp_path)
    run_id = finished_run(store)
    labels = [
        GOOD,
        SPAN,
        Label("first_error", "-1", 6, -1),
        Label("note", note="=HYPERLINK(1)"),
        Label("category", "misread"),
    ]
    kept = [store.annotations.save(run_id, label, "Ada") for label in labels]
    store.close()
    store = opened(tmp_path)
    found = store.annotations.find([run_id])
    assert found == kept
    assert [
        Label(row.kind, row.label, row.node, row.step, row.span, row.note) for row in found
    ] == labels
    assert {(row.author, row.blind, row.strategy, row.problem_id) for row in found} == {
        ("Ada", False, "beam_search", "ledger/3/17")
    }
    assert (
        store.annotations.find(author="Bo")
        == store.annotations.find(strategy="mcts")
        == store.annotations.find(problem="countdown")
        == []
    )
    assert store.annotations.find(problem="ledger") == found
    store.close()


def test_a_label_at_the_same_place_replaces_the_authors_own_and_every_change_is_kept(
    store: Store,
) -> None:
    run_id = finished_run(store)
    first = store.annotations.save(run_id, GOOD, "Ada")
    assert store.annotations.save(run_id, GOOD, "Ada") == first, (
        "saying the same again is no change"
    )
    second = store.annotations.save(run_id, BAD, "Ada")
    other = store.annotations.save(run_id, GOOD, "Bo")
    assert (second.id, second.label, second.created_at) == (
        first.id,
        "bad",
        first.created_at,
    ) and other.id != first.id
    with pytest.raises(Conflict, match="only its author"):
        store.annotations.remove(first.id, "Bo")
    store.annotations.remove(first.id, "Ada")
    with pytest.raises(NotFound):
        store.annotations.remove(first.id, "Ada")
    history = store.annotations.history(run_id)
    told = [
        (
            edit.author,
            edit.action,
            edit.before and edit.before["label"],
            edit.after and edit.after["label"],
        )
        for edit in history
    ]
    assert told == [
        ("Ada", "created", None, "good"),
        ("Ada", "changed", "good", "bad"),
        ("Bo", "created", None, "good"),
        ("Ada", "deleted", "bad", None),
    ]
    assert store.annotations.find() == [other] and store.annotations.count_labels() == {
        run_id: {"Bo": 1}
    }


def test_only_categories_and_other_spans_stand_beside_one_another(store: Store) -> None:
    run_id = finished_run(store)
    labels = [
        Label("category", "arithmetic", 2, 0),
        Label("category", "misread", 2, 0),
        SPAN,
        replace(SPAN, span=Span(3, 8, "s 7 😀"[:5])),
        Label("first_error", "2", 6, 2),
        Label("first_error", "-1", 5, -1),
    ]
    for label in labels:
        store.annotations.save(run_id, label, "Ada")
    store.annotations.save(run_id, Label("first_error", "1", 6, 1), "Ada")
    found = [(row.kind, row.label, row.node) for row in store.annotations.find()]
    assert (
        found.count(("first_error", "1", 6)) == 1
        and ("first_error", "2", 6) not in found
        and len(found) == len(labels)
    )


def test_the_store_decides_what_is_blind_and_a_look_ends_it_for_ever(store: Store) -> None:
    run_id, labels = finished_run(store), store.annotations
    assert not labels.save(run_id, GOOD, "Eve").blind, "nobody is blind who did not open the run so"
    assert labels.open(run_id, "Ada", blind=True) and labels.hidden(run_id, "Ada")
    assert labels.save(run_id, GOOD, "Ada").blind
    assert not labels.open(run_id, "Ada", blind=False) and not labels.hidden(run_id, "Ada")
    assert labels.find(author="Ada")[0].blind, (
        "a look later does not change what was said before it"
    )
    assert not labels.open(run_id, "Ada", blind=True), "what was seen cannot be unseen"
    assert not labels.save(run_id, BAD, "Ada").blind
    assert [
        edit.after and edit.after["blind"]
        for edit in labels.history(run_id)
        if edit.author == "Ada"
    ] == [True, False]


def test_all_of_it_goes_with_its_run_and_nothing_of_other_runs(store: Store) -> None:
    labels, run_id, other = store.annotations, finished_run(store), finished_run(store)
    for each in (run_id, other):
        labels.open(each, "Ada", blind=True)
        labels.save(each, GOOD, "Ada")
    store.delete_run(run_id)
    assert labels.find([run_id]) == labels.history(run_id) == [] and not labels.hidden(
        run_id, "Ada"
    )
    assert len(labels.find([other])) == len(labels.history(other)) == 1 and labels.hidden(
        other, "Ada"
    )
    for call in (
        lambda: labels.save(run_id, GOOD, "Ada"),
        lambda: labels.open(run_id, "Ada", blind=True),
    ):
        with pytest.raises(NotFound):
            call()


def test_renaming_and_retiring_a_category_keeps_its_labels_and_its_past(store: Store) -> None:
    run_id, labels = finished_run(store), store.annotations
    added = labels.keep_category(Category("", "Wröng unit!", "Mixes units.", "half", 0), "Ada")
    assert (added.key, added.position) == ("wrong_unit", 9) and labels.codebook()[-1] == added
    labels.save(run_id, Label("category", added.key, 2, 0), "Ada")
    renamed = labels.keep_category(replace(added, name="Units", retired=True), "Bo")
    assert labels.codebook()[-1] == renamed and labels.find()[0].label == "wrong_unit"
    assert (
        labels.keep_category(Category("", "wrong unit", "", "half", 0), "Bo").key == "wrong_unit_2"
    )
    assert [(edit.author, edit.action, edit.key) for edit in labels.codebook_history()] == [
        ("Ada", "created", "wrong_unit"),
        ("Bo", "changed", "wrong_unit"),
        ("Bo", "created", "wrong_unit_2"),
    ]
    for bad in (
        replace(added, key="", name="Units"),
        replace(added, mark="red"),
        replace(added, name=" "),
        replace(added, name="\ud800", key=""),
    ):
        with pytest.raises(BadInput):
            labels.keep_category(bad, "Ada")
    with pytest.raises(NotFound):
        labels.keep_category(replace(added, key="nobody", name="Nobody"), "Ada")


@pytest.mark.parametrize(
    "label",
    [
        Label("verdict", "fine", 2, 0),
        Label("verdict", "good"),
        Label("verdict", "good", 2),
        Label("first_error", "2", 6, 1),
        Label("note", note=" "),
        Label("first_error", "1", None, 1),
        Label("note", note="x" * 10_001),
        Label("category", "misread", None, None, Span(0, 1, "a")),
    ],
)
def test_a_label_whose_parts_do_not_fit_is_refused(label: Label) -> None:
    with pytest.raises(BadInput):
        label.check()


def test_a_name_is_one_visible_line() -> None:
    assert author_name("  Ada Lovelace ") == "Ada Lovelace"
    for bad in ("", " ", "a\nb", "a\u202eb", "x" * 81):
        with pytest.raises(BadInput):
            author_name(bad)
