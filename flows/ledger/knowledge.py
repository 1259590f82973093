"""Tells what the ledger knows; writes nothing. May be asked from the reading thread as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from flows.ledger import recall, survey, turn, watermark
from flows.ledger.count import run_counts
from flows.ledger.damage import describe
from flows.ledger.engine import reading_from
from flows.ledger.record import Counts, Crossing, Intent, OpenReject, Remembered, Run, Watermark, moment_text
from flows.ledger.settling import open_rejects

Clock = Callable[[], datetime]


class LedgerError(Exception):
    """The ledger's database failed; what was committed stands."""


class Knowledge:
    """The reading half of a ledger; every method is one transaction that only reads."""

    def __init__(self, engine: Engine, key: bytes, clock: Clock) -> None:
        self.engine = engine
        self.key = key
        self.clock = clock

    def remembered(self, scope: int, keys: Sequence[str]) -> dict[str, Remembered]:
        """Recall the records with these source keys; may be called from the reading thread."""
        with self.reading() as connection:
            return recall.remembered(connection, scope, keys)

    def crossings(self, scope: int, references: Sequence[str]) -> dict[str, Crossing]:
        """Recall what the target holds under these references."""
        with self.reading() as connection:
            return recall.crossings(connection, scope, references)

    def open_rejects(self, scope: int, keys: Sequence[str]) -> dict[str, OpenReject]:
        """Recall the open rejects of these source keys."""
        with self.reading() as connection:
            return open_rejects(connection, scope, keys)

    def quarantined(self, scope: int, code: str) -> dict[str, tuple[bytes | None, str | None]]:
        """Recall the records with an open reject of this code, and what they were like."""
        with self.reading() as connection:
            return recall.quarantined(connection, scope, code)

    def due_keys(self, scope: int) -> list[str]:
        """List the source keys of due rejects and of all deferred customers."""
        with self.reading() as connection:
            return recall.due_keys(connection, scope, self._now())

    def keys_of(self, scope: int, reference: str) -> list[str]:
        """List the source keys under which a reference was last met, whatever became of it."""
        with self.reading() as connection:
            return recall.keys_of(connection, scope, reference)

    def watermark(self, scope: int, source: str, filtered: str) -> Watermark | None:
        """Recall how far a source has been read and accounted for; raises LedgerError where that was damaged."""
        try:
            with self.reading() as connection:
                return watermark.recall(connection, self.key, scope, (source, filtered))
        except watermark.DamagedWatermarkError:
            raise LedgerError("the watermark in the ledger is damaged; run once with --full") from None

    def last_whole(self, run: Run) -> int | None:
        """Tell how many records the last run extracted that read this run's source whole."""
        with self.reading() as connection:
            return survey.last_whole(connection, run)

    def unanswered(self, run: Run) -> list[Intent]:
        """List the intents of earlier runs that nothing in this run has answered."""
        with self.reading() as connection:
            return recall.unanswered(connection, run)

    def replay_keys(self, scope: int, code: str | None) -> list[str]:
        """List the source keys of open rejects and of deferred customers, or of open rejects with this code."""
        with self.reading() as connection:
            return turn.replay_keys(connection, scope, code)

    def open_codes(self, scope: int) -> dict[str, int]:
        """Count the open rejects by code, the most frequent first."""
        with self.reading() as connection:
            return turn.open_codes(connection, scope)

    def turns(self, scope: int, keys: Sequence[str], late_code: str) -> list[list[str]]:
        """Put source keys that are tried again into the order in which they may have their references."""
        with self.reading() as connection:
            return turn.turns(connection, scope, keys, late_code)

    def unmet(self, run: Run) -> list[str]:
        """List the source keys of open rejects and of deferred customers that this run has not met."""
        with self.reading() as connection:
            return recall.unmet(connection, run)

    def counts(self, run: Run, first_page: int | None = None) -> Counts:
        """Count the outcomes of a run's confirmed pages, or of those from one on."""
        with self.reading() as connection:
            return run_counts(connection, run.number, first_page)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that only reads; raises LedgerError where the database fails."""
        with self._translating("read"), reading_from(self.engine) as connection:
            yield connection

    @contextmanager
    def _translating(self, done: str) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise LedgerError(describe(error, self.engine.url, done)) from None

    def _now(self) -> str:
        return moment_text(self.clock())
