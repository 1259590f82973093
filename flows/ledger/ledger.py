"""Writes what was decided and what was answered, in transactions that prove the lease; one writer thread."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict

from sqlalchemy import Connection, Engine, insert, text, update
from sqlalchemy.exc import DBAPIError

from flows.document import JobError
from flows.ledger import recall, survey, tables, watermark
from flows.ledger.acquisition import await_lease, take_lease
from flows.ledger.bulk import delete_rows, write_rows
from flows.ledger.count import page_counts, run_counts, unfinished_pages
from flows.ledger.damage import describe, refuse_damaged
from flows.ledger.engine import open_engine, parse_url, reading_from
from flows.ledger.key import find_key, known_key, new_key, settle_key
from flows.ledger.knowledge import Clock, Knowledge
from flows.ledger.lease import Fence, Lease
from flows.ledger.migration import migrate
from flows.ledger.record import (
    Counts,
    Intent,
    Kind,
    Opening,
    Place,
    Run,
    Settlement,
    Status,
)
from flows.ledger.settling import close_left, forget_outdated, settle
from flows.ledger.steady import STEADY, Steady
from flows.ledger.takeover import close_dead_runs, find_scope, is_stalled, open_run, void_unanswered
from flows.ledger.worker import give_back

_CONFIRMATION = text("UPDATE pages SET confirmed_at = :now WHERE run = :run AND page = :page")


class LawError(Exception):
    """Records went in that did not come out: the law of conservation is broken."""


class Ledger(Knowledge):
    """The database of one or more jobs. Every writing method is one transaction."""

    def __init__(self, engine: Engine, key: bytes, clock: Clock, steady: Steady = STEADY) -> None:
        super().__init__(engine, key, clock)
        self._steady = steady
        self._lease: Lease | None = None

    @classmethod
    def open(
        cls, state: str, environment: Mapping[str, str], clock: Clock, *, rekey: bool = False, steady: Steady = STEADY
    ) -> Ledger:
        """Open a ledger by its SQLAlchemy URL, bring its schema up to date and check its key.

        Raises JobError where it cannot be opened or written, is newer than this program, or knows another key.
        With `rekey` another key is taken over, and everything will be sent once more.
        """
        url = parse_url(state)
        engine = open_engine(url)
        try:
            with reading_from(engine) as connection:
                refuse_damaged(connection, url)
            with engine.begin() as connection:  # one at a time: of many that open a new ledger, one makes its key
                migrate(connection)
                key = find_key(url, environment) or new_key(url, known_key(connection), rekey=rekey)
                settle_key(connection, key, rekey=rekey)
        except DBAPIError as error:
            engine.dispose()
            raise JobError(describe(error, url, "used", f"the ledger {_shown(state)}")) from None
        except JobError:
            engine.dispose()
            raise
        return cls(engine, key, clock, steady)

    def close(self) -> None:
        """Give back the lease and close the database."""
        self.release_lease()
        self.engine.dispose()

    def take_lease(self, name: str, under: Fence | None = None) -> None:
        """Become the one writer of a job, or of a part of the run that `under` names; raises LeaseHeldError.

        A part's lease has a name of its own, and is good as long as its run's is that very holder's, and renewed:
        raises LeaseLostError where it is not. Waits up to a third of a minute for a sign of life of a holder elsewhere.
        """
        with self._translating("written"):
            self._lease = take_lease(self.engine, name, self.clock, steady=self._steady, under=under)

    def await_lease(self, name: str, under: Fence, patience_seconds: float = 90) -> None:
        """Take a part's lease as soon as it is free, as when its worker was killed; blocks, raises as `take_lease`."""
        with self._translating("written"):
            self._lease = await_lease(
                self.engine, name, self.clock, steady=self._steady, under=under, patience_seconds=patience_seconds
            )

    @property
    def fence(self) -> Fence:
        """What names this very holder of the lease to its workers; raises LookupError where no lease is held."""
        if self._lease is None:
            raise LookupError("this ledger holds no lease")
        return self._lease.fence

    def release_lease(self) -> None:
        """Let another run of the job begin; does nothing where the lease is not ours.

        Where workers of this run are still at work, the lease is left to run out instead: they have requests in flight.
        """
        if self._lease is not None:
            lease, self._lease = self._lease, None
            with suppress(DBAPIError):  # it then runs out by itself; the run's own outcome is told all the same
                give_back(self.engine, lease, self.clock)

    def prove_lease(self) -> None:
        """Prove the lease before a request where it was not proven lately; raises LeaseLostError."""
        if self._lease is not None and self._lease.stale:
            self.renew_lease()

    def renew_lease(self) -> None:
        """Renew the lease, if one is held, in a transaction of its own; may be called from a thread of its own."""
        if self._lease is not None:
            with self.writing():
                pass

    # --- a run -----------------------------------------------------------------------------------------------------

    def begin_run(self, job: str, source: str, target: str, fingerprint: str, kind: Kind = "sync") -> Run:
        """Open a run; takes over from one that did not end, whose unanswered intents void their customers' hashes."""
        with self.writing() as connection:
            scope, fresh = find_scope(connection, job, target)
            resumes = close_dead_runs(connection, job, self._now())
            wary = resumes is not None and is_stalled(connection, job)
            unanswered = void_unanswered(connection, scope)
            opening = {"job": job, "scope": scope, "source": source, "fingerprint": fingerprint, "kind": kind}
            number = open_run(connection, self._now(), resumes_run_id=resumes, **opening)
        return Run(number, job, scope, fingerprint, resumes, fresh, unanswered, wary)

    def note_columns(self, run: Run, source: str, columns: Collection[str]) -> tuple[str, ...] | None:
        """Note the columns that a source has now, and give those of the last time."""
        with self.writing() as connection:
            return survey.note_columns(connection, run, source, columns)

    def note_whole(self, run: Run) -> None:
        """Note that a run met every record of its source."""
        with self.writing() as connection:
            survey.note_whole(connection, run)

    def open_page(
        self, run: Run, page: Opening, settlements: Sequence[Settlement], intents: Sequence[tuple[str, str]]
    ) -> None:
        """Write a page's opening, what is decided already, and the intents (reference, source key) to send the rest."""
        with self.writing() as connection:
            self._open(connection, run, page, settlements)
            write_rows(
                connection,
                tables.intents,
                [(run.scope, reference, key, run.number, page.number) for reference, key in intents],
            )

    def pass_page(
        self, run: Run, page: Opening, settlements: Sequence[Settlement], mark: tuple[str, str, str] | None = None
    ) -> Counts:
        """Open and confirm a page of which nothing is to be sent, in one transaction; raises as `confirm_page`."""
        with self.writing() as connection:
            self._open(connection, run, page, settlements)
            return self._confirm(connection, run, page.number, mark)

    def intend(self, run: Run, intents: Sequence[tuple[str, str, int]]) -> None:
        """Write the intents (reference, source key, page) to send customers of pages that are confirmed already."""
        rows = [(run.scope, reference, key, run.number, page) for reference, key, page in intents]
        if rows:
            with self.writing() as connection:
                write_rows(connection, tables.intents, rows)

    def settle(self, run: Run, page: int, settlements: Sequence[Settlement]) -> None:
        """Commit a group of answers, and with them the end of their intents."""
        with self.writing() as connection:
            settle(connection, run, page, settlements, self.clock())
            delete_rows(connection, tables.intents, [(run.scope, item.reference) for item in settlements])

    def confirm_page(self, run: Run, page: int, mark: tuple[str, str, str] | None = None) -> Counts:
        """Close a page and move the watermark (source, filter, cursor) in one transaction, last.

        Raises LawError where the page's outcomes do not add up to what its source counted.
        """
        with self.writing() as connection:
            return self._confirm(connection, run, page, mark)

    def end_run(
        self, run: Run, status: Status, message: str | None, figures: Mapping[str, float]
    ) -> tuple[Counts, int]:
        """Close a run; gives the counts of its confirmed pages and the number of pages begun and not confirmed.

        `figures` are seconds, requests and retries.

        Raises LawError (and leaves the run failed) where the counts do not add up.
        """
        with self.writing() as connection:
            counts = run_counts(connection, run.number)
            unfinished = unfinished_pages(connection, run.number)
            if not counts.balanced:
                status = "failed"
                message = f"{counts.extracted} records were extracted, {counts.outcomes} have an outcome"
            connection.execute(
                update(tables.runs)
                .where(tables.runs.c.run == run.number)
                .values(
                    status=status,
                    message=message,
                    ended_at=self._now(),
                    unfinished=unfinished,
                    **asdict(counts),
                    **figures,
                )
            )
        if not counts.balanced:
            raise LawError(message)
        return counts, unfinished

    # --- what is known -----------------------------------------------------------------------------------------------

    def close_intent(self, run: Run, intent: Intent, target_id: str | None) -> None:
        """Note what a look-up found of a customer that left the source while its answer was missing."""
        with self.writing() as connection:
            if target_id is not None:
                crossing = (run.scope, intent.reference, target_id, None, intent.source_key, run.number)
                write_rows(connection, tables.crosswalk, [crossing])
            delete_rows(connection, tables.intents, [(run.scope, intent.reference)])

    def deferred(self, run: Run) -> dict[str, Place]:
        """Find where this run met the customers that it deferred, by their source keys.

        A deferred record of which the run has met a newer version since becomes `unchanged` here.
        """
        with self.writing() as connection:
            waiting, outdated = recall.deferred(connection, run)
            forget_outdated(connection, outdated)
        return waiting

    def close_left(self, run: Run, keys: Sequence[str]) -> int:
        """Close the rejects of customers that left the source and let go of those that waited; counts the rejects.

        But for those that this run has met after all.
        """
        with self.writing() as connection:
            return close_left(connection, run, keys, self.clock())

    def forget_watermark(self, run: Run, place: tuple[str, str]) -> None:
        """Let the next run of this source and filter read everything."""
        with self.writing() as connection:
            watermark.forget(connection, run, place)

    def _open(self, connection: Connection, run: Run, page: Opening, settlements: Sequence[Settlement]) -> None:
        opened = (
            run.number,
            page.number,
            page.extracted,
            page.unchanged,
            page.filtered,
            page.cursor,
            self._now(),
            None,
        )
        connection.execute(insert(tables.pages).values(opened))
        settle(connection, run, page.number, settlements, self.clock())

    def _confirm(self, connection: Connection, run: Run, page: int, mark: tuple[str, str, str] | None) -> Counts:
        counts = page_counts(connection, run.number, page)
        if not counts.balanced:
            raise LawError(f"page {page}: {counts.extracted} records were extracted, {counts.outcomes} have an outcome")
        connection.execute(_CONFIRMATION, {"now": self._now(), "run": run.number, "page": page})
        if mark is not None:
            watermark.move(connection, self.key, run, mark[:2], mark[2])
        return counts

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that writes, and proves the lease; raises LeaseLostError and LedgerError."""
        lease = self._lease
        with self._translating("written"):
            with self.engine.begin() as connection:
                proven_at = lease.prove(connection) if lease is not None else 0.0
                yield connection
            if lease is not None:
                lease.proven_at = proven_at  # not before others can see it


def _shown(state: str) -> str:
    return parse_url(state).render_as_string(hide_password=True)
