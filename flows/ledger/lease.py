"""Lets one run at a time write for a job, and takes the pen from one that died or fell asleep."""

from __future__ import annotations

import hashlib
import os
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, select, text, update

from flows.ledger import tables
from flows.ledger.engine import write_rows
from flows.ledger.record import moment_text

LEASE_SECONDS = 60

# Text, because building it anew in every transaction took longer than running it.
_RENEWAL = text("UPDATE leases SET renewed_at = :now, expires_at = :until WHERE job = :job AND token = :token")


class LeaseHeldError(Exception):
    """Another run of this job is writing."""


class LeaseLostError(Exception):
    """Another run has taken over; this one must neither commit nor send."""


@dataclass(slots=True)
class Lease:
    """The right to write for one job, proven by a token that grows with every holder."""

    job: str
    token: int
    clock: Callable[[], datetime]
    lock: FileLock
    proven_at: datetime

    @property
    def stale(self) -> bool:
        """Whether the lease was last proven so long ago that it must be proven again before a request is sent.

        By the clock of the ledger, not a monotonic one, which stands still while a machine sleeps.
        """
        return self.clock() - self.proven_at > timedelta(seconds=LEASE_SECONDS / 2)

    def prove(self, connection: Connection) -> None:
        """Renew the lease within a ledger transaction; raises LeaseLostError where it is no longer ours."""
        now = self.clock()
        until = now + timedelta(seconds=LEASE_SECONDS)
        renewed = connection.execute(
            _RENEWAL, {"now": moment_text(now), "until": moment_text(until), "job": self.job, "token": self.token}
        )
        if renewed.rowcount != 1:
            raise LeaseLostError(f"another run of {self.job} has taken over")
        self.proven_at = now

    def release(self, engine: Engine) -> None:
        """Give the lease back, if it is still ours."""
        try:
            with engine.begin() as connection:
                connection.execute(
                    update(tables.leases)
                    .where(tables.leases.c.job == self.job, tables.leases.c.token == self.token)
                    .values(expires_at=moment_text(self.clock()))
                )
        finally:
            self.lock.release()


def take_lease(engine: Engine, job: str, clock: Callable[[], datetime]) -> Lease:
    """Take the lease of a job, at once where its owner on this machine is dead; raises LeaseHeldError.

    A lock of the operating system, which dies with its process, tells a dead owner from one that is busy; only the
    very lock that the owner took can tell.
    """
    lock = FileLock(_lock_path(engine, job), mode=0o600)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        owner = ""  # of no lock: whoever finds this lock free one day must not think us dead
    else:
        owner = f"{socket.gethostname()}:{lock.lock_file}"
    now = clock()
    try:
        with engine.begin() as connection:
            token = _take(connection, job, owner, now)
    except BaseException:
        lock.release()
        raise
    return Lease(job, token, clock, lock, now)


def _take(connection: Connection, job: str, owner: str, now: datetime) -> int:
    """Write ourselves into the lease as it was found; whoever was quicker keeps it."""
    columns = tables.leases.c
    held = connection.execute(select(tables.leases).where(columns.job == job)).one_or_none()
    if held is not None and held.expires_at > moment_text(now) and not (owner and held.owner == owner):
        raise LeaseHeldError(
            f"another run of {job} is writing (on {held.host}, process {held.process}, last seen {held.renewed_at})"
        )
    token = (held.token if held else 0) + 1
    expires_at = moment_text(now + timedelta(seconds=LEASE_SECONDS))
    ours = (job, owner, socket.gethostname(), os.getpid(), token, moment_text(now), expires_at)
    if held is None:
        write_rows(connection, tables.leases, [ours])
        return token
    values = dict(zip(columns.keys(), ours, strict=True))
    taken = connection.execute(
        update(tables.leases).where(columns.job == job, columns.token == held.token).values(**values)
    )
    if taken.rowcount != 1:
        raise LeaseHeldError(f"another run of {job} began at this moment")
    return token


def _lock_path(engine: Engine, job: str) -> Path:
    """Name the lock file: beside a SQLite ledger, however that is spelled, else among the temporary files."""
    url = engine.url
    if url.get_backend_name() == "sqlite" and url.database:
        database = Path(url.database).resolve()
        return database.with_name(f"{database.name}.{_short(job)}.lock")
    return Path(tempfile.gettempdir()) / f"rollcall-{_short(url.render_as_string(hide_password=True), job)}.lock"


def _short(*names: str) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
