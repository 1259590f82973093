"""Keeps how far a source has been read and accounted for, under a seal: a bit that flipped would pass customers by."""

from __future__ import annotations

import hmac

from sqlalchemy import Connection, select

from flows.ledger import tables
from flows.ledger.bulk import delete_rows, write_rows
from flows.ledger.record import Run, Watermark


class DamagedWatermarkError(Exception):
    """The watermark is not as it was written."""


def move(connection: Connection, key: bytes, run: Run, place: tuple[str, str], cursor: str) -> None:
    """Write the watermark of a source and a filter."""
    sealed = _seal(key, run.scope, *place, cursor, run.fingerprint)
    write_rows(connection, tables.watermarks, [(run.scope, *place, cursor, run.fingerprint, run.number, sealed)])


def forget(connection: Connection, run: Run, place: tuple[str, str]) -> None:
    """Take the watermark of a source and a filter away: the next run reads everything."""
    delete_rows(connection, tables.watermarks, [(run.scope, *place)])


def recall(connection: Connection, key: bytes, scope: int, place: tuple[str, str]) -> Watermark | None:
    """Find the watermark of a source and a filter; raises DamagedWatermarkError."""
    columns = tables.watermarks.c
    source, filtered = place
    query = select(columns.cursor, columns.fingerprint, columns.seal).where(
        columns.scope == scope, columns.source == source, columns.filter == filtered
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if not hmac.compare_digest(_seal(key, scope, *place, row.cursor, row.fingerprint), row.seal or ""):
        raise DamagedWatermarkError
    return Watermark(row.cursor, row.fingerprint)


def _seal(key: bytes, *parts: object) -> str:
    text = "\0".join(map(str, parts))
    return hmac.digest(key, text.encode(), "sha256").hex()[:32]
