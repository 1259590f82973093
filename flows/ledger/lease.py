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
from flows.ledger.record import moment_text

LEASE_SECONDS = 60

# Text, because building it anew in every transaction took longer than running it.
_RENEWAL = text("UPDATE leases SET renewed_at = :now, expires_at = :until WHERE job = :job AND token = :token")

_MAKING = text(
    "INSERT INTO leases (job, owner, host, process, token, renewed_at, expires_at)"
    " VALUES (:job, :owner, :host, :process, :token, :renewed_at, :expires_at) ON CONFLICT DO NOTHING"
)


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
    except (Timeout, OSError):  # OSError: the file is another user's, whose ledger on a server this is as well
        owner = ""  # of no lock: whoever finds this lock free one day must not think us dead
    else:
        owner = _identity(lock.lock_file)
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
    # Locked, so that what is read is not renewed before we write (SQLite's whole transaction is; it needs no word).
    held = connection.execute(select(tables.leases).where(columns.job == job).with_for_update()).one_or_none()
    if held is not None and held.expires_at > moment_text(now) and not (owner and held.owner == owner):
        raise LeaseHeldError(
            f"another run of {job} is writing (on {held.host}, process {held.process}, last seen {held.renewed_at})"
        )
    token = (held.token if held else 0) + 1
    expires_at = moment_text(now + timedelta(seconds=LEASE_SECONDS))
    ours = (job, owner, socket.gethostname(), os.getpid(), token, moment_text(now), expires_at)
    values = dict(zip(columns.keys(), ours, strict=True))
    if held is None:  # nothing was there to lock: two may make it at once, and the second finds it made
        taken = connection.execute(_MAKING, values)
    else:
        taken = connection.execute(update(tables.leases).where(columns.job == job).values(**values))
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


def _identity(path: str) -> str:
    """Name this very lock file: containers with one host name and a ledger on a server have a `/tmp` each."""
    found = Path(path).stat()
    try:
        kernel = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        kernel = ""  # not Linux
    return f"{socket.gethostname()}:{kernel}:{found.st_dev}:{found.st_ino}"


def _short(*names: str) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
