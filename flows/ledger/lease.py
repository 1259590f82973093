"""Lets one run at a time write for a job, and takes the pen from one that died or fell asleep."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, insert, select, text, update

from flows.ledger import tables

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
    owner: str
    token: int
    clock: Callable[[], datetime]
    lock: FileLock
    _proven: float = field(default_factory=time.monotonic)

    @property
    def stale(self) -> bool:
        """Whether the lease was last proven so long ago that it must be proven again before a request is sent."""
        return time.monotonic() - self._proven > LEASE_SECONDS / 2

    def prove(self, connection: Connection) -> None:
        """Renew the lease within a ledger transaction; raises LeaseLostError where it is no longer ours."""
        now = self.clock()
        until = now + timedelta(seconds=LEASE_SECONDS)
        renewed = connection.execute(
            _RENEWAL, {"now": _moment(now), "until": _moment(until), "job": self.job, "token": self.token}
        )
        if renewed.rowcount != 1:
            raise LeaseLostError(f"another run of {self.job} has taken over")
        self._proven = time.monotonic()

    def release(self, engine: Engine) -> None:
        """Give the lease back, if it is still ours."""
        with engine.begin() as connection:
            connection.execute(
                update(tables.leases)
                .where(tables.leases.c.job == self.job, tables.leases.c.token == self.token)
                .values(expires_at=_moment(self.clock()))
            )
        self.lock.release()


def take_lease(engine: Engine, job: str, clock: Callable[[], datetime]) -> Lease:
    """Take the lease of a job, at once where its owner on this machine is dead; raises LeaseHeldError.

    A lock of the operating system, which dies with its process, tells a dead owner from one that is busy.
    """
    lock = FileLock(_lock_path(engine, job), mode=0o600)
    try:
        lock.acquire(blocking=False)
        alone = True
    except Timeout:
        alone = False
    owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    now = clock()
    with engine.begin() as connection:
        held = connection.execute(select(tables.leases).where(tables.leases.c.job == job)).one_or_none()
        if held is not None and held.expires_at > _moment(now):
            dead = alone and held.host == socket.gethostname()
            if not dead:
                lock.release()
                raise LeaseHeldError(
                    f"another run of {job} is writing (on {held.host}, process {held.process},"
                    f" last seen {held.renewed_at})"
                )
        token = (held.token if held else 0) + 1
        values = {
            "owner": owner,
            "host": socket.gethostname(),
            "process": os.getpid(),
            "token": token,
            "renewed_at": _moment(now),
            "expires_at": _moment(now + timedelta(seconds=LEASE_SECONDS)),
        }
        if held is None:
            connection.execute(insert(tables.leases).values(job=job, **values))
        else:
            connection.execute(update(tables.leases).where(tables.leases.c.job == job).values(**values))
    return Lease(job, owner, token, clock, lock)


def _lock_path(engine: Engine, job: str) -> Path:
    """Name the lock file: beside a SQLite ledger, else in the folder for temporary files."""
    url = engine.url
    name = hashlib.sha256(f"{url.render_as_string(hide_password=True)}\n{job}".encode()).hexdigest()[:16]
    if url.get_backend_name() == "sqlite" and url.database:
        database = Path(url.database)
        return database.with_name(f"{database.name}.{name}.lock")
    return Path(tempfile.gettempdir()) / f"rollcall-{name}.lock"


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
