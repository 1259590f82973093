"""What runs found at a source besides its records: which columns it has, and how many records a whole reading met."""

from __future__ import annotations

import json
from collections.abc import Collection

from sqlalchemy import Connection, select, update

from flows.ledger import tables
from flows.ledger.bulk import write_rows
from flows.ledger.record import Run


def note_columns(connection: Connection, run: Run, source: str, columns: Collection[str]) -> tuple[str, ...] | None:
    """Note the columns that a source has now, and give those that it had when it was last looked at."""
    at = tables.sources.c
    query = select(at.columns).where(at.scope == run.scope, at.source == source)
    before = connection.execute(query).scalar_one_or_none()
    write_rows(connection, tables.sources, [(run.scope, source, json.dumps(list(columns), ensure_ascii=False))])
    return None if before is None else tuple(json.loads(before))


def last_whole(connection: Connection, run: Run) -> int | None:
    """Tell how many records the last run extracted that read this source whole; None where none did."""
    at = tables.runs.c
    ours = select(at.source).where(at.run == run.number).scalar_subquery()
    query = select(at.extracted).where(at.scope == run.scope, at.source == ours, at.whole == 1, at.run < run.number)
    return connection.execute(query.order_by(at.run.desc()).limit(1)).scalar_one_or_none()


def note_whole(connection: Connection, run: Run) -> None:
    """Note that a run met every record of its source."""
    connection.execute(update(tables.runs).where(tables.runs.c.run == run.number).values(whole=1))
