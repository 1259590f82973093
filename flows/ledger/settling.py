"""Writes what became of records: their lines, the customers, the crosswalk and the rejects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select, update

from flows.ledger import tables
from flows.ledger.bulk import among, delete_rows, write_rows
from flows.ledger.record import DONE, OpenReject, Place, Run, Settlement, moment_text

_FIRST_PAUSE = timedelta(minutes=5)
_LONGEST_PAUSE = timedelta(hours=24)


def settle(connection: Connection, run: Run, page: int, settlements: Sequence[Settlement], at: datetime) -> None:
    """Write the lines, the customers, the crosswalk and the rejects of some records, within a transaction."""
    if not settlements:
        return
    now = moment_text(at)
    decided = [item for item in settlements if item.outcome not in ("unchanged", "filtered")]
    write_rows(connection, tables.lines, [_line(run, page, item, now) for item in decided])
    kept = [item for item in settlements if item.outcome != "filtered"]
    left_out = [item.source_key for item in settlements if item.outcome == "filtered"]
    if left_out:  # who waited for a parent, and is filtered now, waits no longer
        customers = tables.customers.c
        connection.execute(
            delete(tables.customers)
            .where(customers.scope == run.scope, customers.outcome == "deferred")
            .where(among(connection, customers.source_key, left_out))
        )
    write_rows(connection, tables.customers, [_customer(run, item) for item in kept])
    held = [item for item in settlements if item.outcome in DONE]
    write_rows(connection, tables.crosswalk, [_crossing(run, item) for item in held])
    _settle_rejects(connection, run, settlements, at)


def _settle_rejects(connection: Connection, run: Run, settlements: Sequence[Settlement], at: datetime) -> None:
    failed = [item for item in settlements if item.outcome in ("invalid", "rejected")]
    passed = [item.source_key for item in settlements if item.closes_reject]
    if passed:
        connection.execute(
            update(tables.rejects)
            .where(
                tables.rejects.c.scope == run.scope,
                among(connection, tables.rejects.c.source_key, passed),
                tables.rejects.c.closed_at.is_(None),
            )
            .values(closed_at=moment_text(at), closed_run=run.number)
        )
    if not failed:
        return
    unsure = [
        str(item.reference) for item in failed if any(f.code in ("unconfirmed", "server_error") for f in item.findings)
    ]
    if unsure:  # it may have been applied: what the target holds is no longer known
        connection.execute(
            update(tables.crosswalk)
            .where(tables.crosswalk.c.scope == run.scope, among(connection, tables.crosswalk.c.reference, unsure))
            .values(row_hash=None)
        )
    before = open_rejects(connection, run.scope, [item.source_key for item in failed])
    rejects = [_reject(run, item, before.get(item.source_key), at) for item in failed]
    write_rows(connection, tables.rejects, rejects)
    fresh = [item for item in failed if not item.again]
    if fresh:
        keys = among(connection, tables.findings.c.source_key, [item.source_key for item in fresh])
        connection.execute(delete(tables.findings).where(tables.findings.c.scope == run.scope, keys))
        write_rows(connection, tables.findings, list(_findings(run, fresh)))


def forget_outdated(connection: Connection, places: Sequence[Place]) -> None:
    """Count records as unchanged that were decided about, and are older than another version."""
    delete_rows(connection, tables.lines, [(place.run, place.page, place.position) for place in places])
    for (run, page), count in Counter((place.run, place.page) for place in places).items():
        connection.execute(
            update(tables.pages)
            .where(tables.pages.c.run == run, tables.pages.c.page == page)
            .values(unchanged=tables.pages.c.unchanged + count)
        )


def close_left(connection: Connection, run: Run, keys: Sequence[str], at: datetime) -> int:
    """Close the open rejects of these source keys and forget who waited, but for those that this run has met."""
    rejects, customers = tables.rejects.c, tables.customers.c
    closed = connection.execute(
        update(tables.rejects)
        .where(rejects.scope == run.scope, rejects.closed_at.is_(None), rejects.run < run.number)
        .where(among(connection, rejects.source_key, keys))
        .values(closed_at=moment_text(at), closed_run=run.number)
    )
    connection.execute(
        delete(tables.customers)
        .where(customers.scope == run.scope, customers.outcome == "deferred", customers.run < run.number)
        .where(among(connection, customers.source_key, keys))
    )
    return closed.rowcount


# Whole rows, in the order of the tables' columns.


def _reject(run: Run, item: Settlement, before: OpenReject | None, at: datetime) -> tuple[Any, ...]:
    tries = (before.tries if before else 0) + (0 if item.again else 1)
    pause = min(_FIRST_PAUSE * 2 ** min(tries - 1, 12), _LONGEST_PAUSE)
    due_at = before.due_at if before and item.again else moment_text(at + pause)
    opened_at = before.opened_at if before else moment_text(at)
    return (
        *(run.scope, item.source_key, item.reference, item.line, run.number, item.stage, item.outcome, item.code),
        *(item.http_status, item.record_hash, run.fingerprint, tries, due_at, opened_at, None, None, item.file),
    )


def _line(run: Run, page: int, item: Settlement, now: str) -> tuple[Any, ...]:
    return (
        *(run.number, page, item.position, item.source_key, item.reference, item.outcome),
        *(item.code, item.http_status, item.tries, now),
    )


def _customer(run: Run, item: Settlement) -> tuple[Any, ...]:
    record_hash = item.record_hash if item.outcome in DONE else None
    return (
        *(run.scope, item.source_key, item.reference, record_hash, run.fingerprint),
        *(item.version, item.outcome, run.number),
    )


def _crossing(run: Run, item: Settlement) -> tuple[Any, ...]:
    return (run.scope, item.reference, item.target_id, item.row_hash, item.source_key, run.number)


def _findings(run: Run, failed: Iterable[Settlement]) -> Iterator[tuple[Any, ...]]:
    for item in failed:
        for number, finding in enumerate(item.findings):
            yield run.scope, item.source_key, number, finding.code, finding.field, finding.description


def open_rejects(connection: Connection, scope: int, keys: Sequence[str]) -> dict[str, OpenReject]:
    """Recall the open rejects of these source keys."""
    columns = tables.rejects.c
    query = select(
        columns.source_key,
        columns.outcome,
        columns.code,
        columns.http_status,
        columns.record_hash,
        columns.fingerprint,
        columns.tries,
        columns.due_at,
        columns.opened_at,
    ).where(columns.scope == scope, among(connection, columns.source_key, keys), columns.closed_at.is_(None))
    return {row[0]: OpenReject._make(row[1:]) for row in connection.execute(query)}
