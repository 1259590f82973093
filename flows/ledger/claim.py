"""Keeps which record has which reference in a migration: one record alone has it, whichever partition reads it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, select

from flows.ledger import tables
from flows.ledger.bulk import add_rows, among, storable
from flows.ledger.ledger import Ledger


def claim(ledger: Ledger, scope: int, wanted: Mapping[str, str]) -> dict[str, str]:
    """Claim references for the records with these source keys; gives the source key that has each of them now."""
    if not wanted:
        return {}
    columns = tables.claims.c
    with ledger.writing() as connection:
        add_rows(connection, tables.claims, [(scope, reference, key) for reference, key in wanted.items()])
        query = select(columns.reference, columns.source_key).where(
            columns.scope == scope, among(connection, columns.reference, list(wanted))
        )
        holders = {row.reference: row.source_key for row in connection.execute(query)}
    return {
        reference: key if storable(key) == holder else holder
        for reference, key in wanted.items()
        for holder in (holders[storable(reference)],)
    }


def disclaim(ledger: Ledger, scope: int, holders: Mapping[str, str]) -> None:
    """Let references go that records have still, by their source keys as `claim` named them."""
    columns = tables.claims.c
    with ledger.writing() as connection:
        for reference, key in holders.items():
            of_it = (columns.scope == scope, columns.reference == storable(reference))
            connection.execute(delete(tables.claims).where(*of_it, columns.source_key == key))
