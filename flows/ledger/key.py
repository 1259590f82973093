"""Finds the key that the ledger's hashes are made with; it never enters the database."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import URL

from flows.document import JobError


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
