"""Looks at a ledger without making or changing one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from flows.document import JobError
from flows.ledger.damage import describe, refuse_damaged
from flows.ledger.engine import open_engine, parse_url, reading_from
from flows.ledger.key import check_value, find_key
from flows.ledger.knowledge import LedgerError
from flows.ledger.migration import MIGRATIONS, schema_version


class Reader:
    """A ledger that is only read: it needs no key, no lease and no right to write."""

    def __init__(self, engine: Engine, url: URL) -> None:
        self._engine = engine
        self._url = url

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that only reads; raises LedgerError where the database fails."""
        try:
            with reading_from(self._engine) as connection:
                yield connection
        except DBAPIError as error:
            raise LedgerError(describe(error, self._url, "read", f"the ledger {_shown(self._url)}")) from None


def open_to_read(state: str) -> Reader:
    """Open a ledger by its SQLAlchemy URL for questions alone.

    Raises JobError where there is none, or its schema is not the one that this program reads.
    """
    refuse_missing(state)
    if (reader := open_if_there(state)) is None:
        raise JobError(f"there is no ledger in {_shown(parse_url(state))} yet; a run makes it")
    return reader


def open_if_there(state: str) -> Reader | None:
    """Open a ledger for questions alone, None where no run has made it yet; raises as `open_to_read`."""
    if is_missing(state):
        return None
    url = parse_url(state)
    reader = Reader(open_engine(url, making=False), url)
    try:
        found = _settings(reader, url)
        if found is not None:
            _refuse_another(found, url)
    except BaseException:
        reader.close()
        raise
    if found is None:
        reader.close()
        return None
    return reader


def refuse_missing(state: str) -> None:
    """Raise JobError where a ledger is a file that no run has made yet."""
    if is_missing(state):
        raise JobError(f"there is no ledger {_shown(parse_url(state))}; a run makes it")


def _refuse_another(found: Mapping[str, str], url: URL) -> None:
    if (version := int(found["schema"])) < len(MIGRATIONS):
        raise JobError(
            f"the ledger {_shown(url)} has schema version {version}, this program reads {len(MIGRATIONS)}:"
            " the next run brings it up to date"
        )


def is_missing(state: str) -> bool:
    """Say whether a ledger is a file that no run has made yet; raises JobError where `state` is no URL."""
    url = parse_url(state)
    return url.get_backend_name() == "sqlite" and bool(url.database) and not Path(str(url.database)).exists()


def inspect_ledger(state: str, environment: Mapping[str, str]) -> str:
    """Say whether a ledger can be used: its schema, its key, or the folder where it will be made.

    Raises JobError where it cannot.
    """
    url = parse_url(state)
    if is_missing(state):
        folder = Path(str(url.database)).resolve().parent
        if not os.access(folder, os.W_OK):
            raise JobError(f"{folder}: the ledger cannot be made here (the folder is missing or not writable)")
        return f"{_shown(url)} will be made by the first run"
    key = find_key(url, environment)
    reader = Reader(open_engine(url, making=False), url)
    try:
        found = _settings(reader, url)
    finally:
        reader.close()
    if found is None:
        return f"{_shown(url)} holds no ledger yet; the first run makes it"
    if key is None or found.get("key_check") not in (None, check_value(key)):
        raise JobError(
            f"the ledger {_shown(url)} was written with another key (ROLLCALL_KEY or the key file beside it)"
        )
    if url.get_backend_name() == "sqlite" and not os.access(str(url.database), os.W_OK):
        raise JobError(f"{url.database}: the ledger cannot be written")
    return f"{_shown(url)}, schema version {found['schema']}"


def _settings(reader: Reader, url: URL) -> dict[str, str] | None:
    """Read the settings of a ledger, None where there is none yet; raises JobError where its version is not known."""
    try:
        with reader.reading() as connection:
            refuse_damaged(connection, url)
            if not inspect(connection).has_table("settings"):
                return None
            version = schema_version(connection)
            rows = connection.execute(text("SELECT name, value FROM settings"))
            found: dict[str, str] = {row.name: row.value for row in rows}
    except LedgerError as error:
        raise JobError(str(error)) from None
    return found if version else None


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=True)
