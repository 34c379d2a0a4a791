"""The budget that ended a run, as its axis and its number, taken from the log, else from the
sentence that stood in `reason`; and `early_phase` in the specs of runs that were made without
it."""

import json

import sqlalchemy as sa
from alembic import op

from backend.core.limits import Limit
from storage.earlier import complete_spec, split_sentence

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

RUN = sa.table(
    "run",
    sa.column("id", sa.BigInteger),
    sa.column("spec", sa.String),
    sa.column("reason", sa.String),
    sa.column("limit_axis", sa.String),
    sa.column("limit_value", sa.Double),
)
EVENT = sa.table(
    "event",
    sa.column("run_id", sa.BigInteger),
    sa.column("seq", sa.Integer),
    sa.column("kind", sa.String),
    sa.column("label", sa.String),
    sa.column("value", sa.Double),
)


def upgrade() -> None:
    op.add_column("run", sa.Column("limit_axis", sa.String))
    op.add_column("run", sa.Column("limit_value", sa.Double))
    connection = op.get_bind()
    told = {
        run_id: Limit(axis, value)
        for run_id, axis, value in connection.execute(
            sa.select(EVENT.c.run_id, EVENT.c.label, EVENT.c.value)
            .where(EVENT.c.kind == "limit", EVENT.c.value.is_not(None))
            .order_by(EVENT.c.run_id, EVENT.c.seq)
        ).fetchall()
    }
    rows = connection.execute(sa.select(RUN.c.id, RUN.c.spec, RUN.c.reason)).fetchall()
    for run_id, text, stored in rows:
        spec = json.loads(text)
        whole = complete_spec(spec)
        reason, limit = split_sentence(stored, told.get(run_id), spec)
        changes = {
            **({} if whole == spec else {"spec": as_stored(whole)}),
            **({} if reason == stored else {"reason": reason}),
            **({} if limit is None else {"limit_axis": limit.axis, "limit_value": limit.value}),
        }
        if changes:
            connection.execute(sa.update(RUN).where(RUN.c.id == run_id).values(**changes))


def as_stored(spec: object) -> str:
    return json.dumps(spec, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
