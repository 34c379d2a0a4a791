"""The first tables: problems, runs, nodes, events, links, annotations, settings."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_ids = sa.Sequence("run_id_sequence")
    annotation_ids = sa.Sequence("annotation_id_sequence")
    op.execute(sa.schema.CreateSequence(run_ids))
    op.execute(sa.schema.CreateSequence(annotation_ids))
    _problem_and_run(run_ids)
    _node_and_event()
    _link_annotation_setting(annotation_ids)


def _problem_and_run(run_ids: sa.Sequence) -> None:
    op.create_table(
        "problem",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("dataset", sa.String, nullable=False),
        sa.Column("question", sa.String, nullable=False),
        sa.Column("answer", sa.String),
        sa.Column("meta", sa.String, nullable=False),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.BigInteger, primary_key=True, server_default=run_ids.next_value()),
        sa.Column("problem_key", sa.String),
        *(sa.Column(name, sa.String, nullable=False) for name in ("status", "strategy", "model")),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("origin", sa.String, nullable=False),
        sa.Column("forked_from", sa.String),
        *(sa.Column(name, sa.String, nullable=False) for name in ("spec", "manifest", "ledger")),
        sa.Column("answer", sa.String),
        sa.Column("correct", sa.Boolean),
        sa.Column("chosen_node", sa.Integer),
        *(sa.Column(name, sa.String) for name in ("reason", "error", "remedy")),
        sa.Column("created_at", sa.TIMESTAMP, nullable=False),
        sa.Column("stored_at", sa.TIMESTAMP, nullable=False),
        sa.Column("finished_at", sa.TIMESTAMP),
    )


def _node_and_event() -> None:
    op.create_table(
        "node",
        sa.Column("run_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("parent_id", sa.Integer),
        sa.Column("depth", sa.Integer, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("kind", "role", "text")),
        sa.Column("token_ids", sa.ARRAY(sa.Integer), nullable=False),
        sa.Column("logprobs", sa.ARRAY(sa.Double)),
        sa.Column("finish", sa.String),
        sa.Column("done", sa.Boolean, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("alternatives", sa.String),
        sa.CheckConstraint("parent_id < id", name="parent_is_older"),
    )
    op.create_table(
        "event",
        sa.Column("run_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("t_ms", sa.Double, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("node_id", sa.Integer),
        sa.Column("track", sa.String, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("phase", "label")),
        sa.Column("value", sa.Double),
        sa.Column("data", sa.String),
    )


def _link_annotation_setting(annotation_ids: sa.Sequence) -> None:
    op.create_table(
        "link",
        sa.Column("run_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("src", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("dst", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String, primary_key=True),
    )
    op.create_table(
        "annotation",
        sa.Column(
            "id", sa.BigInteger, primary_key=True, server_default=annotation_ids.next_value()
        ),
        sa.Column("run_id", sa.BigInteger, nullable=False),
        sa.Column("node_id", sa.Integer),
        sa.Column("span", sa.String),
        *(sa.Column(name, sa.String, nullable=False) for name in ("author", "label")),
        sa.Column("note", sa.String),
        sa.Column("created_at", sa.TIMESTAMP, nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP, nullable=False),
    )
    op.create_table(
        "setting", sa.Column("name", sa.String, primary_key=True), sa.Column("value", sa.String)
    )
