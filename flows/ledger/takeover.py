"""Begins where an earlier run left off: its scope, the runs that died, and what they left without an answer."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection, insert, select, text, update

from flows.ledger import tables
from flows.ledger.count import run_counts, unfinished_pages

_WITHOUT_A_WORD = "ended without a word"
_DEAD_RUNS = 3


def find_scope(connection: Connection, job: str, target: str) -> tuple[int, bool]:
    """Find, or make, what customer state belongs to; tells whether it is new."""
    columns = tables.scopes.c
    found = connection.execute(
        select(columns.scope).where(columns.job == job, columns.target == target)
    ).scalar_one_or_none()
    if found is not None:
        return found, False
    made = insert(tables.scopes).values(job=job, target=target).returning(columns.scope)
    return connection.execute(made).scalar_one(), True


def close_dead_runs(connection: Connection, job: str, now: str) -> int | None:
    """Close the runs that ended without a word, with what they had confirmed; gives the last of them."""
    running = select(tables.runs.c.run).where(tables.runs.c.job == job, tables.runs.c.status == "running")
    dead = connection.execute(running.order_by(tables.runs.c.run)).scalars().all()
    for run in dead:
        figures = {**asdict(run_counts(connection, run)), "unfinished": unfinished_pages(connection, run)}
        connection.execute(
            update(tables.runs)
            .where(tables.runs.c.run == run)
            .values(status="interrupted", message=_WITHOUT_A_WORD, ended_at=now, **figures)
        )
    return dead[-1] if dead else None


def is_stalled(connection: Connection, job: str) -> bool:
    """Say whether the last three runs of a job ended without a word, the latter two without sending a page's worth."""
    columns = tables.runs.c
    latest = connection.execute(
        select(columns.run, columns.message).where(columns.job == job).order_by(columns.run.desc()).limit(_DEAD_RUNS)
    ).all()
    if len(latest) < _DEAD_RUNS or any(row.message != _WITHOUT_A_WORD for row in latest):
        return False
    done = connection.execute(
        text(
            "SELECT count(*) FROM lines JOIN pages ON pages.run = lines.run AND pages.page = lines.page"
            " WHERE lines.run IN (:last, :before) AND lines.outcome IN ('created', 'updated')"
            " AND pages.confirmed_at IS NOT NULL"
        ),
        {"last": latest[0].run, "before": latest[1].run},
    )
    return int(done.scalar_one()) == 0


def void_unanswered(connection: Connection, scope: int) -> frozenset[str]:
    """Forget the hashes of customers whose last request has no recorded answer, and give their references."""
    waiting = select(tables.intents.c.reference).where(tables.intents.c.scope == scope)
    unanswered = frozenset(connection.execute(waiting).scalars())
    connection.execute(
        text(
            "UPDATE customers SET record_hash = NULL WHERE scope = :scope"
            " AND source_key IN (SELECT source_key FROM intents WHERE scope = :scope)"
        ),
        {"scope": scope},
    )
    connection.execute(
        text(
            "UPDATE crosswalk SET row_hash = NULL WHERE scope = :scope"
            " AND reference IN (SELECT reference FROM intents WHERE scope = :scope)"
        ),
        {"scope": scope},
    )
    return unanswered
