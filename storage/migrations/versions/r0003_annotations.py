"""Annotations with their history, the codebook of error categories, and who has seen what of a run.

The first tables had a table of annotations that nothing ever wrote to; it gives way to one that
tells steps, kinds and blind labels apart.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FIRST_CODEBOOK = (
    (
        "misread",
        "Misread the problem",
        "Uses a fact that the problem does not state, or states otherwise.",
        "circle",
    ),
    ("arithmetic", "Arithmetic slip", "The right calculation with a wrong result.", "square"),
    (
        "wrong_operation",
        "Wrong operation",
        "Calculates something else than what is needed here.",
        "triangle",
    ),
    (
        "unsupported",
        "Unsupported step",
        "A claim that does not follow from what stands before it.",
        "diamond",
    ),
    ("contradiction", "Contradiction", "Contradicts an earlier step or the problem.", "cross"),
    ("skipped", "Skipped reasoning", "Leaves out something that the result depends on.", "hexagon"),
    ("repetition", "Repetition", "Says again what was said, without getting on.", "star"),
    (
        "answer_format",
        "Answer not given as asked",
        "The solution may be right, but its answer cannot be read or is not what was asked for.",
        "plus",
    ),
    (
        "bad_problem",
        "Broken problem",
        "The problem has no answer, several, or a wrong one in the data.",
        "ring",
    ),
)


def upgrade() -> None:
    op.drop_table("annotation")
    edit_ids = sa.Sequence("edit_id_sequence")
    op.execute(sa.schema.CreateSequence(edit_ids))
    _annotation(sa.Sequence("annotation_id_sequence"))
    _edit_and_sight(edit_ids)
    category = op.create_table(
        "category",
        sa.Column("key", sa.String, primary_key=True),
        *(sa.Column(name, sa.String, nullable=False) for name in ("name", "description", "mark")),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("retired", sa.Boolean, nullable=False),
    )
    names = ("key", "name", "description", "mark")
    rows = [
        {**dict(zip(names, entry, strict=True)), "position": at, "retired": False}
        for at, entry in enumerate(FIRST_CODEBOOK)
    ]
    op.bulk_insert(category, rows)


def _annotation(ids: sa.Sequence) -> None:
    op.create_table(
        "annotation",
        sa.Column("id", sa.BigInteger, primary_key=True, server_default=ids.next_value()),
        sa.Column("run_id", sa.BigInteger, nullable=False),
        sa.Column("node_id", sa.Integer),
        sa.Column("step", sa.Integer),
        sa.Column("span", sa.String),
        *(sa.Column(name, sa.String, nullable=False) for name in ("kind", "label")),
        sa.Column("note", sa.String),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("blind", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.TIMESTAMP, nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP, nullable=False),
    )


def _edit_and_sight(ids: sa.Sequence) -> None:
    op.create_table(
        "edit",
        sa.Column("id", sa.BigInteger, primary_key=True, server_default=ids.next_value()),
        *(sa.Column(name, sa.String, nullable=False) for name in ("subject", "key")),
        sa.Column("run_id", sa.BigInteger),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("at", sa.TIMESTAMP, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        *(sa.Column(name, sa.String) for name in ("before", "after")),
    )
    op.create_table(
        "sight",
        sa.Column("run_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("author", sa.String, primary_key=True),
        sa.Column("opened_at", sa.TIMESTAMP, nullable=False),
        sa.Column("seen_at", sa.TIMESTAMP),
    )
