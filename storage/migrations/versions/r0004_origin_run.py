"""The run that a fork goes on from, as a column of its own, filled from the provenance that was
stored before."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

RUN = sa.table(
    "run",
    sa.column("id", sa.BigInteger),
    sa.column("forked_from", sa.String),
    sa.column("origin_run", sa.BigInteger),
)


def upgrade() -> None:
    op.add_column("run", sa.Column("origin_run", sa.BigInteger))
    connection = op.get_bind()
    forks = connection.execute(
        sa.select(RUN.c.id, RUN.c.forked_from).where(RUN.c.forked_from.is_not(None))
    ).fetchall()
    for run_id, text in forks:
        provenance = json.loads(text)
        origin = provenance.get("run") if isinstance(provenance, dict) else None
        if isinstance(origin, int):
            connection.execute(sa.update(RUN).where(RUN.c.id == run_id).values(origin_run=origin))
