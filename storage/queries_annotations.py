"""SQL about annotations, the codebook and their history: one function, one question, as in
`storage.queries`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from storage.queries import UNFINISHED, Query
from storage.tables import Annotation, Category, Edit, Problem, Run, Sight


def new_annotation(values: Mapping[str, Any]) -> sa.Executable:
    """Insert an annotation and return its id."""
    return sa.insert(Annotation).values(**values).returning(Annotation.id)


def change_annotation(annotation_id: int, values: Mapping[str, Any]) -> sa.Executable:
    return sa.update(Annotation).where(Annotation.id == annotation_id).values(**values)


def drop_annotation(annotation_id: int) -> sa.Executable:
    return sa.delete(Annotation).where(Annotation.id == annotation_id)


def _filter_labels(
    statement: Query,
    run_ids: Sequence[int] | None,
    author: str | None,
    strategy: str | None,
    problem: str | None,
) -> Query:
    if run_ids is not None:
        statement = statement.where(Run.id.in_(run_ids))
    if author is not None:
        statement = statement.where(Annotation.author == author)
    if strategy is not None:
        statement = statement.where(Run.strategy == strategy)
    if problem is not None:
        statement = statement.where(sa.or_(Problem.id == problem, Problem.dataset == problem))
    return statement


def found_annotations(
    run_ids: Sequence[int] | None = None,
    author: str | None = None,
    strategy: str | None = None,
    problem: str | None = None,
) -> Query:
    """Annotations with what their run is, in order of run and id."""
    of_run = (Run.strategy, Run.model, Problem.id.label("problem_id"))
    joined = sa.select(*Annotation.__table__.columns, *of_run).join_from(
        Annotation, Run, Annotation.run_id == Run.id
    )
    joined = joined.join(Problem, Run.problem_key == Problem.key, isouter=True)
    return _filter_labels(joined, run_ids, author, strategy, problem).order_by(
        Annotation.run_id, Annotation.id
    )


def one_annotation(annotation_id: int) -> Query:
    return found_annotations().where(Annotation.id == annotation_id)


def authors() -> Query:
    """Everybody who has labels, by name, with the number of runs that have some."""
    runs = sa.func.count(sa.distinct(Annotation.run_id)).label("runs")
    return (
        sa.select(Annotation.author, runs).group_by(Annotation.author).order_by(Annotation.author)
    )


def count_labels() -> Query:
    """Run, author and number of labels, for each pair that has some."""
    count = sa.func.count().label("labels")
    return sa.select(Annotation.run_id, Annotation.author, count).group_by(
        Annotation.run_id, Annotation.author
    )


def runs_to_label(strategy: str | None, problem: str | None, text: str | None) -> Query:
    """Runs that are over and have something written, newest first."""
    columns = (
        Run.id,
        Run.strategy,
        Run.correct,
        Run.chosen_node,
        Problem.id.label("problem_id"),
        Problem.answer.label("right_answer"),
    )
    joined = sa.select(*columns).join_from(
        Run, Problem, Run.problem_key == Problem.key, isouter=True
    )
    joined = joined.where(Run.status.not_in(UNFINISHED), Run.chosen_node.is_not(None))
    if text is not None:
        searched = (Problem.id, Problem.question, Run.spec)
        joined = joined.where(
            sa.or_(
                *(sa.cast(each, sa.String).icontains(text, autoescape=True) for each in searched)
            )
        )
    return _filter_labels(joined, None, None, strategy, problem).order_by(Run.id.desc())


def new_edit(values: Mapping[str, Any]) -> sa.Executable:
    return sa.insert(Edit).values(**values)


def edits(run_id: int | None, subject: str) -> Query:
    """The history, oldest first: of a run's annotations, or of the codebook."""
    statement = sa.select(*Edit.__table__.columns).where(Edit.subject == subject)
    return (statement if run_id is None else statement.where(Edit.run_id == run_id)).order_by(
        Edit.id
    )


def categories() -> Query:
    """The codebook in its order."""
    return sa.select(*Category.__table__.columns).order_by(Category.position, Category.key)


def new_category(values: Mapping[str, Any]) -> sa.Executable:
    return sa.insert(Category).values(**values)


def change_category(key: str, values: Mapping[str, Any]) -> sa.Executable:
    return sa.update(Category).where(Category.key == key).values(**values)


def sight(run_id: int, author: str) -> Query:
    return sa.select(Sight.opened_at, Sight.seen_at).where(
        Sight.run_id == run_id, Sight.author == author
    )


def new_sight(values: Mapping[str, Any]) -> sa.Executable:
    return sa.insert(Sight).values(**values)


def change_sight(run_id: int, author: str, values: Mapping[str, Any]) -> sa.Executable:
    return sa.update(Sight).where(Sight.run_id == run_id, Sight.author == author).values(**values)
