"""Finds what the ledger knows of records, references and intents, in the caller's transaction; writes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, and_, select

from flows.ledger import tables
from flows.ledger.bulk import among
from flows.ledger.record import Crossing, Intent, Remembered, Run


def remembered(connection: Connection, scope: int, keys: Sequence[str]) -> dict[str, Remembered]:
    """Find the records with these source keys."""
    columns, crossing = tables.customers.c, tables.crosswalk.c
    customers = tables.customers.outerjoin(
        tables.crosswalk, and_(crossing.scope == columns.scope, crossing.reference == columns.reference)
    )
    query = select(
        columns.source_key,
        columns.reference,
        columns.record_hash,
        columns.fingerprint,
        columns.version,
        columns.outcome,
        and_(crossing.source_key == columns.source_key, crossing.row_hash.is_not(None)),
    ).select_from(customers)
    found = connection.execute(query.where(columns.scope == scope, among(connection, columns.source_key, keys)))
    return {row[0]: Remembered._make(row[1:]) for row in found.all()}


def crossings(connection: Connection, scope: int, references: Sequence[str]) -> dict[str, Crossing]:
    """Find what the target holds under these references."""
    columns = tables.crosswalk.c
    query = select(columns.reference, columns.target_id, columns.row_hash, columns.source_key)
    found = connection.execute(query.where(columns.scope == scope, among(connection, columns.reference, references)))
    return {row[0]: Crossing._make(row[1:]) for row in found.all()}


def due_keys(connection: Connection, scope: int, now: str) -> list[str]:
    """List the source keys of due rejects and of all deferred customers."""
    rejects, customers = tables.rejects.c, tables.customers.c
    due = select(rejects.source_key).where(rejects.scope == scope, rejects.closed_at.is_(None), rejects.due_at <= now)
    waiting = select(customers.source_key).where(customers.scope == scope, customers.outcome == "deferred")
    return sorted({*connection.execute(due).scalars(), *connection.execute(waiting).scalars()})


def keys_of(connection: Connection, scope: int, reference: str) -> list[str]:
    """List the source keys under which a reference was last met, whatever became of it."""
    found: set[str] = set()
    for table in (tables.customers, tables.crosswalk, tables.rejects):
        query = select(table.c.source_key).where(table.c.scope == scope, table.c.reference == reference)
        found.update(connection.execute(query).scalars())
    return sorted(found)


def unanswered(connection: Connection, run: Run) -> list[Intent]:
    """List the intents of earlier runs that nothing in this run has answered."""
    columns = tables.intents.c
    query = select(columns.reference, columns.source_key, columns.run).where(
        columns.scope == run.scope, columns.run < run.number
    )
    return [Intent(*row) for row in connection.execute(query)]
