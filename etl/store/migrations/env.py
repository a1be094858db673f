"""Run migrations on the connection that the caller holds (etl.store.engine.migrate)."""

from __future__ import annotations

from alembic import context

from etl.store.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
