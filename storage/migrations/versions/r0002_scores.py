"""Series of scores beside those of a run: what other verifiers said of its nodes later."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "score",
        sa.Column("run_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("series", sa.String, primary_key=True),
        sa.Column("node_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("value", sa.Double),
        sa.Column("steps", sa.ARRAY(sa.Double), nullable=False),
        sa.Column("reason", sa.String),
    )
