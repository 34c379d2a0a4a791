"""Labelling: what an author is shown of a run, and what he says of it. Everything here blocks for
reading, but for `label`.

Blind mode is kept here and in the store, not on the page. Who opens a run blind gets neither scores
nor verdicts nor others' labels until he asks for them, and can ask only when he has a label on the
run; from then on his labels there no longer count as blind. Who opens it with open eyes has seen it
all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from backend.core.errors import BadInput, Conflict
from backend.messages import annotations as schemas
from backend.review.annotate.labels import NO_ERROR, Label, Span, author_name
from backend.review.annotate.steps import WrittenStep, covering, tokens_over
from backend.service.annotations_tree import RunReading
from backend.service.assembly import Services
from backend.service.tokens import token_texts
from storage import AnnotationRow, EditRow


def open_task(services: Services, run_id: int, ask: schemas.OpenAsk) -> schemas.LabelTask:
    """What an author is shown of a run. Raises `NotFound`, `Conflict` for a run that is not over,
    and `BadInput` for the node."""
    author = author_name(ask.author)
    reading = RunReading(services.store, services.find_ended_row(run_id))
    ends = reading.ends()
    if not ends:
        raise Conflict(f"run {run_id} wrote nothing: there is nothing to label")
    node = ends[0].id if ask.node is None else ask.node
    steps = reading.steps(node)
    hidden = services.store.annotations.open(run_id, author, blind=ask.blind)
    row, scores = reading.row, [None] * len(steps) if hidden else reading.scores(steps)
    seen = visible_to(services, run_id, author, hidden)
    return schemas.LabelTask(
        run_id=run_id,
        strategy=row.strategy,
        model=row.model,
        problem_id=reading.problem.id or None,
        node=node,
        hidden=hidden,
        question=reading.question,
        paths=[path_choice(reading, end.id) for end in ends],
        steps=[step_message(step, score) for step, score in zip(steps, scores, strict=True)],
        others=len(services.store.annotations.count_labels().get(run_id, {}).keys() - {author}),
        labels=seen.labels,
        history=seen.history,
        answer=reading.answer(node),
        correct=None if hidden else reading.correct(node, services.library),
        right_answer=None if hidden else reading.problem.answer,
    )


def path_choice(reading: RunReading, node: int) -> schemas.PathChoice:
    chosen, done = node == reading.chosen.node, reading.nodes[node].done
    return schemas.PathChoice(node=node, steps=len(reading.steps(node)), chosen=chosen, done=done)


def step_message(step: WrittenStep, score: float | None) -> schemas.TaskStep:
    return schemas.TaskStep(number=step.number, node=step.node, text=step.text, score=score)


def list_labels(services: Services, run_id: int, author: str | None) -> schemas.Labels:
    """The labels of a run with their history: all of them, or those that an author may see. Raises
    `NotFound`."""
    services.store.run(run_id)
    if author is None:
        return visible_to(services, run_id, "", hidden=False)
    name = author_name(author)
    return visible_to(
        services, run_id, name, hidden=services.store.annotations.hidden(run_id, name)
    )


def visible_to(services: Services, run_id: int, author: str, hidden: bool) -> schemas.Labels:
    rows = services.store.annotations.find([run_id], author=author if hidden else None)
    history = [
        edit
        for edit in services.store.annotations.history(run_id)
        if not hidden or edit.author == author
    ]
    return schemas.Labels(
        labels=[label_message(row) for row in rows],
        history=[change_message(edit) for edit in history],
    )


def reveal(services: Services, run_id: int, ask: schemas.TaskAsk) -> None:
    """Let the author see what was hidden. Raises `NotFound`, and `Conflict` while he has not said
    anything himself."""
    author = author_name(ask.author)
    services.store.run(run_id)
    if services.store.annotations.hidden(run_id, author) and not services.store.annotations.find(
        [run_id], author=author
    ):
        raise Conflict(
            f"{author} has no label on run {run_id} yet: what is hidden is shown after the first"
        )
    services.store.annotations.open(run_id, author, blind=False)


async def label(services: Services, run_id: int, ask: schemas.LabelAsk) -> schemas.Annotation:
    """Keep a label. Raises `NotFound`, `Conflict` for a run that is not over, and `BadInput` for a
    place or a content that is not there."""
    author = author_name(ask.author)
    reading = await asyncio.to_thread(
        lambda: RunReading(services.store, services.find_ended_row(run_id))
    )
    given = Label(ask.kind, ask.label, ask.node, ask.step, None, ask.note or None)
    step = place_label(reading, given)
    if ask.span is not None and step is not None:
        given = Label(
            ask.kind,
            ask.label,
            ask.node,
            ask.step,
            await span_of(services, reading, step, ask.span),
            given.note,
        )
    if given.kind == "category":
        book = await asyncio.to_thread(services.store.annotations.codebook)
        known = [category.key for category in book if not category.retired]
        if given.label not in known:
            raise BadInput("category", given=given.label, accepted=", ".join(known))
    return label_message(
        await asyncio.to_thread(services.store.annotations.save, run_id, given.check(), author)
    )


def place_label(reading: RunReading, given: Label) -> WrittenStep | None:
    """The step that a label is about, if it is about one. Raises `BadInput` for a place that is not
    in the run."""
    given.check()
    if given.node is None or given.step is None:
        return None
    if given.kind != "first_error":
        return reading.step(given.node, given.step)
    steps = reading.steps(given.node)
    if not NO_ERROR <= given.step < len(steps):
        raise BadInput(
            "first wrong step",
            given=given.step,
            accepted=f"{NO_ERROR} for none, 0 to {len(steps) - 1}",
        )
    return None


async def span_of(
    services: Services, reading: RunReading, step: WrittenStep, ask: schemas.SpanAsk
) -> Span:
    """A marked stretch with the tokens that cover it, where the model is at hand to spell them."""
    if not ask.start < ask.end <= len(step.text):
        raise BadInput(
            "span",
            given=[ask.start, ask.end],
            accepted=f"a start before its end, within 0 to {len(step.text)}",
        )
    tokens: list[tuple[int, int, int]] = []
    for part in covering(step, ask.start, ask.end):
        node = await asyncio.to_thread(services.store.node, reading.row.id, part.node)
        found = tokens_over(
            await token_texts(services.models, reading.row, node), part.start, part.end
        )
        tokens += [] if found is None else [(part.node, *found)]
    return Span(ask.start, ask.end, step.text[ask.start : ask.end], tuple(tokens))


def remove_label(services: Services, annotation_id: int, author: str) -> None:
    """Take a label away. Raises `NotFound`, and `Conflict` for another's."""
    services.store.annotations.remove(annotation_id, author_name(author))


def label_message(row: AnnotationRow) -> schemas.Annotation:
    span = None if row.span is None else schemas.SpanShown.model_validate(row.span.json())
    return schemas.Annotation(
        id=row.id,
        run_id=row.run_id,
        kind=row.kind,
        label=row.label,
        node=row.node,
        step=row.step,
        span=span,
        note=row.note,
        author=row.author,
        blind=row.blind,
        created_at=row.created_at.isoformat(),
        updated_at=row.updated_at.isoformat(),
    )


def change_message(edit: EditRow) -> schemas.LabelChange:
    return schemas.LabelChange.model_validate(
        {
            "key": edit.key,
            "author": edit.author,
            "at": edit.at.isoformat(),
            "action": edit.action,
            "before": edit.before,
            "after": edit.after,
        }
    )


def change_messages(edits: Sequence[EditRow]) -> list[schemas.LabelChange]:
    return [change_message(edit) for edit in edits]


__all__ = ["change_messages", "label", "list_labels", "open_task", "remove_label", "reveal"]
