"""Opens the database that a ledger lives in, as safely as that database can be opened."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from flows.document import JobError

_BUSY_SECONDS = 30
# SQLite looks again after 1, 2, 5 and ever more milliseconds, up to 100: all who come overtake one who has waited long
# (of nine busy writers one waited for 8 s). Begun anew after the third look, all have the same chance (0.8 s).
_TURN_MILLISECONDS = 8
_READS_ONLY = "rollcall_reads_only"

# A server that is gone without a word is noticed by the kernel, not after two hours. What the URL says comes first.
_POSTGRESQL_PATIENCE = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}


def parse_url(state: str) -> URL:
    """Turn `--state` into a URL; raises JobError where it is none."""
    try:
        url = make_url(state)
    except (ArgumentError, ValueError):  # ValueError: text where the port belongs, which it would show
        raise JobError("--state is no database URL; write for example sqlite:///rollcall.db") from None
    if "@" in f"{url.host}{url.username}" or (url.host and "@" in str(url.database)):
        raise JobError("--state: write an @ in a name or password as %40")  # what follows it would be shown as the host
    return url.set(drivername="postgresql") if url.drivername == "postgres" else url  # as many providers write it


def open_engine(url: URL, *, making: bool = True) -> Engine:
    """Make the engine; on SQLite in WAL mode, fully synchronous, every writing transaction `BEGIN IMMEDIATE`.

    The file is made with mode 0600 whatever the umask, and its WAL inherits that; with `making` false nothing is made
    or changed. PostgreSQL works at READ COMMITTED whatever the server's default: who waited for the lease's row then
    sees what the other wrote to it, where a stricter level would give up.
    """
    options: dict[str, Any] = {"hide_parameters": True}
    if url.get_backend_name() == "sqlite" and not making:
        url = _without_writing(url)
    if url.get_backend_name() == "postgresql":
        url = url.set(query=_POSTGRESQL_PATIENCE | dict(url.query))
        options |= {"pool_pre_ping": True, "isolation_level": "READ COMMITTED"}
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")  # which SQLAlchemy takes by itself from 2.1 on
    try:
        engine = create_engine(url, **options)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise JobError(_missing_driver(url, error)) from None
    except ArgumentError:
        raise JobError("--state is no database URL that its driver understands") from None
    if engine.dialect.name == "sqlite":
        if making:
            _prepare_file(url)
        event.listen(engine, "connect", _configure_sqlite if making else _forbid_writing)
        event.listen(engine, "begin", _begin_sqlite)
    elif engine.dialect.name == "postgresql":
        event.listen(engine, "connect", _configure_postgresql)
    return engine


def open_scratch() -> Engine:
    """Make a database that is gone when its one connection is closed: it has no file that anybody could find.

    SQLite keeps it in memory, and in a file without a name where it grows. One thread at a time may use it.
    """
    made: Engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect("", check_same_thread=False),
        poolclass=StaticPool,
        hide_parameters=True,
    )
    event.listen(made, "connect", _configure_scratch)
    event.listen(made, "begin", _begin_sqlite)
    return made


def reading_from(engine: Engine) -> Connection:
    """Connect for reading alone; all that is read in one transaction is of one moment."""
    options: dict[str, Any] = {_READS_ONLY: True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return engine.connect().execution_options(**options)


def _missing_driver(url: URL, error: Exception) -> str:
    if url.get_backend_name() == "postgresql":
        return "the driver for a ledger in PostgreSQL is not installed: install rollcall-sync[postgresql]"
    return f"the driver of this ledger is not installed ({error.args[0]})"


def _prepare_file(url: URL) -> None:
    if not url.database or url.database == ":memory:":
        return
    try:
        os.close(os.open(url.database, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise JobError(f"{Path(url.database)}: the ledger cannot be written ({error.strerror})") from None


def _without_writing(url: URL) -> URL:
    """Name a SQLite file so that it can be read where it or its folder must not be written.

    Elsewhere it is opened as usual: a read-only connection would leave its -wal and -shm files behind.
    """
    path = Path(str(url.database)).resolve()
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return url
    # Without a WAL no writer is near, and none can be made here; with one, its -shm is beside it.
    alone = {} if path.with_name(f"{path.name}-wal").exists() else {"immutable": "1"}
    return url.set(database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true", **alone})


def _forbid_writing(connection: Any, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA query_only = ON")
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")


def _configure_sqlite(connection: Any, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # we begin transactions ourselves
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _configure_scratch(connection: Any, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # we begin transactions ourselves
    connection.execute("PRAGMA synchronous = OFF")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once when another wrote meanwhile, timeout or not.
    if connection.get_execution_options().get(_READS_ONLY):
        connection.exec_driver_sql("BEGIN")
        return
    _set_patience(connection, _TURN_MILLISECONDS)
    try:
        _begin_in_turn(connection)
    finally:
        _set_patience(connection, _BUSY_SECONDS * 1000)


def _begin_in_turn(connection: Connection) -> None:
    """Begin to write, waiting as long as others do."""
    driver: Any = connection.connection.driver_connection
    end = time.monotonic() + _BUSY_SECONDS
    while time.monotonic() < end:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                break
        else:
            return
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # for its error


def _set_patience(connection: Connection, milliseconds: int) -> None:
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA busy_timeout = {milliseconds}")


def _configure_postgresql(connection: Any, _: ConnectionPoolEntry) -> None:
    """Wait for locks as long as on SQLite, and let no server-wide setting acknowledge a commit that may be lost.

    With its own price for reading at random, made for turning disks, PostgreSQL reads 200,000 customers through to
    find a page of them (40 instead of 8 milliseconds).
    """
    cursor = connection.cursor()
    cursor.execute(
        "SELECT set_config('lock_timeout', %s, false), set_config('random_page_cost', '1.1', false),"
        " CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END",
        [f"{_BUSY_SECONDS}s"],
    )
    cursor.close()
    connection.commit()
