"""Keeps which part of the requests that a target allows at once each partition of a migration has."""

from __future__ import annotations

from sqlalchemy import select

from flows.ledger import tables
from flows.ledger.bulk import delete_rows, write_rows
from flows.ledger.lease import ledger_moment
from flows.ledger.ledger import Ledger
from flows.ledger.record import moment_text


def take_share(ledger: Ledger, scope: int, lease: str, total: int, in_flight: int) -> int:
    """Take an equal part of the requests that may be in flight, as far as the other partitions leave it.

    What is in flight stays this partition's, though its part is smaller by now; 0 where nothing is left.
    """
    columns = tables.shares.c
    with ledger.writing() as connection:
        connection.execute(select(tables.scopes).where(tables.scopes.c.scope == scope).with_for_update())
        now = moment_text(ledger_moment(connection, ledger.clock))
        query = select(columns.requests).join(tables.leases, tables.leases.c.job == columns.lease)
        alive = query.where(columns.scope == scope, columns.lease != lease, tables.leases.c.expires_at > now)
        others = connection.execute(alive).scalars().all()
        equal = -(-total // (len(others) + 1))
        part = max(0, min(equal, total - sum(others)))
        write_rows(connection, tables.shares, [(scope, lease, max(part, in_flight))])
    return int(part)


def give_back_share(ledger: Ledger, scope: int, lease: str) -> None:
    """Leave a partition's share to the others."""
    with ledger.writing() as connection:
        delete_rows(connection, tables.shares, [(scope, lease)])
