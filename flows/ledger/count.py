"""Adds up what became of a run's records, from the ledger's lines and not from memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from sqlalchemy import Connection, select, text

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


def run_counts(connection: Connection, run: int) -> Counts:
    """Count the outcomes of a run's confirmed pages."""
    row = connection.execute(
        text(
            "SELECT coalesce(sum(extracted), 0), coalesce(sum(unchanged), 0), coalesce(sum(filtered), 0)"
            " FROM pages WHERE run = :run AND confirmed_at IS NOT NULL"
        ),
        {"run": run},
    ).one()
    counts = Counts(extracted=int(row[0]), unchanged=int(row[1]), filtered=int(row[2]))
    outcomes = connection.execute(
        text(
            "SELECT outcome, count(*) AS number FROM lines WHERE run = :run AND page IN"
            " (SELECT page FROM pages WHERE run = :run AND confirmed_at IS NOT NULL) GROUP BY outcome"
        ),
        {"run": run},
    )
    return _with_lines(counts, outcomes)


def unfinished_pages(connection: Connection, run: int) -> int:
    """Count the pages that a run began and did not confirm."""
    query = text("SELECT count(*) FROM pages WHERE run = :run AND confirmed_at IS NULL")
    return int(connection.execute(query, {"run": run}).scalar_one())


def _with_lines(counts: Counts, outcomes: Iterable[Any]) -> Counts:
    for row in outcomes:
        if row.outcome not in _OUTCOMES:  # a damaged line is not counted, and so breaks the law
            continue
        setattr(counts, row.outcome, getattr(counts, row.outcome) + row.number)
    return counts
