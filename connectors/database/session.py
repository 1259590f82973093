"""Opens read-only sessions on a database, each in UTC, and asks its clock; knows no table."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import quote

from sqlalchemy import Connection, CursorResult, Engine, ExceptionContext, NullPool, create_engine, event

from connectors.database.address import Address, Dialect
from connectors.database.kind import BrokenText

Clock: TypeAlias = Callable[[Connection], datetime]

_CONNECT_SECONDS = 10
_SILENT_SECONDS = 900  # for a server that vanished without a word, or sorts a large table; PostgreSQL has keepalives
_SLOW_TARGET_SECONDS = 3600  # for which the server keeps a half-read result for us

_SESSION: dict[Dialect, tuple[str, ...]] = {
    "sqlite": (),
    "postgresql": (
        "SET TIME ZONE 'UTC'",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SET lock_timeout = '30s'",
    ),
    "mysql": (
        "SET SESSION time_zone = '+00:00'",
        "SET SESSION TRANSACTION READ ONLY",
        f"SET SESSION net_write_timeout = {_SLOW_TARGET_SECONDS}",
        "SET SESSION lock_wait_timeout = 30",
    ),
}
_CLOCK: dict[Dialect, str] = {
    "sqlite": "SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')",
    "postgresql": "SELECT clock_timestamp()",
    "mysql": "SELECT UTC_TIMESTAMP(6)",
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a source waits for its database, and with what it waits."""

    give_up_seconds: float = 300  # without progress, for a server that went away
    stream_seconds: float = 30  # after which a read is taken up anew, so that no transaction stays open for long
    busy_seconds: float = 30  # for a locked SQLite file
    sleep: Callable[[float], object] = time.sleep  # tells by something true that the wait was ended
    monotonic: Callable[[], float] = time.monotonic


def make_engine(address: Address, patience: Patience) -> Engine:
    """Make an engine without a pool (no stale connections) and whose errors show no parameters."""
    common: dict[str, Any] = {"poolclass": NullPool, "hide_parameters": True}
    match address.dialect:
        case "sqlite":
            return create_engine("sqlite://", creator=lambda: _open_file(address, patience.busy_seconds), **common)
        case "postgresql":
            options: dict[str, object] = {
                "connect_timeout": _CONNECT_SECONDS,
                "application_name": "rollcall",
                "prepare_threshold": None,  # prepared statements do not survive a pooler between us and the server
                "keepalives_idle": 30,
                "keepalives_interval": 10,
                "keepalives_count": 3,
            }
        case "mysql":
            options = {
                "connect_timeout": _CONNECT_SECONDS,
                "read_timeout": _CONNECT_SECONDS,  # of the login; who answers it is a server, and may take longer
                "program_name": "rollcall",
                "charset": "utf8mb4",
                "autocommit": True,
            }
    engine = create_engine(address.url, connect_args=options, **common)
    event.listen(engine, "connect", lambda raw, _record: _prepare(raw, address.dialect))
    if address.dialect == "postgresql":
        event.listen(engine, "handle_error", _close_cursor)
    return engine


def _open_file(address: Address, busy_seconds: float) -> sqlite3.Connection:
    """Open a SQLite file without ever writing to it; a job's steps may come from different threads, in turn."""
    return sqlite3.connect(
        f"file:{quote(str(address.path))}?mode=ro",
        uri=True,
        timeout=busy_seconds,
        check_same_thread=False,
        isolation_level=None,
    )


def _prepare(raw: Any, dialect: Dialect) -> None:
    """Set up a fresh session, outside any transaction: a rolled back one would take the settings along."""
    if dialect == "postgresql":
        raw.autocommit = True
    with raw.cursor() as cursor:
        for statement in _SESSION[dialect]:
            cursor.execute(statement)
    if dialect == "postgresql":
        raw.autocommit = False
    if dialect == "mysql":
        raw._read_timeout = _SILENT_SECONDS  # noqa: SLF001 - PyMySQL has no public way to change it


def _close_cursor(context: ExceptionContext) -> None:
    """Close the cursor of a lost connection, which SQLAlchemy leaves open: psycopg warns of it when it is collected."""
    cursor = getattr(context.execution_context, "cursor", None)
    if context.is_disconnect and cursor is not None:
        cursor.close()


def ask_clock(connection: Connection, dialect: Dialect) -> datetime:
    """Ask the database what time it is."""
    now = connection.exec_driver_sql(_CLOCK[dialect]).scalar_one()
    moment = datetime.fromisoformat(now) if isinstance(now, str) else now
    return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def tolerate(connection: Connection) -> None:
    """Let values that Python cannot hold (a date of infinity, text that is no UTF-8) come as text or bytes.

    It costs a call for each cell, so a read asks for it only once it has met such a value.
    """
    raw: Any = connection.connection.driver_connection
    if isinstance(raw, sqlite3.Connection):
        raw.text_factory = _text_or_bytes
        return
    from psycopg import DataError
    from psycopg.adapt import Loader
    from psycopg.pq import Format

    for name in ("date", "timestamp", "timestamptz", "time", "timetz", "interval"):
        exact = raw.adapters.get_loader(raw.adapters.types[name].oid, Format.TEXT)

        class Tolerant(Loader):
            """Gives the server's text where the value does not fit."""

            _exact = exact

            def __init__(self, oid: int, context: Any = None) -> None:
                super().__init__(oid, context)
                self._inner = self._exact(oid, context)

            def load(self, data: Any) -> Any:
                try:
                    return self._inner.load(data)
                except DataError:
                    return bytes(data).decode()

        raw.adapters.register_loader(name, Tolerant)


def _text_or_bytes(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return BrokenText(data)


def abandon(connection: Connection, raw: Any, result: CursorResult[Any] | None) -> None:
    """Let go of a connection whose result was perhaps not read to its end, or which is lost.

    PyMySQL would read all the rest of an unbuffered result before it closes a cursor, and stumbles over a connection
    that is lost: `MySQLResult._finish_unbuffered_query`. There is no public way to tell it not to.
    """
    if (unread := getattr(raw, "_result", None)) is not None:
        unread.unbuffered_active = False
    if result is not None:
        result.close()
    connection.invalidate()
    connection.close()
