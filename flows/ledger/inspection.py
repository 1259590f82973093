"""Looks at a ledger without making or changing one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from flows.document import JobError
from flows.ledger.engine import parse_url
from flows.ledger.key import check_value, find_key
from flows.ledger.migration import MIGRATIONS


def is_missing(state: str) -> bool:
    """Say whether a ledger is a file that no run has made yet; raises JobError where `state` is no URL."""
    url = parse_url(state)
    return url.get_backend_name() == "sqlite" and bool(url.database) and not Path(str(url.database)).exists()


def inspect_ledger(state: str, environment: Mapping[str, str]) -> str:
    """Say whether a ledger can be used: its schema, its key, or the folder where it will be made.

    Raises JobError where it cannot.
    """
    url = parse_url(state)
    shown = url.render_as_string(hide_password=True)
    if is_missing(state):
        folder = Path(str(url.database)).resolve().parent
        if not os.access(folder, os.W_OK):
            raise JobError(f"{folder}: the ledger cannot be made here (the folder is missing or not writable)")
        return f"{shown} will be made by the first run"
    try:
        engine = create_engine(url, hide_parameters=True)
        try:
            with engine.connect() as connection:
                rows = connection.execute(text("SELECT name, value FROM settings"))
                found: dict[str, str] = {row.name: row.value for row in rows}
        finally:
            engine.dispose()
    except (DBAPIError, ImportError) as error:
        raise JobError(f"the ledger {shown} cannot be read ({type(error).__name__})") from None
    version = int(found.get("schema", 0))
    if version > len(MIGRATIONS):
        raise JobError(f"the ledger's schema is version {version}, this program knows {len(MIGRATIONS)}: update it")
    key = find_key(url, environment)
    if key is None or found.get("key_check") not in (None, check_value(key)):
        raise JobError(f"the ledger {shown} was written with another key (ROLLCALL_KEY or the key file beside it)")
    if url.get_backend_name() == "sqlite" and not os.access(str(url.database), os.W_OK):
        raise JobError(f"{url.database}: the ledger cannot be written")
    return f"{shown}, schema version {version}"
