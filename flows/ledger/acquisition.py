"""Takes a lease that is free, and finds out of one that says nothing whether it is."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Engine, Row, select, text, update

from flows.ledger import tables
from flows.ledger.engine import reading_from
from flows.ledger.lease import (
    LEASE_SECONDS,
    Fence,
    Lease,
    LeaseHeldError,
    LeaseLostError,
    Parent,
    is_released,
    ledger_moment,
    life_seconds,
    read_parent,
    watch_seconds,
)
from flows.ledger.lock import OwnerLock
from flows.ledger.record import moment_text
from flows.ledger.steady import STEADY, Steady
from flows.ledger.worker import are_at_work

_LOOKS = 20  # at a lease while it is watched
_PATIENT_LOOK_SECONDS = 0.5

_MAKING = text(
    "INSERT INTO leases (job, owner, host, process, token, renewed_at, expires_at)"
    " VALUES (:job, :owner, :host, :process, :token, :renewed_at, :expires_at) ON CONFLICT DO NOTHING"
)


class _Beat(NamedTuple):
    """What a renewal changes."""

    job: str
    token: int
    renewed_at: str

    @classmethod
    def of(cls, found: Row[tuple[object, ...]]) -> _Beat:
        return cls(found.job, found.token, found.renewed_at)


class _SilentError(Exception):
    """Only watching can tell whether the holder of a lease still lives."""

    def __init__(self, beat: _Beat) -> None:
        super().__init__(beat.job)
        self.beat = beat


def take_lease(
    engine: Engine, job: str, clock: Callable[[], datetime], *, steady: Steady = STEADY, under: Fence | None = None
) -> Lease:
    """Take the lease of a job, at once where its owner on this machine is dead; else see `flows.ledger.lease`.

    `under` names the run that a worker's lease belongs to; without it, waits for the workers of the last run, no
    longer than a lease lasts. Raises LeaseHeldError, and LeaseLostError where the run that `under` names has lost its
    own.
    """
    applicant = _Applicant(engine, job, clock, steady, under, OwnerLock(engine, job))
    try:
        return applicant.take()
    except BaseException:
        applicant.lock.release()
        raise


def await_lease(
    engine: Engine, job: str, clock: Callable[[], datetime], *, steady: Steady, under: Fence, patience_seconds: float
) -> Lease:
    """Take a worker's lease as soon as it is free; raises as `take_lease`, LeaseHeldError when patience ends."""
    end = steady.seconds() + patience_seconds
    while True:
        try:
            return take_lease(engine, job, clock, steady=steady, under=under)
        except LeaseHeldError:
            if steady.seconds() >= end:
                raise
        steady.sleep(_PATIENT_LOOK_SECONDS)


@dataclass(slots=True)
class _Applicant:
    """One who wants a lease."""

    engine: Engine
    job: str
    clock: Callable[[], datetime]
    steady: Steady
    under: Fence | None
    lock: OwnerLock
    _watched: dict[str, _Beat] = field(default_factory=dict)  # the last beat of leases that were watched to the end

    def take(self) -> Lease:
        """Take it, if need be after watching it or the one it belongs to."""
        while True:
            owner = self.lock.acquire()
            moment = self.steady.seconds()
            try:
                with self.engine.begin() as connection:
                    parent = self._meet_parent(connection, moment)
                    token = self._write(connection, owner)
            except _SilentError as silence:
                self._watch(silence.beat)
                continue
            self._await_workers(token)
            lease = Lease(self.job, token, self.clock, self.steady, self.lock.file, moment, parent)
            if self.under is None:
                self._outlast_workers(lease)
            return lease

    def _meet_parent(self, connection: Connection, moment: float) -> Parent | None:
        if self.under is None:
            return None
        found = read_parent(connection, self.under)
        if not self._lives(found, ledger_moment(connection, self.clock)):
            raise LeaseLostError(f"the run of {self.under.job} that this belongs to says nothing any more")
        return Parent(self.under, self.steady, found.renewed_at, moment)

    def _write(self, connection: Connection, owner: str) -> int:
        """Write ourselves into the lease as it was found; whoever was quicker keeps it."""
        columns = tables.leases.c
        # Locked, so that what is read is not renewed before we write (SQLite's whole transaction is; it needs no word).
        found = select(tables.leases).where(columns.job == self.job).with_for_update(key_share=True)
        held = connection.execute(found).one_or_none()
        now = ledger_moment(connection, self.clock)  # after the wait for the lock
        free = held is None or is_released(held) or (owner and held.owner == owner)
        if held is not None and not free and self._lives(held, now):
            raise LeaseHeldError(
                f"another run of {self.job} is writing"
                f" (on {held.host}, process {held.process}, last seen {held.renewed_at})"
            )
        token = (held.token if held else 0) + 1
        expires_at = moment_text(now + timedelta(seconds=life_seconds()))
        ours = (self.job, owner, socket.gethostname(), os.getpid(), token, moment_text(now), expires_at)
        values = dict(zip(columns.keys(), ours, strict=True))
        if held is None:  # nothing was there to lock: two may make it at once, and the second finds it made
            taken = connection.execute(_MAKING, values)
        else:
            taken = connection.execute(update(tables.leases).where(columns.job == self.job).values(**values))
        if taken.rowcount != 1:
            raise LeaseHeldError(f"another run of {self.job} began at this moment")
        return token

    def _lives(self, found: Row[tuple[object, ...]], now: datetime) -> bool:
        """Say whether the holder of a lease lives; raises _SilentError where it must be watched first.

        One renewed in the future was renewed before the clock was set back, nobody can tell when.
        """
        watched = self._watched.get(found.job)
        if watched is not None:
            return watched != _Beat.of(found)
        if not found.renewed_at <= moment_text(now) < found.expires_at:
            raise _SilentError(_Beat.of(found))
        return True

    def _watch(self, beat: _Beat) -> None:
        """Look at a lease until its holder renews it, gives it back or has said nothing for too long."""
        self._watched[beat.job] = beat
        seconds = watch_seconds()
        end = self.steady.seconds() + seconds
        query = select(tables.leases).where(tables.leases.c.job == beat.job)
        while self.steady.seconds() < end:
            self.steady.sleep(seconds / _LOOKS)
            with reading_from(self.engine) as connection:
                found = connection.execute(query).one_or_none()
            if found is None or is_released(found) or _Beat.of(found) != beat:
                return

    def _outlast_workers(self, lease: Lease) -> None:
        """Wait until the last holder's workers have ended: none of them commits any more, but requests are in flight.

        What such a request does, this run would neither know nor find when it looks.
        """
        end = self.steady.seconds() + LEASE_SECONDS
        while are_at_work(self.engine, self.job, self.clock) and self.steady.seconds() < end:
            self.steady.sleep(_PATIENT_LOOK_SECONDS)
            try:
                with self.engine.begin() as connection:
                    proven_at = lease.prove(connection)
            except LeaseLostError as error:
                raise LeaseHeldError(str(error)) from None
            lease.proven_at = proven_at

    def _await_workers(self, token: int) -> None:
        """Wait for those transactions of the last holder's workers that had seen its token.

        All later ones see ours. A lock that keeps them out from the beginning would not be had while they work: of
        24 workers there was always one that held the row, for a minute and more.
        """
        if self.engine.dialect.name != "postgresql":
            return
        columns = tables.leases.c
        ours = select(columns.job).where(columns.job == self.job, columns.token == token).with_for_update()
        with self.engine.begin() as connection:
            if connection.execute(ours).one_or_none() is None:
                raise LeaseHeldError(f"another run of {self.job} began at this moment")
