"""Questions about annotations: `client.annotations`.

>>> # blind: no scores, no verdicts, no labels of others
>>> task = client.annotations.open(12, "Ada")
>>> step = task.steps[0]
>>> client.annotations.label(12, "Ada", "verdict", "good", node=step.node, step=step.number)
>>> client.annotations.reveal(12, "Ada")
>>> client.annotations.agreement("Ada", "Bo").verdicts.kappa
"""

from __future__ import annotations

from backend.client.http import Http, Query
from backend.messages import annotations as schemas
from backend.messages.why import Cause
from backend.review.annotate.labels import Kind


class AnnotationClient:
    """Labels of people on stored runs."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def open(
        self, run_id: int, author: str, *, blind: bool = True, node: int | None = None
    ) -> schemas.LabelTask:
        """Begin with a run, or look at another of its paths. `blind=False` shows everything, and
        what is said then is not blind."""
        ask = schemas.OpenAsk(author=author, blind=blind, node=node)
        return self._http.send("POST", f"/runs/{run_id}/annotations/open", schemas.LabelTask, ask)

    def reveal(self, run_id: int, author: str) -> None:
        """Be shown what was hidden; refused while the author has no label on the run."""
        content = schemas.TaskAsk(author=author).model_dump_json().encode()
        self._http.request(
            "POST",
            f"/runs/{run_id}/annotations/reveal",
            content=content,
            headers={"Content-Type": "application/json"},
        )

    def label(
        self,
        run_id: int,
        author: str,
        kind: Kind,
        label: str = "",
        *,
        node: int | None = None,
        step: int | None = None,
        span: tuple[int, int] | None = None,
        note: str | None = None,
    ) -> schemas.Annotation:
        """Keep a label; see `backend.review.annotate.labels` for kinds and places. `span` are
        characters [start, end) of the step's text."""
        marked = None if span is None else schemas.SpanAsk(start=span[0], end=span[1])
        ask = schemas.LabelAsk(
            author=author, kind=kind, label=label, node=node, step=step, span=marked, note=note
        )
        return self._http.send("POST", f"/runs/{run_id}/annotations", schemas.Annotation, ask)

    def of(self, run_id: int, *, author: str | None = None) -> schemas.Labels:
        """The labels of a run with their history; with `author`, no more than he may see."""
        return self._http.get(f"/runs/{run_id}/annotations", schemas.Labels, {"author": author})

    def remove(self, annotation_id: int, author: str) -> None:
        self._http.request("DELETE", f"/annotations/{annotation_id}", params={"author": author})

    def queue(
        self,
        author: str,
        *,
        strategy: str | None = None,
        problem: str | None = None,
        text: str | None = None,
        answer: schemas.Verdict | None = None,
        cause: Cause | None = None,
        standing: schemas.Standing = "any",
        blind: bool = True,
    ) -> schemas.Queue:
        """Runs to label, newest first. `answer` and `cause` are refused where `blind`."""
        query: Query = {
            "author": author,
            "strategy": strategy,
            "problem": problem,
            "text": text,
            "answer": answer,
            "cause": cause,
            "standing": standing,
            "blind": "true" if blind else "false",
        }
        return self._http.get("/annotations/queue", schemas.Queue, query)

    def authors(self) -> dict[str, int]:
        """Everybody who has labels, with the number of runs that have some."""
        return self._http.get("/annotations/authors", schemas.Authors).authors

    def agreement(
        self,
        one: str,
        other: str,
        *,
        strategy: str | None = None,
        problem: str | None = None,
        blind_only: bool = False,
    ) -> schemas.AgreementShown:
        query: Query = {
            "one": one,
            "other": other,
            "strategy": strategy,
            "problem": problem,
            "blind_only": "true" if blind_only else None,
        }
        return self._http.get("/annotations/agreement", schemas.AgreementShown, query)

    def counts(
        self, *, author: str | None = None, strategy: str | None = None, problem: str | None = None
    ) -> schemas.CountsShown:
        return self._http.get(
            "/annotations/counts",
            schemas.CountsShown,
            {"author": author, "strategy": strategy, "problem": problem},
        )

    def codebook(self) -> schemas.Codebook:
        return self._http.get("/annotations/codebook", schemas.Codebook)

    def keep_category(self, ask: schemas.CategoryAsk) -> schemas.CategoryShown:
        """Add a category (its key empty) or change one."""
        return self._http.send("PUT", "/annotations/codebook", schemas.CategoryShown, ask)

    def export(
        self,
        format: schemas.ExportFormat = "csv",
        *,
        author: str | None = None,
        strategy: str | None = None,
        problem: str | None = None,
        blind_only: bool = False,
        quoted: bool = True,
    ) -> bytes:
        """The labels as a file: `csv`, `parquet`, `processbench` or `prm800k`. In CSV, texts that a
        spreadsheet would compute begin with an apostrophe, unless `quoted` is off."""
        query = {
            "format": format,
            "author": author,
            "strategy": strategy,
            "problem": problem,
            "blind_only": "true" if blind_only else None,
            "quoted": None if quoted else "false",
        }
        return self._http.request(
            "GET",
            "/annotations/export",
            params={name: value for name, value in query.items() if value is not None},
        ).content


__all__ = ["AnnotationClient"]
