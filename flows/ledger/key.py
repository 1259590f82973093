"""Finds the key that the ledger's hashes are made with; it never enters the database."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import URL, Connection, text

from flows.document import JobError

_GIVE_BACK = "give back its ROLLCALL_KEY or key file, or use --rekey, which sends every customer once more"


def find_key(url: URL, environment: Mapping[str, str]) -> bytes | None:
    """Take ROLLCALL_KEY, or the key file beside a SQLite ledger; None where there is neither yet.

    Raises JobError where a ledger that is no file has no ROLLCALL_KEY, or the key file cannot be read.
    """
    if key := environment.get("ROLLCALL_KEY"):
        return key.encode()
    path = _key_file(url)
    try:
        found = path.read_bytes().strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise JobError(f"{path}: the ledger's key cannot be read ({error.strerror})") from None
    if not found:
        raise JobError(f"{path}: the ledger's key file is empty; restore it, or remove it and use --rekey")
    return found


def make_key(url: URL) -> bytes:
    """Make the key file beside a SQLite ledger, mode 0600; one that another process has just made is taken.

    Raises JobError where it cannot be written.
    """
    path = _key_file(url)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes().strip()
    except OSError as error:
        raise JobError(f"{path}: the ledger's key cannot be made ({error.strerror})") from None
    with os.fdopen(handle, "wb") as file:
        key = secrets.token_hex(32).encode()
        file.write(key + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def _key_file(url: URL) -> Path:
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        raise JobError("ROLLCALL_KEY is not set; a ledger that is not a file needs it, since its key is kept outside")
    return Path(url.database).with_suffix(".key")


def check_value(key: bytes) -> str:
    """Make the value by which a ledger knows its key again."""
    return hmac.digest(key, b"rollcall: this is the ledger's key", "sha256").hex()


def known_key(connection: Connection) -> str | None:
    """Recall the check value of the key that the ledger was written with."""
    return connection.execute(text("SELECT value FROM settings WHERE name = 'key_check'")).scalar()


def new_key(url: URL, known: str | None, *, rekey: bool) -> bytes:
    """Make a key, unless the ledger had one: a new one would only hide that it is lost."""
    if known is not None and not rekey:
        raise JobError(f"the key of the ledger is missing: {_GIVE_BACK}")
    return make_key(url)


def refuse_other_key(connection: Connection, key: bytes | None) -> None:
    """Raise JobError where a ledger that is only read was written with another key, or with one that is missing."""
    known = known_key(connection)
    if known is not None and key is None:
        raise JobError(f"the key of the ledger is missing: {_GIVE_BACK}")
    if known is not None and key is not None and check_value(key) != known:
        raise JobError(f"the ledger was written with another key: {_GIVE_BACK}")


def settle_key(connection: Connection, key: bytes, *, rekey: bool) -> None:
    """Note the key's check value, or compare it; raises JobError for another key, which `rekey` takes over."""
    value = check_value(key)
    note = text("INSERT INTO settings VALUES ('key_check', :value) ON CONFLICT DO NOTHING")
    connection.execute(note, {"value": value})
    if known_key(connection) == value:
        return
    if not rekey:
        raise JobError(f"the ledger was written with another key: {_GIVE_BACK}")
    connection.execute(text("UPDATE settings SET value = :value WHERE name = 'key_check'"), {"value": value})
    connection.execute(text("UPDATE customers SET record_hash = NULL"))
    connection.execute(text("UPDATE crosswalk SET row_hash = NULL"))
    connection.execute(text("DELETE FROM watermarks"))  # their seals are of the other key
