"""Clocks that are set, or that differ from machine to machine: no living run loses its lease, no dead one keeps it."""

from __future__ import annotations

import time

import pytest

from flows.ledger import steady
from flows.ledger.lease import LEASE_SECONDS, LeaseHeldError, beat_seconds, watch_seconds
from flows.ledger.ledger import Ledger
from tests.flows.clock import SetClock
from tests.flows.ledger.pulse import Pulse, Wall

HOUR = 3600

steps = pytest.mark.parametrize("step", [-HOUR, -61, -30, 30, 61, HOUR])
big_steps = pytest.mark.parametrize("step", [-HOUR, -61, 61, HOUR])


def beating(holder: Ledger, every: float) -> Pulse:
    """Make a clock for another process, during whose sleep a holder renews its lease as it does."""
    beats = 0

    def meanwhile(slept: float) -> None:
        nonlocal beats
        while (beats + 1) * every <= slept:
            beats += 1
            holder.renew_lease()

    return Pulse(meanwhile=meanwhile)


@steps
def test_a_living_run_keeps_its_lease_when_the_clock_is_set(wall: Wall, step: float) -> None:
    """S07: the clock jumps; another run begins at once, and before its next renewal the lease seems to have run out."""
    holder = wall.open(Pulse())
    other = wall.open(beating(holder, beat_seconds()))
    holder.take_lease("crm")
    wall.step(step)
    with pytest.raises(LeaseHeldError):
        other.take_lease("crm")
    holder.renew_lease()
    with pytest.raises(LeaseHeldError):
        other.take_lease("crm")
    holder.close()
    other.close()


@big_steps
def test_a_dead_runs_lease_is_free_within_a_minute_when_the_clock_is_set(wall: Wall, step: float) -> None:
    """S08: nobody can tell from the clock since when the holder says nothing; after a third of a minute it is clear."""
    dead, pulse = wall.open(Pulse()), Pulse()
    other = wall.open(pulse)
    dead.take_lease("crm")  # its lock stays taken: so it is for a frozen process, or one of another machine
    wall.step(step)
    other.take_lease("crm")
    assert watch_seconds() <= pulse.slept < LEASE_SECONDS / 2
    dead.close()
    other.close()


def test_a_silent_lease_is_taken_after_a_minute(wall: Wall) -> None:
    """S08: it is refused at once for 35 seconds, and then watched for 20."""
    dead, pulse = wall.open(Pulse()), Pulse()
    other = wall.open(pulse)
    dead.take_lease("crm")
    wall.step(30)
    with pytest.raises(LeaseHeldError):
        other.take_lease("crm")
    assert pulse.slept == 0
    wall.step(6)
    other.take_lease("crm")
    assert 36 + pulse.slept <= LEASE_SECONDS - 3
    dead.close()
    other.close()


@pytest.mark.parametrize("hours", [-5, 5])
def test_machines_may_disagree_about_the_time(wall: Wall, hours: float) -> None:
    """A ledger on a server: its clock alone judges, whatever those that ask think of the time."""
    if wall.state.url.startswith("sqlite"):
        pytest.skip("one machine has one clock")
    there, pulse = SetClock(), Pulse()
    there.forward(hours=hours)
    first, second = wall.open(Pulse()), wall.open(pulse, there)
    first.take_lease("crm")
    with pytest.raises(LeaseHeldError):
        second.take_lease("crm")
    assert pulse.slept == 0
    wall.step(61)
    second.take_lease("crm")
    with pytest.raises(LeaseHeldError):
        first.take_lease("crm")
    second.close()
    first.close()


@pytest.mark.parametrize("step", [-HOUR, HOUR])
def test_a_proof_grows_old_by_a_clock_that_nobody_sets(wall: Wall, step: float) -> None:
    """Setting the clock makes no proof old or young; 45 seconds in which the process was frozen do."""
    pulse = Pulse()
    ledger = wall.open(pulse)
    ledger.take_lease("crm")
    assert ledger._lease is not None
    wall.step(step)
    assert not ledger._lease.stale
    pulse.moment += 45
    assert ledger._lease.stale
    wall.step(-step)
    assert ledger._lease.stale
    ledger.prove_lease()
    assert not ledger._lease.stale
    ledger.close()


def test_the_steady_clock_goes_on_while_the_machine_sleeps() -> None:
    """Where there is a clock that counts sleep, it is the one that is taken."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        pytest.skip("this system has no such clock")
    assert abs(steady.steady_seconds() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 5
