"""The lease: one writer per job, and none that does not know it lost the pen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from flows.ledger.knowledge import Clock
from flows.ledger.lease import LeaseHeldError, LeaseLostError
from flows.ledger.ledger import Ledger
from flows.ledger.record import Opening
from tests.flows.clock import SetClock
from tests.flows.ledger.pulse import Pulse, Wall
from tests.state import State

HOLDER = """
import os, sys
from flows.ledger.ledger import Ledger
from flows.run import now
ledger = Ledger.open(sys.argv[1], os.environ, now)
ledger.take_lease("crm")
print("held", flush=True)
sys.stdin.read()
"""


def opened(state: State, clock: Clock) -> Ledger:
    """Open the ledger as one more process would."""
    return Ledger.open(state.url, state.environment, clock)


def test_two_runs_of_one_job_do_not_overlap(state: State) -> None:
    """S07: the second is refused while the first holds the lease; another job is not in its way."""
    clock = SetClock()
    first, second = opened(state, clock), opened(state, clock)
    first.take_lease("crm")
    with pytest.raises(LeaseHeldError, match="another run of crm"):
        second.take_lease("crm")
    second.take_lease("shop")
    first.close()
    second.close()


def test_a_released_lease_is_free(state: State) -> None:
    """After one run has ended, the next begins, without waiting for anything."""
    clock = SetClock()
    pulse = Pulse()
    first, second = opened(state, clock), Ledger.open(state.url, state.environment, clock, steady=pulse.steady)
    first.take_lease("crm")
    with first.engine.begin() as connection:  # as if it were another machine's
        connection.execute(text("UPDATE leases SET owner = 'elsewhere'"))
    first.close()
    second.take_lease("crm")
    assert pulse.slept == 0
    second.close()


@pytest.mark.kill
def test_a_killed_owners_lease_is_free_at_once(state: State) -> None:
    """S08: the operating system frees the lock of a dead process, and the lease with it."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, state.url],
        env={**os.environ, **state.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        from flows.run import now

        pulse = Pulse()
        ledger = Ledger.open(state.url, state.environment, now, steady=pulse.steady)
        with pytest.raises(LeaseHeldError):
            ledger.take_lease("crm")
        holder.kill()
        holder.wait()
        ledger.take_lease("crm")
        assert pulse.slept == 0
        ledger.close()


def test_a_holder_that_fell_asleep_can_neither_commit_nor_send(wall: Wall) -> None:
    """S09: after its lease ran out and another took over, the old owner's writes and requests are refused."""
    sleeping = Pulse()
    asleep, awake = wall.open(sleeping), wall.open(Pulse())
    asleep.take_lease("crm")
    run = asleep.begin_run("crm", "csv:/x", "t", "f")
    wall.step(61)
    awake.take_lease("crm")
    with pytest.raises(LeaseLostError):
        asleep.open_page(run, Opening(1, 0, 0, 0, ""), [], [])
    with pytest.raises(LeaseLostError):
        asleep.renew_lease()
    sleeping.moment += 61
    with pytest.raises(LeaseLostError):
        asleep.prove_lease()
    with awake.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM pages")).scalar() == 0
    asleep.close()
    awake.renew_lease()
    awake.close()


def test_another_spelling_of_the_ledgers_path_steals_no_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path to the same file finds the same lock, and the run that holds it alive."""
    monkeypatch.chdir(tmp_path)
    clock = SetClock()
    first, second = (
        Ledger.open(f"sqlite:///{tmp_path}/ledger.db", {}, clock),
        Ledger.open("sqlite:///ledger.db", {}, clock),
    )
    first.take_lease("crm")
    with pytest.raises(LeaseHeldError):
        second.take_lease("crm")
    first.close()
    second.close()


def test_a_lease_taken_without_the_lock_is_not_taken_for_dead(wall: Wall) -> None:
    """Who took over from a sleeper holds no lock: a third must not conclude from the free lock that it is dead."""
    asleep, awake, third = (wall.open(Pulse()) for _ in range(3))
    asleep.take_lease("crm")
    wall.step(61)
    awake.take_lease("crm")
    asleep.close()
    with pytest.raises(LeaseHeldError):
        third.take_lease("crm")
    awake.renew_lease()
    awake.close()
    third.close()


def test_of_those_that_watch_a_silent_lease_one_gets_it(wall: Wall) -> None:
    """S07: while one watched, another took the lease: it lives, and the first is refused."""
    quick = wall.open(Pulse())
    pulse = Pulse()
    slow, asleep = wall.open(pulse), wall.open(Pulse())
    asleep.take_lease("crm")
    wall.step(61)
    pulse.meanwhile = lambda slept: quick.take_lease("crm") if slept < 2 else None
    with pytest.raises(LeaseHeldError):
        slow.take_lease("crm")
    quick.renew_lease()
    for each in (slow, asleep, quick):
        each.close()


def test_a_lease_given_back_while_it_is_watched_is_taken(wall: Wall) -> None:
    """Who finds a lease run out does not wait to the end where its holder gives it back meanwhile."""
    pulse = Pulse()
    slow, waiting = wall.open(Pulse()), wall.open(pulse)
    slow.take_lease("crm")
    wall.step(61)
    pulse.meanwhile = lambda slept: slow.close() if 2 < slept < 4 else None
    waiting.take_lease("crm")
    assert pulse.slept < 5
    waiting.close()


def test_a_proof_counts_once_it_is_committed(wall: Wall) -> None:
    """A transaction that was taken back has renewed nothing that others could see: the next request proves again."""
    pulse = Pulse()
    ledger = wall.open(pulse)
    ledger.take_lease("crm")
    pulse.moment += 30
    with pytest.raises(ZeroDivisionError), ledger.writing():
        _ = 1 / 0
    assert ledger._lease is not None
    assert ledger._lease.stale
    ledger.prove_lease()
    assert not ledger._lease.stale
    ledger.close()
