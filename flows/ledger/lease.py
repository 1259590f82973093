"""The right of one run at a time to write for a job: how its holder proves it, hands it on and gives it back.

No clock that somebody can set decides alone. A lease that has run out by the ledger's clock is then watched, for longer
than its holder pauses between two renewals (`flows.ledger.acquisition`), and its holder sends nothing that long after
its last proof. Whatever the clocks do, a living run keeps its lease, and one that wakes up late knows before it sends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from filelock import FileLock
from sqlalchemy import Connection, Engine, Row, bindparam, select, text, update

from flows.ledger import tables
from flows.ledger.record import moment_text
from flows.ledger.steady import Steady

# A lease that was not renewed for so long has gone over to whoever wanted it. These parts of that time count for it:
LEASE_SECONDS = 60.0
_LIFE = 7 / 12  # until it has run out by the ledger's clock; with the watch it leaves 5 s to those who ask now and then
_WATCH = 1 / 3  # for which it is then watched; no proof of its holder's is good for longer
_BEAT = 1 / 4  # between two renewals; less than the watch, so that no living holder is taken for dead
# A worker's run may be taken over at once where its process died, and while it sends it commits four times a second.
_WORKER_PROOF = 1 / 60

# Text, because building it anew in every transaction took longer than running it.
_RENEWAL = text(
    "UPDATE leases SET renewed_at = :now, expires_at = :until WHERE job = :job AND token = :token RETURNING token"
)

# One clock for all machines. Not now(), which stands still within a transaction. A holder that is frozen within the
# transaction keeps others from the row, but not for as long as they wait for it (30 s): the server then ends it.
_SERVER_RENEWAL = text(
    "UPDATE leases SET renewed_at = to_char(clock_timestamp() AT TIME ZONE 'UTC', :form),"
    " expires_at = to_char((clock_timestamp() + make_interval(secs => :life)) AT TIME ZONE 'UTC', :form)"
    " WHERE job = :job AND token = :token RETURNING set_config('idle_in_transaction_session_timeout', '20s', true)"
)
_SERVER_FORM = 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'  # as moment_text writes it
_SERVER_NOW = text("SELECT clock_timestamp()")

_PARENT = (
    select(tables.leases)
    .where(tables.leases.c.job == bindparam("parent"))
    .with_for_update(read=True, key_share=True)  # lets its holder renew it, and nobody take it over
)


class LeaseHeldError(Exception):
    """Another run of this job is writing."""


class LeaseLostError(Exception):
    """Another run has taken over; this one must neither commit nor send."""


def life_seconds() -> float:
    """Say after how long without renewal a lease has run out by the ledger's clock."""
    return LEASE_SECONDS * _LIFE


def watch_seconds() -> float:
    """Say how long a lease that has run out is watched before it is taken."""
    return LEASE_SECONDS * _WATCH


def beat_seconds() -> float:
    """Say how often a holder renews its lease."""
    return LEASE_SECONDS * _BEAT


def ledger_moment(connection: Connection, clock: Callable[[], datetime]) -> datetime:
    """Tell the time by the one clock that judges this ledger's leases: the server's, or this machine's own."""
    if connection.dialect.name != "postgresql":
        return clock()
    moment: datetime = connection.execute(_SERVER_NOW).scalar_one()
    return moment.astimezone(UTC)


def is_released(found: Row[tuple[object, ...]]) -> bool:
    """Say whether a lease, as it was read, was given back: it then runs out at its last renewal."""
    return bool(found.expires_at <= found.renewed_at)


@dataclass(frozen=True, slots=True)
class Fence:
    """Names one holder of a job's lease, for workers of that run in other processes."""

    job: str
    token: int


@dataclass(slots=True)
class Parent:
    """The run that a worker's lease belongs to, as the worker sees it: by its own clock, from renewal to renewal."""

    fence: Fence
    steady: Steady
    renewed_at: str
    met_at: float

    def prove(self, connection: Connection) -> None:
        """Hold the run's lease where it is until this transaction ends.

        Raises LeaseLostError where another run has it, where it was given back, or where nobody renews it any more.
        """
        moment = self.steady.seconds()
        found = read_parent(connection, self.fence)
        if found.renewed_at != self.renewed_at:
            self.renewed_at, self.met_at = found.renewed_at, moment
        elif moment - self.met_at > LEASE_SECONDS:
            raise LeaseLostError(f"the run of {self.fence.job} that this belongs to says nothing any more")


def read_parent(connection: Connection, fence: Fence) -> Row[tuple[object, ...]]:
    """Read the lease of a worker's run; raises LeaseLostError where it is no longer this very holder's."""
    found = connection.execute(_PARENT, {"parent": fence.job}).one_or_none()
    if found is None or found.token != fence.token:
        raise LeaseLostError(f"another run of {fence.job} has taken over")
    if is_released(found):
        raise LeaseLostError(f"the run of {fence.job} that this belongs to has ended")
    return found


@dataclass(slots=True)
class Lease:
    """The right to write for one job, proven by a token that grows with every holder."""

    job: str
    token: int
    clock: Callable[[], datetime]
    steady: Steady
    lock: FileLock
    proven_at: float
    parent: Parent | None = None

    @property
    def fence(self) -> Fence:
        """What names this very holder."""
        return Fence(self.job, self.token)

    @property
    def stale(self) -> bool:
        """Whether the lease was last proven so long ago that it must be proven again before a request is sent."""
        good_for = watch_seconds() if self.parent is None else LEASE_SECONDS * _WORKER_PROOF
        return self.steady.seconds() - self.proven_at > good_for

    def prove(self, connection: Connection) -> float:
        """Renew the lease within a ledger transaction; gives what `proven_at` is once that is committed.

        Raises LeaseLostError where it is no longer ours, or where our parent's is no longer that very run's.
        """
        proven_at = self.steady.seconds()
        if self.parent is not None:
            self.parent.prove(connection)
        if connection.dialect.name == "postgresql":
            renewal, times = _SERVER_RENEWAL, {"form": _SERVER_FORM, "life": life_seconds()}
        else:
            now = self.clock()
            until = now + timedelta(seconds=life_seconds())
            renewal, times = _RENEWAL, {"now": moment_text(now), "until": moment_text(until)}
        if connection.execute(renewal, {"job": self.job, "token": self.token, **times}).one_or_none() is None:
            raise LeaseLostError(f"another run of {self.job} has taken over")
        return proven_at

    def release(self, engine: Engine) -> None:
        """Give the lease back, if it is still ours."""
        leases = tables.leases
        try:
            with engine.begin() as connection:
                connection.execute(
                    update(leases)
                    .where(leases.c.job == self.job, leases.c.token == self.token)
                    .values(expires_at=leases.c.renewed_at)
                )
        finally:
            self.lock.release()

    def leave(self, engine: Engine) -> None:
        """Let the lease run out by itself: nobody is to take it for a dead owner's, though its lock is free."""
        leases = tables.leases
        try:
            with engine.begin() as connection:
                ours = update(leases).where(leases.c.job == self.job, leases.c.token == self.token)
                connection.execute(ours.values(owner=""))
        finally:
            self.lock.release()
