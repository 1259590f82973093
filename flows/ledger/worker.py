"""Tells whether workers of a job's last run are still at work: each holds the lease of its part until it has ended."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine, Row, select

from flows.ledger import tables
from flows.ledger.engine import reading_from
from flows.ledger.lease import Lease, is_released, ledger_moment
from flows.ledger.lock import OwnerLock
from flows.ledger.record import moment_text


def are_at_work(engine: Engine, job: str, clock: Callable[[], datetime]) -> bool:
    """Say whether a worker of the job may have requests in flight: its lease is neither given back nor run out."""
    columns = tables.leases.c
    parts = select(tables.leases).where(columns.job.startswith(f"{job}/", autoescape=True))
    with reading_from(engine) as connection:
        found = connection.execute(parts).all()
        now = moment_text(ledger_moment(connection, clock))
    held = [each for each in found if not is_released(each) and now < each.expires_at]
    # SQLite's LIKE knows no case
    return any(each.job.startswith(f"{job}/") and not _is_dead(engine, each) for each in held)


def give_back(engine: Engine, lease: Lease, clock: Callable[[], datetime]) -> None:
    """Give a lease back; a run's whose workers are still at work is left to run out instead."""
    left = True
    try:
        left = lease.parent is None and are_at_work(engine, lease.job, clock)
    finally:
        if left:
            lease.leave(engine)
        else:
            lease.release(engine)


def _is_dead(engine: Engine, held: Row[tuple[object, ...]]) -> bool:
    """Say whether the owner of a lease is known to be dead: one of this machine, whose lock is free."""
    if not held.owner or held.host != socket.gethostname():
        return False
    lock = OwnerLock(engine, held.job)
    try:
        return bool(lock.acquire() == held.owner)
    finally:
        lock.release()
