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


def close_dead_runs(connection: Connection, job: str, now: str, partition: tuple[int, int] | None = None) -> int | None:
    """Close the runs that ended without a word, with what they had confirmed; gives the last that was no partition.

    With `partition` (the migration's run and the number) just the runs of that partition, and gives the last of them.
    """
    columns = tables.runs.c
    running = select(columns.run, columns.migration).where(columns.job == job, columns.status == "running")
    if partition is not None:
        running = running.where(columns.migration == partition[0], columns.partition == partition[1])
    # A migration after its partitions: its counts are theirs.
    dead = connection.execute(running.order_by(columns.migration.is_(None), columns.run)).all()
    for run, _ in dead:
        figures = {**asdict(run_counts(connection, run)), "unfinished": unfinished_pages(connection, run)}
        connection.execute(
            update(tables.runs)
            .where(tables.runs.c.run == run)
            .values(status="interrupted", message=_WITHOUT_A_WORD, ended_at=now, **figures)
        )
    wanted = [run for run, migration in dead if partition is not None or migration is None]
    return wanted[-1] if wanted else None


def is_stalled(connection: Connection, job: str, partition: int | None = None) -> bool:
    """Say whether the last three runs of a job ended without a word, the latter two without sending a page's worth.

    With `partition`, the last three runs of any migration's partition of this number.
    """
    columns = tables.runs.c
    of_this = columns.partition.is_(None) if partition is None else columns.partition == partition
    query = select(columns.run, columns.message).where(columns.job == job, of_this)
    latest = connection.execute(query.order_by(columns.run.desc()).limit(_DEAD_RUNS)).all()
    if len(latest) < _DEAD_RUNS or any(row.message != _WITHOUT_A_WORD for row in latest):
        return False
    done = connection.execute(
        text(
            "SELECT count(*) FROM lines JOIN pages ON pages.run = lines.run AND pages.page = lines.page"
            " JOIN runs ON runs.run = lines.run"
            " WHERE (runs.run IN (:last, :before) OR runs.migration IN (:last, :before))"
            " AND lines.outcome IN ('created', 'updated') AND pages.confirmed_at IS NOT NULL"
        ),
        {"last": latest[0].run, "before": latest[1].run},
    )
    return int(done.scalar_one()) == 0


def open_run(connection: Connection, now: str, **values: object) -> int:
    """Write a run that is under way, and give its number."""
    opening = insert(tables.runs).values(status="running", started_at=now, **values)
    return int(connection.execute(opening.returning(tables.runs.c.run)).scalar_one())


def void_unanswered(connection: Connection, scope: int, partition: tuple[int, int] | None = None) -> frozenset[str]:
    """Forget the hashes of customers whose last request has no recorded answer, and give their references.

    What other runs have under way is theirs. With `partition` (the migration's run and the number) just what the
    partition's own attempts left is forgotten: the others write their customers at this very time.
    """
    left = "FROM intents JOIN runs ON runs.run = intents.run WHERE intents.scope = :scope AND runs.status <> 'running'"
    values: dict[str, int] = {"scope": scope}
    unanswered = connection.execute(text(f"SELECT intents.reference {left}"), values)
    references = frozenset(unanswered.scalars())
    if partition is not None:
        left += " AND runs.migration = :migration AND runs.partition = :number"
        values |= dict(zip(("migration", "number"), partition, strict=True))
    for table, column, hashed in (
        ("customers", "source_key", "record_hash"),
        ("crosswalk", "reference", "row_hash"),
    ):
        statement = (
            f"UPDATE {table} SET {hashed} = NULL WHERE scope = :scope"  # noqa: S608 - our own names
            f" AND {column} IN (SELECT intents.{column} {left})"
        )
        connection.execute(text(statement), values)
    return references
