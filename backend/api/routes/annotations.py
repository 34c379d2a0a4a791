"""Labels of people on stored runs: give and take them, and what they say together."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from backend.api.deps import Needs
from backend.messages import annotations as schemas
from backend.messages.why import Cause
from backend.service import annotating as labelling
from backend.service import annotations_study as study
from backend.service.annotations_export import FILES, write_labels

router = APIRouter(tags=["annotations"])

Name = Annotated[str, Query(min_length=1, max_length=400)]


@router.post("/runs/{run_id}/annotations/open")
def open_run(run_id: int, ask: schemas.OpenAsk, services: Needs) -> schemas.LabelTask:
    """Begin with a run, or look at another of its paths: the steps in order, and the author's
    labels so far. With `blind`, scores, verdicts, the right answer and others' labels stay hidden
    until `reveal`; without it, they are shown and the author's further labels are not blind."""
    return labelling.open_task(services, run_id, ask)


@router.post("/runs/{run_id}/annotations/reveal", status_code=204)
def reveal(run_id: int, ask: schemas.TaskAsk, services: Needs) -> None:
    """Show the author what was hidden; refused (409) while he has no label on the run."""
    labelling.reveal(services, run_id, ask)


@router.post("/runs/{run_id}/annotations", status_code=201)
async def label(run_id: int, ask: schemas.LabelAsk, services: Needs) -> schemas.Annotation:
    """Keep a label, in place of the author's earlier one at the same place."""
    return await labelling.label(services, run_id, ask)


@router.get("/runs/{run_id}/annotations")
def labels(run_id: int, services: Needs, author: Name | None = None) -> schemas.Labels:
    """The labels of a run and their history. With `author`, no more than he may see."""
    return labelling.list_labels(services, run_id, author)


@router.delete("/annotations/{annotation_id}", status_code=204)
def remove(annotation_id: int, services: Needs, author: Name) -> None:
    """Take a label away; its history stays. Only its author can."""
    labelling.remove_label(services, annotation_id, author)


@router.get("/annotations/queue")
def queue(
    services: Needs,
    author: Name,
    strategy: str | None = None,
    problem: str | None = None,
    text: str | None = None,
    answer: schemas.Verdict | None = None,
    cause: Cause | None = None,
    standing: schemas.Standing = "any",
    blind: bool = True,
) -> schemas.Queue:
    """The runs to label, newest first. `cause` looks at the 200 newest that match; it and `answer`
    are refused where `blind`."""
    return study.queue(services, author, strategy, problem, text, answer, cause, standing, blind)


@router.get("/annotations/authors")
def authors(services: Needs) -> schemas.Authors:
    """Everybody who has labels."""
    return schemas.Authors(authors=services.store.annotations.authors())


@router.get("/annotations/agreement")
def agreement(
    services: Needs,
    one: Name,
    other: Name,
    strategy: str | None = None,
    problem: str | None = None,
    blind_only: bool = False,
) -> schemas.AgreementShown:
    """Two authors compared on all that both labelled: raw agreement, Cohen's kappa and tables."""
    return study.compare_authors(services, one, other, strategy, problem, blind_only)


@router.get("/annotations/counts")
def counts(
    services: Needs,
    author: Name | None = None,
    strategy: str | None = None,
    problem: str | None = None,
) -> schemas.CountsShown:
    """Labelled runs by strategy, and by strategy and category."""
    return study.counts(services, author, strategy, problem)


@router.get("/annotations/codebook")
def codebook(services: Needs) -> schemas.Codebook:
    """The error categories."""
    return study.codebook(services)


@router.put("/annotations/codebook")
def keep(ask: schemas.CategoryAsk, services: Needs) -> schemas.CategoryShown:
    """Add a category, or rename, describe, mark, move or retire one. Labels keep theirs."""
    return study.keep_category(services, ask)


@router.get("/annotations/export", response_class=Response)
def export(
    services: Needs,
    format: schemas.ExportFormat = "csv",
    author: Name | None = None,
    strategy: str | None = None,
    problem: str | None = None,
    blind_only: bool = False,
    quoted: bool = True,
) -> Response:
    """The labels as a file: `csv` and `parquet` hold a line a label, `processbench` and `prm800k`
    are JSON lines in the shapes of those datasets. In CSV, texts that a spreadsheet would compute
    begin with an apostrophe, unless `quoted` is off."""
    name, media_type = FILES[format]
    content = write_labels(services, format, author, strategy, problem, blind_only, quoted)
    return Response(
        content,
        media_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


__all__ = ["router"]
