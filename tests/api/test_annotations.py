"""Labelling over HTTP, on runs that the service itself carried out."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

import pyarrow.parquet as pq
import pytest

from backend import problems
from backend.client import Client, Refused
from backend.core.cells import unquote_cell
from backend.core.events import ScoreGiven
from backend.core.splitting import AT_BLANK_LINES
from backend.engines.scripted.engine import ScriptedEngine
from backend.messages.annotations import CategoryAsk, LabelTask
from backend.runs.driver import run
from tests.api.service import Service, serving
from tests.api.test_routes import finished
from tests.review.why.searches import table
from tests.service.jobs.fakes import Growing, spec


@pytest.fixture
def searching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server whose runs are real, on scripts of the problems."""

    async def launch(asked, *, engine, problem, **given):
        return await run(
            asked, engine=ScriptedEngine(table(problem.id, 2)), problem=problem, **given
        )

    with serving(tmp_path_factory.mktemp("labels"), launch) as service:
        service.models.engine = ScriptedEngine(table("countdown/1/5", 2))  # type: ignore[assignment]
        yield service


def search(client: Client, seed: int, **more: object) -> int:
    """A finished run: whole solutions as nodes of many steps, or with another strategy one step a
    node."""
    given = {
        "strategy": "best_of_n",
        "params": {"n": 4},
        "verifier": "logprob",
        "sampling": {"temperature": 1.0},
        **more,
    }
    run_id = client.submit(
        spec(question=None, answer=None, problem=f"countdown/1/{seed}", seed=seed, **given)
    )
    assert finished(client, run_id).status == "finished"
    return run_id


STEPWISE = {"strategy": "stepwise_best_of_n", "params": {"n": 4}}


def refused(call, status: int) -> str:
    with pytest.raises(Refused) as refusal:
        call()
    assert refusal.value.status == status
    return str(refusal.value) + refusal.value.accepted


def verdicts(client: Client, task: LabelTask, author: str, *labels: str) -> None:
    for step, label in zip(task.steps, labels, strict=False):
        client.annotations.label(
            task.run_id, author, "verdict", label, node=step.node, step=step.number
        )


@pytest.mark.parametrize("how", [{}, STEPWISE], ids=["solutions as nodes", "steps as nodes"])
def test_a_blind_author_gets_nothing_that_is_hidden_until_he_has_spoken(
    searching: Service, how: dict[str, object]
) -> None:
    client = searching.client()
    run_id = search(client, 3, **how)
    asked, before = client.info(run_id), client.annotations
    before.label(run_id, "Bo", "note", note="Bo knows: the score is 0.97")
    task = before.open(run_id, "Ada")
    written = "".join(
        client.node(run_id, node).text for node in client.node(run_id, task.node).path[1:]
    )
    assert (
        tuple(step.text for step in task.steps) == AT_BLANK_LINES.split([written])
        and task.node == asked.chosen_node
    )
    assert (
        task.hidden,
        task.correct,
        task.right_answer,
        task.labels,
        task.history,
        task.others,
    ) == (True, None, None, [], [], 1)
    assert {step.score for step in task.steps} == {None} and "0.97" not in task.model_dump_json()
    assert before.of(run_id, author="Ada").labels == [] and len(before.of(run_id).labels) == 1
    assert "no label" in refused(lambda: before.reveal(run_id, "Ada"), 409)
    verdicts(client, task, "Ada", "good")
    assert before.open(run_id, "Ada").hidden
    before.reveal(run_id, "Ada")
    shown = before.open(run_id, "Ada")
    assert (shown.hidden, shown.correct, shown.right_answer) == (
        False,
        asked.correct,
        asked.right_answer,
    )
    (opinion,) = (
        event.body
        for event in client.all_events(run_id, kinds=["score"])
        if isinstance(event.body, ScoreGiven) and event.body.node == task.node
    )
    assert shown.steps[-1].score == (
        opinion.steps[-1] if len(opinion.steps) == len(task.steps) else opinion.value
    )
    assert {label.author: label.blind for label in shown.labels} == {"Bo": False, "Ada": True}
    verdicts(client, task, "Ada", "bad")
    after = before.of(run_id, author="Ada")
    assert [
        (each.author, each.action, each.after and each.after["blind"]) for each in after.history
    ] == [
        ("Bo", "created", False),
        ("Ada", "created", True),
        ("Ada", "changed", False),
    ]
    assert (
        not before.open(run_id, "Eve", blind=False).hidden and not before.open(run_id, "Eve").hidden
    )


def test_the_service_cannot_be_told_that_a_label_is_blind(searching: Service) -> None:
    client = searching.client()
    run_id = search(client, 4)
    body = {"author": "Eve", "kind": "note", "note": "x", "blind": True}
    assert client._http.connection.post(f"/runs/{run_id}/annotations", json=body).status_code == 422


def test_labels_stand_at_places_that_are_there_and_spans_know_their_text(
    searching: Service,
) -> None:
    client = searching.client()
    run_id, labels = search(client, 5, **STEPWISE), client.annotations
    task = labels.open(run_id, "Ada")
    last = task.steps[-1]
    marked = labels.label(
        run_id,
        "Ada",
        "category",
        "arithmetic",
        node=last.node,
        step=last.number,
        span=(1, 6),
        note="here",
    )
    assert marked.span is not None and marked.span.quote == last.text[1:6] and marked.blind
    ((node, first, end),) = marked.span.tokens
    spelled = client.node(run_id, node).tokens
    assert node == last.node and marked.span.quote in "".join(spelled[first:end])
    assert marked.span.quote not in "".join(
        spelled[first + 1 : end]
    ) and marked.span.quote not in "".join(spelled[first : end - 1])
    assert labels.label(run_id, "Ada", "first_error", "-1", node=task.node, step=-1).label == "-1"
    other = next(path for path in task.paths if not path.chosen)
    elsewhere = labels.open(run_id, "Ada", node=other.node)
    assert (elsewhere.node, len(elsewhere.steps)) == (other.node, other.steps)
    ask = labels.label
    for call in (
        lambda: ask(run_id, "Ada", "verdict", "good", node=last.node, step=99),
        lambda: ask(run_id, "Ada", "verdict", "good", node=999, step=0),
        lambda: ask(run_id, "Ada", "verdict", "great", node=last.node, step=last.number),
        lambda: ask(run_id, " ", "note", note="x"),
        lambda: ask(run_id, "Ada", "category", "nonsense"),
        lambda: ask(run_id, "Ada", "note", note="\n"),
        lambda: ask(run_id, "Ada", "first_error", "99", node=task.node, step=99),
        lambda: ask(
            run_id,
            "Ada",
            "category",
            "arithmetic",
            node=last.node,
            step=last.number,
            span=(2, 10_000),
        ),
    ):
        refused(call, 422)
    refused(lambda: ask(77_777, "Ada", "note", note="x"), 404)
    refused(lambda: labels.remove(marked.id, "Bo"), 409)
    labels.remove(marked.id, "Ada")
    refused(lambda: labels.remove(marked.id, "Ada"), 404)
    assert [each.action for each in labels.of(run_id).history] == ["created", "created", "deleted"]
    client.delete(run_id)
    assert labels.authors() == {}


def test_the_queue_is_filtered_and_a_blind_one_says_nothing_of_verdicts(searching: Service) -> None:
    client = searching.client()
    ids = [
        *(search(client, seed) for seed in range(4)),
        search(client, 9, strategy="chain", params={}),
    ]
    labels = client.annotations
    labels.label(ids[0], "Ada", "note", note="x")
    labels.label(ids[1], "Bo", "note", note="x")
    found = labels.queue("Ada")
    assert [run.id for run in found.runs] == ids[::-1] and (found.total, found.done) == (5, 1)
    assert {run.id: (run.mine, run.others) for run in found.runs if run.mine or run.others} == {
        ids[0]: (1, 0),
        ids[1]: (0, 1),
    }

    def of(**filters: object) -> list[int]:
        return [run.id for run in labels.queue("Ada", **filters).runs]  # type: ignore[arg-type]

    assert (
        of(standing="unlabelled by me") == ids[:0:-1] and of(standing="labelled by me") == ids[:1]
    )
    assert of(standing="labelled by another") == [ids[1]]
    assert (
        of(strategy="chain") == [ids[4]]
        and of(problem="countdown/1/2") == [ids[2]]
        and of(text="nowhere") == []
    )
    right = [run_id for run_id in ids[::-1] if client.info(run_id).correct]
    assert (
        of(answer="right", blind=False) == right
        and sorted(of(answer="wrong", blind=False) + right) == ids
    )
    causes = {each.run_id: each.cause for each in client.why_counts().runs}
    for cause in set(causes.values()):
        assert of(cause=cause, blind=False) == [
            run_id for run_id in ids[::-1] if causes[run_id] == cause
        ]
    for hidden in ({"answer": "right"}, {"cause": "right"}):
        assert "hidden" in refused(lambda hidden=hidden: of(**hidden), 422)


def test_two_authors_are_compared_and_counted(searching: Service) -> None:
    client = searching.client()
    run_id, other, labels = search(client, 5, **STEPWISE), search(client, 6), client.annotations
    task = labels.open(run_id, "Ada")
    labels.open(run_id, "Bo")
    verdicts(client, task, "Ada", "good", "good", "bad")
    verdicts(client, task, "Bo", "good", "bad", "bad")
    labels.label(run_id, "Ada", "category", "arithmetic")
    labels.label(other, "Bo", "category", "misread")
    found = labels.agreement("Ada", "Bo")
    # Three steps, two agreed on; p_e = (2 * 1 + 1 * 2) / 9, so kappa = (6 - 4) / (9 - 4).
    assert (found.runs, found.verdicts.units, found.verdicts.kappa) == (1, 3, 2 / 5)
    assert (
        found.by_verdict["bad"].table == [[1, 0], [1, 1]]
        and found.by_category["arithmetic"].units == 1
    )
    assert labels.agreement("Ada", "Bo", strategy="mcts").verdicts.kappa is None
    counts = labels.counts()
    assert counts.labelled == {"best_of_n": 1, "stepwise_best_of_n": 1}
    assert [(cell.strategy, cell.category, cell.runs) for cell in counts.cells] == [
        ("best_of_n", "misread", 1),
        ("stepwise_best_of_n", "arithmetic", 1),
    ]
    assert "Ada, Bo" in refused(lambda: labels.agreement("Ada", "Nobody"), 422)


def test_the_codebook_is_edited_and_a_retired_category_takes_no_new_labels(
    searching: Service,
) -> None:
    client = searching.client()
    run_id, labels = search(client, 7), client.annotations
    added = labels.keep_category(CategoryAsk(author="Ada", name="Unit lost", mark="half"))
    labels.label(run_id, "Ada", "category", added.key)
    retired = labels.keep_category(
        CategoryAsk(author="Bo", **{**added.model_dump(), "name": "Units", "retired": True})
    )
    book = labels.codebook()
    assert (
        book.categories[-1] == retired
        and book.marks[retired.mark] == "\u25d0"
        and [each.author for each in book.history] == ["Ada", "Bo"]
    )
    assert (
        added.key
        not in refused(lambda: labels.label(run_id, "Bo", "category", added.key), 422).split(
            "accepted"
        )[-1]
    )
    assert labels.of(run_id).labels[0].label == added.key
    row = next(csv.DictReader(io.StringIO(labels.export("csv").decode(), newline="")))
    assert (row["label"], row["category_name"]) == ("unit_lost", "Units")


def test_exports_are_read_again_as_what_was_said(searching: Service) -> None:
    client = searching.client()
    run_id, labels = search(client, 5, **STEPWISE), client.annotations
    task = labels.open(run_id, "=Ada")
    verdicts(client, task, "=Ada", "good", "bad")
    tree = client.nodes(run_id)
    sibling = next(
        node
        for node in tree
        if node.parent_id == next(each for each in tree if each.id == task.steps[1].node).parent_id
        and node.id != task.steps[1].node
    )
    labels.label(run_id, "=Ada", "verdict", "neutral", node=sibling.id, step=1)
    labels.label(run_id, "Bo", "first_error", "-1", node=task.node, step=-1)
    asked = client.info(run_id)
    bench = [json.loads(line) for line in labels.export("processbench").decode().splitlines()]
    assert [each["label"] for each in bench] == [1, -1]
    assert all(
        each["steps"] == [step.text for step in task.steps]
        and each["final_answer_correct"] is asked.correct
        for each in bench
    )
    assert bench[0]["problem"] == problems.problem("countdown/1/5").question
    (rated,) = [json.loads(line) for line in labels.export("prm800k").decode().splitlines()]
    steps = rated["label"]["steps"]
    assert [step["completions"][0]["rating"] for step in steps] == [
        1,
        -1,
        *[None] * (len(steps) - 2),
    ]
    assert [each["text"] for each in steps[1]["completions"]] == [
        task.steps[1].text,
        sibling.text.strip(),
    ]
    assert (rated["labeler"], rated["label"]["finish_reason"]) == ("=Ada", "found_error")
    assert rated["question"]["ground_truth_answer"] == asked.right_answer
    rows = list(csv.DictReader(io.StringIO(labels.export("csv").decode(), newline="")))
    table_ = pq.read_table(io.BytesIO(labels.export("parquet"))).to_pylist()
    assert [row["author"] for row in rows] == ["'=Ada"] * 3 + ["Bo"] and [
        row["author"] for row in table_
    ] == ["=Ada"] * 3 + ["Bo"]
    assert [unquote_cell(row["text"]) for row in rows] == [row["text"] for row in table_]
    assert [row["text"] for row in table_[:2]] == [step.text for step in task.steps[:2]]
    assert labels.export("csv", author="Nobody") == labels.export(
        "csv", blind_only=True, author="Bo"
    )
    assert len(labels.export("processbench", blind_only=True).splitlines()) == 1


def test_a_run_under_way_cannot_be_labelled(slow: Service, growing: Growing) -> None:
    client = slow.client()
    run_id = client.submit(spec())
    refused(lambda: client.annotations.open(run_id, "Ada"), 409)
    refused(lambda: client.annotations.label(run_id, "Ada", "note", note="x"), 409)
    assert client.annotations.queue("Ada").runs == []
