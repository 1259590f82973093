"""Keeps what a migration's comparison of source and target found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select, update

from flows.ledger import tables
from flows.ledger.bulk import among, write_rows
from flows.ledger.knowledge import Knowledge
from flows.ledger.ledger import Ledger
from flows.ledger.record import Run

DifferenceKind = Literal["missing", "differing", "ambiguous", "unanswered"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A customer whom the target shows otherwise than the source: which fields differ, by their names."""

    reference: str
    kind: DifferenceKind
    fields: tuple[str, ...] = ()


def note_differences(ledger: Ledger, migration: Run, found: Sequence[Difference]) -> None:
    """Keep what a comparison found; what the target was last known to hold of these customers is void."""
    rows = [(migration.number, each.reference, each.kind, ", ".join(each.fields)) for each in found]
    disproved = [each.reference for each in found if each.kind in ("missing", "differing")]
    crossings, customers = tables.crosswalk.c, tables.customers.c
    with ledger.writing() as connection:
        write_rows(connection, tables.differences, rows)
        for table, columns, value in (
            (tables.crosswalk, crossings, {"row_hash": None}),
            (tables.customers, customers, {"record_hash": None}),
        ):
            theirs = among(connection, columns.reference, disproved)
            connection.execute(update(table).where(columns.scope == migration.scope, theirs).values(**value))
        gone = [each.reference for each in found if each.kind == "missing"]
        theirs = among(connection, crossings.reference, gone)
        nowhere = update(tables.crosswalk).where(crossings.scope == migration.scope, theirs)
        connection.execute(nowhere.values(target_id=None))


def differences_of(ledger: Knowledge, migration: int) -> list[Difference]:
    """List what a migration's comparison found, by reference."""
    columns = tables.differences.c
    query = select(columns.reference, columns.kind, columns.fields).where(columns.run == migration)
    with ledger.reading() as connection:
        return [
            Difference(row.reference, row.kind, tuple(filter(None, row.fields.split(", "))))
            for row in connection.execute(query.order_by(columns.reference))
        ]
