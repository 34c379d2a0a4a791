"""Alembic's entry: migrates the connection that `storage.schema.migrate` passed in."""

from alembic import context

from storage.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
