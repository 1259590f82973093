"""Finds the key that the ledger's hashes are made with; it never enters the database."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import URL

from flows.document import JobError


def key_of(url: URL, environment: Mapping[str, str]) -> bytes:
    """Take ROLLCALL_KEY, or the key file beside a SQLite ledger, made (0600) on first use.

    Raises JobError where a ledger that is no file has no ROLLCALL_KEY, or the key file cannot be read or made.
    """
    if key := environment.get("ROLLCALL_KEY"):
        return key.encode()
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        raise JobError("ROLLCALL_KEY is not set; a ledger that is not a file needs it, since its key is kept outside")
    path = Path(url.database).with_suffix(".key")
    try:
        return _read_or_make(path)
    except OSError as error:
        raise JobError(f"{path}: the ledger's key cannot be read or made ({error.strerror})") from None


def find_key(url: URL, environment: Mapping[str, str]) -> bytes | None:
    """Take the key where there is one; makes none."""
    if key := environment.get("ROLLCALL_KEY"):
        return key.encode()
    path = Path(str(url.database)).with_suffix(".key")
    return path.read_bytes().strip() if url.get_backend_name() == "sqlite" and path.exists() else None


def _read_or_make(path: Path) -> bytes:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = path.read_bytes().strip()
        if not key:
            raise JobError(
                f"{path}: the ledger's key file is empty; restore it, or remove it and use --rekey"
            ) from None
        return key
    with os.fdopen(handle, "wb") as file:
        key = secrets.token_hex(32).encode()
        file.write(key + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def check_value(key: bytes) -> str:
    """Make the value by which a ledger knows its key again."""
    return hmac.digest(key, b"rollcall: this is the ledger's key", "sha256").hex()
