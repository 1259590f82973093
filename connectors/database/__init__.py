"""Customers in a database: SQLite, PostgreSQL, MariaDB and MySQL."""

from connectors.database.settings import DatabaseSettings

__all__ = ["DatabaseSettings"]
