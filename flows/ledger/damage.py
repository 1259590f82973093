"""Tells a damaged ledger from one that cannot be reached, and says what to do; mends nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import URL, Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from flows.document import JobError

# A quick check takes 0.7 s for a ledger of 1,000,000 customers (250 MB), and grows with the file.
_CHECKED_BYTES = 512 * 1024**2

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def refuse_damaged(connection: Connection, url: URL) -> None:
    """Raise JobError where the structure of a SQLite file is damaged; a server looks after its own files.

    Large files are looked through only after a run that did not end. Values in sound rows have no checksum.
    """
    if connection.dialect.name != "sqlite" or not url.database or url.database == ":memory:":
        return
    if Path(url.database).stat().st_size > _CHECKED_BYTES and not _left_running(connection):
        return
    if connection.execute(text("PRAGMA quick_check(1)")).scalar() != "ok":
        raise JobError(damage(url))


def damage(url: URL) -> str:
    """Say that the file is damaged, and what to do."""
    if url.get_backend_name() != "sqlite":
        return "the ledger is damaged: restore its database, or name an empty one with --state"
    return (
        f"{url.database}: the ledger is damaged, or this is none; restore it from a backup, or move it away together"
        " with its -wal and -shm files: the next run then begins a new one and sends every customer once more"
    )


def describe(error: DBAPIError, url: URL, done: str, name: str = "the ledger") -> str:
    """Name a database's error in one line without statement or parameters."""
    code = getattr(error.orig, "sqlite_errorcode", None) or 0
    lines = str(error.orig).strip().splitlines()
    if code & 0xFF in _DAMAGE or (lines and lines[0].startswith("Could not decode")):  # which shows the value
        return damage(url)
    return f"{name} cannot be {done} ({lines[0] if lines else type(error.orig).__name__})"


def _left_running(connection: Connection) -> bool:
    if not inspect(connection).has_table("runs"):
        return False
    query = text("SELECT count(*) FROM runs WHERE status = 'running'")
    return bool(connection.execute(query).scalar_one())
