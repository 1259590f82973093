"""Opens the database that a ledger lives in, as safely as that database can be opened."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, Table, bindparam, create_engine, delete, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry

from flows.document import JobError

_BUSY_SECONDS = 30
READ_ONLY = "rollcall_reads_only"


def parse_url(state: str) -> URL:
    """Turn `--state` into a URL; raises JobError where it is none."""
    try:
        return make_url(state)
    except (ArgumentError, ValueError):  # ValueError: text where the port belongs, which it would show
        raise JobError("--state is no database URL; write for example sqlite:///rollcall.db") from None


def open_engine(url: URL) -> Engine:
    """Make the engine; on SQLite in WAL mode, fully synchronous, every writing transaction `BEGIN IMMEDIATE`.

    The file is made with mode 0600 whatever the umask; its WAL inherits that.
    """
    try:
        engine = create_engine(url, hide_parameters=True, pool_pre_ping=url.get_backend_name() != "sqlite")
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise JobError(f"the driver of this ledger is not installed ({error.args[0]})") from None
    if engine.dialect.name == "sqlite":
        _prepare_file(url)
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_file(url: URL) -> None:
    if not url.database or url.database == ":memory:":
        return
    try:
        os.close(os.open(url.database, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise JobError(f"{Path(url.database)}: the ledger cannot be written ({error.strerror})") from None


def _configure_sqlite(connection: Any, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # we begin transactions ourselves
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once when another wrote meanwhile, timeout or not.
    reads_only = connection.get_execution_options().get(READ_ONLY)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


def write_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert whole rows, or replace those with the same primary key; a row has every column in the table's order.

    SQLAlchemy writes the statement, and the driver takes the rows as they are: building its parameters row by row
    took two thirds of a commit (46 instead of 17 microseconds a customer).
    """
    if rows:
        connection.exec_driver_sql(_upsert(connection.dialect.name, table), list(rows))


def delete_rows(connection: Connection, table: Table, keys: Sequence[tuple[Any, ...]]) -> None:
    """Delete rows by their whole primary key, in the table's order; as quick as `write_rows`, for the same reason."""
    if keys:
        connection.exec_driver_sql(_deletion(connection.dialect.name, table), list(keys))


@cache
def _upsert(dialect_name: str, table: Table) -> str:
    keys = [column.name for column in table.primary_key]
    columns = [column.name for column in table.columns]
    statement: Any = (postgresql if dialect_name == "postgresql" else sqlite).insert(table)
    others = {name: statement.excluded[name] for name in columns if name not in keys}
    upsert = statement.on_conflict_do_update(index_elements=keys, set_=others)
    return str(upsert.compile(dialect=_positional(dialect_name), column_keys=columns))


@cache
def _deletion(dialect_name: str, table: Table) -> str:
    conditions = [column == bindparam(column.name) for column in table.primary_key]
    return str(delete(table).where(*conditions).compile(dialect=_positional(dialect_name)))


def _positional(dialect_name: str) -> Dialect:
    """Make the dialect that writes a driver's own placeholders for rows that are tuples."""
    if dialect_name == "postgresql":
        return postgresql.dialect(paramstyle="format")  # type: ignore[no-untyped-call]  # as it ships
    return sqlite.dialect(paramstyle="qmark")
