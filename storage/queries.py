"""Every SQL statement of the project, by name: one function, one question. What comes from outside
is bound; numbers and words of our own may be `inline`.

The functions only build statements; `database.Database` executes them. Column labels equal the
field names of the tuples in `storage.rows`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as upsert

from storage.tables import Annotation, Edit, Event, Link, Node, Problem, Run, Score, Setting, Sight

Query: TypeAlias = sa.Select[*tuple[Any, ...]]

LOOKED_UP = ("problem_key", "origin_run")
"""Columns of a run by which others are found; what they say is in `problem` and `forked_from`."""
UNFINISHED = ("queued", "loading", "running", "paused")
"""Statuses of a run that some process is still working on."""


def inline(value: int | str) -> sa.BindParameter[Any]:
    """A number, or a word of our own, that SQLAlchemy writes into the statement when it is
    executed.

    For a value that is bound, DuckDB's Python package imports pandas, which takes longer than the
    rest of a command that only looks at a run.
    """
    return sa.literal(value, literal_execute=True)


def new_run(values: Mapping[str, Any]) -> sa.Executable:
    """Insert a run and return its id."""
    return sa.insert(Run).values(**values).returning(Run.id)


def keep_problem(values: Mapping[str, Any]) -> sa.Executable:
    """Insert a problem unless the very same content is there."""
    return upsert(Problem).values(**values).on_conflict_do_nothing()


def change_run(run_id: int, values: Mapping[str, Any]) -> sa.Executable:
    return sa.update(Run).where(Run.id == run_id).values(**values)


def mark_crashed() -> sa.Executable:
    """At start no process works on any run, so an unfinished one was cut off."""
    cause = inline("the backend stopped while the run was ") + Run.status
    unfinished = Run.status.in_([inline(status) for status in UNFINISHED])
    changes = {"status": inline("crashed"), "reason": sa.func.coalesce(Run.reason, cause)}
    return sa.update(Run).where(unfinished).values(**changes)


def run_exists(run_id: int) -> Query:
    return sa.select(Run.status).where(Run.id == run_id)


def _runs_with_problem() -> Query:
    problem = (
        Problem.id.label("problem_id"),
        Problem.dataset,
        Problem.question,
        Problem.answer.label("right_answer"),
        Problem.meta,
    )
    run = [column for column in Run.__table__.columns if column.name not in LOOKED_UP]
    return sa.select(*run, *problem).join_from(
        Run, Problem, Run.problem_key == Problem.key, isouter=True
    )


def one_run(run_id: int) -> Query:
    return _runs_with_problem().where(Run.id == inline(run_id))


def _filter_runs(
    statement: Query,
    status: str | None,
    strategy: str | None,
    problem: str | None,
    text: str | None,
) -> Query:
    if status is not None:
        statement = statement.where(Run.status == status)
    if strategy is not None:
        statement = statement.where(Run.strategy == strategy)
    if problem is not None:
        statement = statement.where(sa.or_(Problem.id == problem, Problem.dataset == problem))
    if text is not None:
        searched = (Problem.id, Problem.question, Run.strategy, Run.model, Run.answer, Run.spec)
        statement = statement.where(
            sa.or_(
                *(
                    sa.cast(column, sa.String).icontains(text, autoescape=True)
                    for column in searched
                )
            )
        )
    return statement


def found_runs(
    status: str | None,
    strategy: str | None,
    problem: str | None,
    text: str | None,
    limit: int,
    offset: int,
) -> Query:
    """Runs that match, newest first. `problem` is an id or the name of a set; `text` is looked for
    in the problem's id and question and in the run's strategy, model, answer and spec."""
    wanted = _filter_runs(_runs_with_problem(), status, strategy, problem, text)
    return wanted.order_by(Run.id.desc()).limit(limit).offset(offset)


def forks_of(run_id: int) -> Query:
    """Runs that name `run_id` as their origin, oldest first."""
    return _runs_with_problem().where(Run.origin_run == run_id).order_by(Run.id)


def keep_links(run_id: int, links: Sequence[tuple[int, int, str]]) -> sa.Executable:
    return sa.insert(Link).values(
        [{"run_id": run_id, "src": src, "dst": dst, "kind": kind} for src, dst, kind in links]
    )


def found_runs_count(
    status: str | None, strategy: str | None, problem: str | None, text: str | None
) -> Query:
    counted = (
        sa.select(sa.func.count())
        .select_from(Run)
        .join(Problem, Run.problem_key == Problem.key, isouter=True)
    )
    return _filter_runs(counted, status, strategy, problem, text)


def node_counts(run_ids: Sequence[int]) -> Query:
    return (
        sa.select(Node.run_id, sa.func.count())
        .where(Node.run_id.in_(map(inline, run_ids)))
        .group_by(Node.run_id)
    )


def event_counts(run_ids: Sequence[int]) -> Query:
    return (
        sa.select(Event.run_id, sa.func.count())
        .where(Event.run_id.in_(map(inline, run_ids)))
        .group_by(Event.run_id)
    )


def find_finished_before(moment: datetime) -> Query:
    """Ids of runs nobody works on that came into the store before `moment`."""
    return sa.select(Run.id).where(Run.stored_at < moment, Run.status.not_in(UNFINISHED))


def removal(run_ids: Sequence[int]) -> list[sa.Executable]:
    """Everything that belongs to the runs, what people said of them included, and problems that no
    run is left of."""
    tables = (Event, Node, Score, Link, Annotation, Edit, Sight)
    owned: list[sa.Executable] = [
        sa.delete(table).where(table.run_id.in_(run_ids)) for table in tables
    ]
    used = sa.select(Run.problem_key).where(Run.problem_key.is_not(None))
    return [
        *owned,
        sa.delete(Run).where(Run.id.in_(run_ids)),
        sa.delete(Problem).where(Problem.key.not_in(used)),
    ]


_MEAN_LOGPROB = sa.func.list_avg(Node.logprobs, type_=sa.Double).label("mean_logprob")
_TOKEN_COUNT = sa.func.len(Node.token_ids, type_=sa.Integer).label("n_tokens")
_LIGHT = (
    Node.id,
    Node.parent_id,
    Node.depth,
    Node.kind,
    Node.role,
    Node.text,
    Node.finish,
    Node.done,
    Node.key,
    Node.seq,
    _TOKEN_COUNT,
    _MEAN_LOGPROB,
)
_FULL = (*_LIGHT, Node.token_ids, Node.logprobs, Node.alternatives)


def nodes_after(run_id: int, after_id: int, limit: int | None) -> Query:
    """Nodes without token arrays, in order of id."""
    return (
        sa.select(*_LIGHT)
        .where(Node.run_id == run_id, Node.id > after_id)
        .order_by(Node.id)
        .limit(limit)
    )


def all_nodes(run_id: int) -> Query:
    """Nodes with everything, in order of id."""
    return sa.select(*_FULL).where(Node.run_id == inline(run_id)).order_by(Node.id)


def some_nodes(run_id: int, ids: Sequence[int]) -> Query:
    """The named nodes with everything, in order of id."""
    return sa.select(*_FULL).where(Node.run_id == run_id, Node.id.in_(ids)).order_by(Node.id)


def parents(run_id: int, up_to: int) -> Query:
    """Id and parent of every node up to `up_to`: paths are walked in Python, a recursive query
    costs milliseconds a level."""
    return sa.select(Node.id, Node.parent_id).where(Node.run_id == run_id, Node.id <= up_to)


def node_count(run_id: int) -> Query:
    return sa.select(sa.func.count()).where(Node.run_id == run_id)


def last_node_id(run_id: int) -> Query:
    return sa.select(sa.func.max(Node.id)).where(Node.run_id == run_id)


def last_seq(run_id: int) -> Query:
    return sa.select(sa.func.max(Event.seq)).where(Event.run_id == run_id)


def events_after(
    run_id: int,
    after: int,
    limit: int | None,
    kinds: Sequence[str] | None,
    node_id: int | None = None,
) -> Query:
    """Events with seq > `after` in order, of some kinds or of all, about one node or whatever they
    are about."""
    columns = [column for column in Event.__table__.columns if column.name != "run_id"]
    statement = (
        sa.select(*columns)
        .where(Event.run_id == inline(run_id), Event.seq > inline(after))
        .order_by(Event.seq)
        .limit(limit)
    )
    statement = statement if kinds is None else statement.where(Event.kind.in_(kinds))
    return statement if node_id is None else statement.where(Event.node_id == node_id)


def all_series(run_id: int) -> Query:
    """Name and number of scores of each series that came after the run."""
    return (
        sa.select(Score.series, sa.func.count().label("scores"))
        .where(Score.run_id == run_id)
        .group_by(Score.series)
        .order_by(Score.series)
    )


def one_series(run_id: int, series: str) -> Query:
    """The scores of a series in order of node."""
    columns = (Score.node_id, Score.value, Score.steps, Score.reason)
    return (
        sa.select(*columns)
        .where(Score.run_id == run_id, Score.series == series)
        .order_by(Score.node_id)
    )


def later_scores(run_id: int) -> Query:
    """All scores that came after the run, by series and node. Sorted as texts are in Python, by
    code point."""
    columns = (Score.series, Score.node_id, Score.value, Score.steps, Score.reason)
    return (
        sa.select(*columns)
        .where(Score.run_id == run_id)
        .order_by(sa.collate(Score.series, "binary"), Score.node_id)
    )


def links(run_id: int) -> Query:
    """The links of a run, by source, target and kind."""
    return (
        sa.select(Link.src, Link.dst, Link.kind)
        .where(Link.run_id == run_id)
        .order_by(Link.src, Link.dst, sa.collate(Link.kind, "binary"))
    )


def drop_series(run_id: int, series: str) -> sa.Executable:
    return sa.delete(Score).where(Score.run_id == run_id, Score.series == series)


def all_settings() -> Query:
    return sa.select(Setting.name, Setting.value)


def keep_setting(name: str, value: Any) -> sa.Executable:
    statement = upsert(Setting).values(name=name, value=value)
    return statement.on_conflict_do_update(
        index_elements=[Setting.name], set_={"value": statement.excluded.value}
    )


def checkpoint() -> sa.Executable:
    """Fold the write-ahead log into the file."""
    return sa.text("CHECKPOINT")


def probe() -> Query:
    return sa.select(sa.literal(1))


def revision_table() -> Query:
    """The name of alembic's table, or no row where there is none yet."""
    tables = sa.table("tables", sa.column("table_name"), schema="information_schema")
    return sa.select(tables.c.table_name).where(tables.c.table_name == inline("alembic_version"))


def any_table() -> Query:
    """The name of a table that the file has, or no row for a file without tables."""
    tables = sa.table("tables", sa.column("table_name"), schema="information_schema")
    return sa.select(tables.c.table_name).order_by(tables.c.table_name).limit(1)


def revision() -> Query:
    """Which revision the tables are at."""
    return sa.select(sa.table("alembic_version", sa.column("version_num")).c.version_num)


def name_of_database() -> Query:
    return sa.select(sa.func.current_database())


def copy_to(path: str) -> list[sa.Executable]:
    """Attach a new file as `snapshot` and detach it again. A file name cannot be a bound value
    here, so it is quoted."""
    quoted = path.replace("'", "''").replace(":", "\\:")
    return [sa.text(f"ATTACH '{quoted}' AS snapshot"), sa.text("DETACH snapshot")]


def copy_all(database: str) -> sa.Executable:
    """Copy tables and sequences of `database` (a quoted identifier) into `snapshot`."""
    return sa.text(f"COPY FROM DATABASE {database.replace(':', chr(92) + ':')} TO snapshot")


def drop_setting(name: str) -> sa.Executable:
    return sa.delete(Setting).where(Setting.name == name)
