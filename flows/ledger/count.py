"""Adds up what became of a run's records, from the ledger's lines and not from memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, get_args

from sqlalchemy import Connection, and_, func, select, text, true

from flows.ledger import tables
from flows.ledger.record import Counts, Outcome

_OUTCOMES = frozenset(get_args(Outcome))


def page_counts(connection: Connection, run: int, page: int) -> Counts:
    """Count the outcomes of one page."""
    row = connection.execute(
        select(tables.pages.c.extracted, tables.pages.c.unchanged, tables.pages.c.filtered).where(
            tables.pages.c.run == run, tables.pages.c.page == page
        )
    ).one()
    counts = Counts(extracted=row.extracted, unchanged=row.unchanged, filtered=row.filtered)
    outcomes = connection.execute(
        text("SELECT outcome, count(*) AS number FROM lines WHERE run = :run AND page = :page GROUP BY outcome"),
        {"run": run, "page": page},
    )
    return _with_lines(counts, outcomes)


def run_counts(connection: Connection, run: int, first_page: int | None = None) -> Counts:
    """Count the outcomes of a run's confirmed pages; a migration's are those of its partitions as well.

    With `first_page` those from this page on: 1 leaves out customers that were tried again by their keys.
    """
    read_again = _read_again(connection, run)
    parts = (_counts(connection, each, first_page, read_again.get(each)) for each in family(connection, run))
    return sum(parts, Counts())


def _read_again(connection: Connection, migration: int) -> dict[int, int]:
    """Tell of earlier attempts at partitions the page up to which they count: a later attempt read what came then.

    It began behind the last page that had a place to go on from, or at the first record where none had.
    """
    columns, pages = tables.runs.c, tables.pages.c
    query = select(columns.partition, columns.run).where(columns.migration == migration).order_by(columns.run)
    attempts = connection.execute(query).all()
    last = {row.partition: row.run for row in attempts}
    place = select(func.max(pages.page)).where(pages.confirmed_at.is_not(None), pages.cursor != "")
    return {
        row.run: connection.execute(place.where(pages.run == row.run)).scalar_one() or 0
        for row in attempts
        if row.run != last[row.partition]
    }


def new_pages(connection: Connection, run: int, known: Collection[tuple[int, int]]) -> dict[tuple[int, int], Counts]:
    """Count the outcomes of confirmed pages of a migration's partitions that are not known yet, by run and page."""
    pages = tables.pages.c
    partitions = select(tables.runs.c.run).where(tables.runs.c.migration == run)
    query = select(pages.run, pages.page).where(pages.run.in_(partitions), pages.confirmed_at.is_not(None))
    found = [(row.run, row.page) for row in connection.execute(query)]
    return {place: page_counts(connection, *place) for place in found if place not in known}


def family(connection: Connection, run: int) -> list[int]:
    """List a run and, where it is a migration, the runs of its partitions."""
    columns = tables.runs.c
    return [
        run,
        *connection.execute(select(columns.run).where(columns.migration == run).order_by(columns.run)).scalars(),
    ]


def _counts(connection: Connection, run: int, first_page: int | None = None, last_page: int | None = None) -> Counts:
    pages, lines = tables.pages.c, tables.lines.c
    ours = and_(
        pages.run == run,
        pages.confirmed_at.is_not(None),
        true() if first_page is None else pages.page >= first_page,
        true() if last_page is None else pages.page <= last_page,
    )
    sums = (func.coalesce(func.sum(column), 0) for column in (pages.extracted, pages.unchanged, pages.filtered))
    row = connection.execute(select(*sums).where(ours)).one()
    counts = Counts(extracted=int(row[0]), unchanged=int(row[1]), filtered=int(row[2]))
    outcomes = (
        select(lines.outcome, func.count().label("number"))
        .where(lines.run == run, lines.page.in_(select(pages.page).where(ours)))
        .group_by(lines.outcome)
    )
    return _with_lines(counts, connection.execute(outcomes))


def unfinished_pages(connection: Connection, run: int) -> int:
    """Count the pages that a run began and did not confirm; of a migration's partition those of its last attempt."""
    columns = tables.runs.c
    attempts = select(columns.partition, columns.run).where(columns.migration == run).order_by(columns.run)
    last = {row.partition: row.run for row in connection.execute(attempts)}
    pages = tables.pages.c
    query = select(func.count()).where(pages.run.in_([run, *last.values()]), pages.confirmed_at.is_(None))
    return int(connection.execute(query).scalar_one())


def _with_lines(counts: Counts, outcomes: Iterable[Any]) -> Counts:
    for row in outcomes:
        if row.outcome not in _OUTCOMES:  # a damaged line is not counted, and so breaks the law
            continue
        setattr(counts, row.outcome, getattr(counts, row.outcome) + row.number)
    return counts
