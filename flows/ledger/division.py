"""Keeps how a migration is divided into partitions: their key ranges, their runs, and how far each of them is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from sqlalchemy import Connection, delete, func, select, update

from connectors.protocol import KeyRange
from flows.ledger import tables
from flows.ledger.bulk import write_rows
from flows.ledger.count import new_pages
from flows.ledger.ledger import Ledger
from flows.ledger.record import Counts, Run, Status, moment_text
from flows.ledger.takeover import close_dead_runs, is_stalled, open_run, void_unanswered

_MARK = "partition "  # begins the place of a partition's watermark; that of a filter begins with a brace


class Stop(IntEnum):
    """How the partitions of a migration are to end: not at all, with what is in flight settled, or at once."""

    NO = 0
    SETTLED = 1
    AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Partition:
    """A key range of the source that is migrated by itself; `number` counts from 1."""

    number: int
    keys: KeyRange
    done: bool = False

    def place(self, source: str, filter_name: str) -> tuple[str, str]:
        """Name the partition's own watermark: how far it has been read and fully accounted for."""
        # A digest, because no index holds the longest keys.
        keys = hashlib.sha256(repr((self.keys.after, self.keys.until)).encode()).hexdigest()[:32]
        return source, f"{_MARK}{self.number} {keys} of {filter_name}"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a partition ended, and what it took."""

    status: Status
    message: str | None
    requests: int = 0
    retries: int = 0


class Division:
    """A migration's partitions, in the ledger of its job; every writing method is one transaction."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def partitions(self, run: Run, source: str) -> list[Partition]:
        """List the partitions of a migration of this source, under this mapping, that is not at its end."""
        with self._ledger.reading() as connection:
            return _partitions(connection, run, source)

    def divide(self, run: Run, source: str, ranges: Sequence[KeyRange]) -> list[Partition]:
        """Divide a migration that begins anew, and forget where an earlier one stood."""
        found = [Partition(number, keys) for number, keys in enumerate(ranges, 1)]
        rows = [
            (run.scope, each.number, source, run.fingerprint, each.keys.after, each.keys.until, 0) for each in found
        ]
        with self._ledger.writing() as connection:
            _forget(connection, run.scope)
            write_rows(connection, tables.partitions, rows)
        return found

    def begin_again(self, run: Run) -> None:
        """Let a migration that goes on read each partition from its first record; who has which reference stays."""
        columns = tables.partitions.c
        with self._ledger.writing() as connection:
            connection.execute(update(tables.partitions).where(columns.scope == run.scope).values(done=0))
            _forget_marks(connection, run.scope)

    def begin(self, job: str, migration: Run, number: int) -> Run:
        """Open the run of a partition; takes over from an attempt at it that did not end."""
        now = self._now()
        with self._ledger.writing() as connection:
            resumes = close_dead_runs(connection, job, now, (migration.number, number))
            wary = is_stalled(connection, job, number)
            unanswered = void_unanswered(connection, migration.scope, (migration.number, number))
            source = select(tables.runs.c.source).where(tables.runs.c.run == migration.number)
            made = open_run(
                connection,
                now,
                scope=migration.scope,
                job=job,
                source=connection.execute(source).scalar_one(),
                fingerprint=migration.fingerprint,
                kind="migrate",
                migration=migration.number,
                partition=number,
                resumes_run_id=resumes,
            )
        return Run(
            made,
            job,
            migration.scope,
            migration.fingerprint,
            resumes,
            fresh=False,
            unanswered=unanswered,
            wary=wary,
            partition=number,
        )

    def find(self, migration: int) -> Run:
        """Recall the run of a migration by its number."""
        columns = tables.runs.c
        query = select(columns.job, columns.scope, columns.fingerprint, columns.resumes_run_id)
        with self._ledger.reading() as connection:
            row = connection.execute(query.where(columns.run == migration)).one()
        return Run(migration, row.job, row.scope, row.fingerprint, row.resumes_run_id, fresh=False)

    def target(self, run: Run) -> str:
        """Name the target that a run writes to."""
        query = select(tables.scopes.c.target).where(tables.scopes.c.scope == run.scope)
        with self._ledger.reading() as connection:
            return str(connection.execute(query).scalar_one())

    def has_failed(self, migration: int) -> bool:
        """Say whether no further partition is to begin: one has failed, or was stopped by a guard."""
        columns = tables.runs.c
        failed = select(columns.run).where(columns.migration == migration, columns.status.in_(("failed", "stopped")))
        with self._ledger.reading() as connection:
            return connection.execute(failed.limit(1)).first() is not None

    def ask_to_stop(self, migration: int, *, how: Stop = Stop.SETTLED) -> None:
        """Let every partition of a migration end, wherever it runs."""
        with self._ledger.writing() as connection:
            connection.execute(update(tables.runs).where(tables.runs.c.run == migration).values(stop_asked=int(how)))

    def stop_asked(self, migration: int) -> Stop:
        """Say whether, and how, a migration was asked to stop."""
        with self._ledger.reading() as connection:
            query = select(tables.runs.c.stop_asked).where(tables.runs.c.run == migration)
            return Stop(connection.execute(query).scalar_one())

    def outcomes(self, migration: int) -> dict[int, Ending]:
        """Tell how each partition's last attempt ended, with the requests of all of them."""
        columns = tables.runs.c
        query = select(columns.partition, columns.status, columns.message, columns.requests, columns.retries)
        found: dict[int, Ending] = {}
        with self._ledger.reading() as connection:
            for row in connection.execute(query.where(columns.migration == migration).order_by(columns.run)):
                before = found.get(row.partition, Ending("running", None))
                asked, again = before.requests + row.requests, before.retries + row.retries
                found[row.partition] = Ending(row.status, row.message, asked, again)
        return found

    def pages(self, migration: int) -> int:
        """Count the pages that partitions have confirmed."""
        ours = select(tables.runs.c.run).where(tables.runs.c.migration == migration)
        pages = tables.pages.c
        query = select(func.count()).where(pages.run.in_(ours), pages.confirmed_at.is_not(None))
        with self._ledger.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def progress(self, migration: int, known: dict[tuple[int, int], Counts]) -> Counts:
        """Add up what partitions have confirmed so far; `known` keeps the pages that were looked at, by run and page.

        A page's outcomes are looked at once: who waits for a parent is settled after the partitions alone.
        """
        with self._ledger.reading() as connection:
            known |= new_pages(connection, migration, known)
        return sum(known.values(), Counts())

    def finish(self, run: Run) -> None:
        """Note that a partition was read to its end, and that each of its pages is confirmed."""
        columns = tables.partitions.c
        with self._ledger.writing() as connection:
            ended = update(tables.partitions).where(columns.scope == run.scope, columns.number == run.partition)
            connection.execute(ended.values(done=1))

    def clear(self, run: Run) -> None:
        """Forget the partitions of a migration that has come to its end: another one reads everything again."""
        with self._ledger.writing() as connection:
            _forget(connection, run.scope)

    def _now(self) -> str:
        return moment_text(self._ledger.clock())


def _partitions(connection: Connection, run: Run, source: str) -> list[Partition]:
    columns = tables.partitions.c
    query = select(tables.partitions).where(
        columns.scope == run.scope, columns.source == source, columns.fingerprint == run.fingerprint
    )
    return [
        Partition(row.number, KeyRange(row.after_key, row.until_key), bool(row.done))
        for row in connection.execute(query.order_by(columns.number))
    ]


def _forget(connection: Connection, scope: int) -> None:
    for table in (tables.partitions, tables.claims, tables.shares):
        connection.execute(delete(table).where(table.c.scope == scope))
    _forget_marks(connection, scope)


def _forget_marks(connection: Connection, scope: int) -> None:
    marks = tables.watermarks.c
    connection.execute(delete(tables.watermarks).where(marks.scope == scope, marks.filter.startswith(_MARK)))
