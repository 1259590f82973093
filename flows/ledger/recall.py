"""Finds what the ledger knows of records, references and intents, in the caller's transaction; writes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, and_, or_, select

from flows.ledger import tables
from flows.ledger.bulk import among
from flows.ledger.count import family
from flows.ledger.record import Crossing, Intent, Place, Remembered, Run


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
        columns.run,
    ).select_from(customers)
    found = connection.execute(query.where(columns.scope == scope, among(connection, columns.source_key, keys)))
    return {row[0]: Remembered._make(row[1:]) for row in found.all()}


def crossings(connection: Connection, scope: int, references: Sequence[str]) -> dict[str, Crossing]:
    """Find what the target holds under these references."""
    columns = tables.crosswalk.c
    query = select(columns.reference, columns.target_id, columns.row_hash, columns.source_key)
    found = connection.execute(query.where(columns.scope == scope, among(connection, columns.reference, references)))
    return {row[0]: Crossing._make(row[1:]) for row in found.all()}


def quarantined(connection: Connection, scope: int, code: str) -> dict[str, tuple[bytes | None, str | None]]:
    """Find the source keys of open rejects with this code, each with its record hash and mapping fingerprint."""
    columns = tables.rejects.c
    query = select(columns.source_key, columns.record_hash, columns.fingerprint).where(
        columns.scope == scope, columns.closed_at.is_(None), columns.code == code
    )
    return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def due_keys(connection: Connection, scope: int, now: str) -> list[str]:
    """List the source keys of due rejects, of all deferred customers, and of those whose answer is missing."""
    rejects, customers, intents = tables.rejects.c, tables.customers.c, tables.intents.c
    due = select(rejects.source_key).where(rejects.scope == scope, rejects.closed_at.is_(None), rejects.due_at <= now)
    waiting = select(customers.source_key).where(customers.scope == scope, customers.outcome == "deferred")
    unsure = select(intents.source_key).where(intents.scope == scope)
    return sorted({key for query in (due, waiting, unsure) for key in connection.execute(query).scalars()})


def owners(connection: Connection, scope: int, keys: Sequence[str]) -> list[str]:
    """List the other source keys that the references of these open rejects were last sent for."""
    rejects, crossing = tables.rejects.c, tables.crosswalk.c
    query = (
        select(crossing.source_key)
        .join(tables.rejects, and_(rejects.scope == crossing.scope, rejects.reference == crossing.reference))
        .where(crossing.scope == scope, rejects.closed_at.is_(None), rejects.source_key != crossing.source_key)
    )
    found = connection.execute(query.where(among(connection, rejects.source_key, keys))).scalars()
    return sorted(set(found))


def unmet(connection: Connection, run: Run) -> list[str]:
    """List the source keys of open rejects and of deferred customers that this run has not met."""
    rejects, customers = tables.rejects.c, tables.customers.c
    refused = select(rejects.source_key).where(
        rejects.scope == run.scope, rejects.closed_at.is_(None), rejects.run < run.number
    )
    waiting = select(customers.source_key).where(
        customers.scope == run.scope, customers.outcome == "deferred", customers.run < run.number
    )
    return sorted({key for query in (refused, waiting) for key in connection.execute(query).scalars()})


def deferred(connection: Connection, run: Run) -> tuple[dict[str, Place], list[Place]]:
    """Find where this run met the customers that it deferred, by their source keys.

    Gives as well the places of deferred records of which the run has met a newer version since.
    """
    lines, customers = tables.lines.c, tables.customers.c
    place = (lines.page, lines.position, lines.reference, lines.run)
    query = (
        select(lines.source_key, *place, customers.outcome, customers.run)
        .select_from(
            tables.lines.outerjoin(
                tables.customers, and_(customers.scope == run.scope, customers.source_key == lines.source_key)
            )
        )
        .where(lines.run.in_(family(connection, run.number)), lines.outcome == "deferred")
        .order_by(lines.run, lines.page, lines.position)
    )
    waiting: dict[str, Place] = {}
    outdated = []
    for key, *place_found, outcome, decided in connection.execute(query):
        found = Place(*place_found)
        if (outcome, decided) != ("deferred", found.run):
            outdated.append(found)
            continue
        if key in waiting:
            outdated.append(waiting[key])
        waiting[key] = found
    return waiting, outdated


def keys_of(connection: Connection, scope: int, reference: str) -> list[str]:
    """List the source keys under which a reference was last met: the one that it was sent for first."""
    found: dict[str, None] = {}
    for table in (tables.crosswalk, tables.customers, tables.rejects):
        query = select(table.c.source_key).where(table.c.scope == scope, table.c.reference == reference)
        found |= dict.fromkeys(sorted(connection.execute(query).scalars()))
    return list(found)


def unanswered(connection: Connection, run: Run) -> list[Intent]:
    """List the intents of earlier runs that nothing in this run has answered; of its partitions those that died."""
    columns = tables.intents.c
    left = or_(columns.run < run.number, columns.run.in_(family(connection, run.number)[1:]))
    query = select(columns.reference, columns.source_key, columns.run).where(columns.scope == run.scope, left)
    return [Intent(*row) for row in connection.execute(query)]
