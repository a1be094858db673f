"""Alembic's environment and versions of the record store's schema."""
