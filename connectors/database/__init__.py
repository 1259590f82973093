"""Customers in a database: SQLite, PostgreSQL, MariaDB and MySQL."""

from connectors.database.settings import DatabaseSettings
from connectors.protocol import Source
from connectors.settings import Surroundings

__all__ = ["DatabaseSettings", "SourceSettings", "make_source"]

SourceSettings = DatabaseSettings


def make_source(settings: DatabaseSettings, surroundings: Surroundings) -> Source:
    """Make the source of a job, which reads just the columns that the job needs."""
    from connectors.database.source import DatabaseSource

    return DatabaseSource(settings, surroundings.folder, surroundings.columns)
