"""A job's lease and the leases of its workers: no newcomer works while a worker may have requests in flight."""

from __future__ import annotations

import pytest

from flows.ledger.lease import LeaseHeldError, LeaseLostError
from tests.flows.ledger.pulse import Pulse, Wall
from tests.flows.ledger.test_worker_lease import die


def test_a_run_that_ends_before_its_workers_leaves_its_lease_to_run_out(wall: Wall) -> None:
    """Given back while a worker is at work, it is not free; a minute later it is, and the worker writes no more."""
    run, worker, other = (wall.open(Pulse()) for _ in range(3))
    run.take_lease("crm")
    worker.take_lease("crm/1", run.fence)
    run.release_lease()
    with pytest.raises(LeaseHeldError):
        other.take_lease("crm")
    worker.renew_lease()
    wall.step(61)
    other.take_lease("crm")
    with pytest.raises(LeaseLostError):
        worker.renew_lease()
    for each in (worker, other, run):
        each.close()


@pytest.mark.parametrize("ended", ["by itself", "killed"])
def test_a_run_whose_workers_have_ended_gives_its_lease_back(wall: Wall, ended: str) -> None:
    """Once its workers ended, by themselves or killed, a run's lease is free at once, whatever another job's do."""
    pulse = Pulse()
    run, worker, stranger, other = wall.open(Pulse()), wall.open(Pulse()), wall.open(Pulse()), wall.open(pulse)
    shop = wall.open(Pulse())
    shop.take_lease("CRM")
    stranger.take_lease("CRM/1", shop.fence)
    run.take_lease("crm")
    worker.take_lease("crm/1", run.fence)
    if ended == "killed":
        die(worker)
    else:
        worker.release_lease()
    run.release_lease()
    other.take_lease("crm")
    assert pulse.slept == 0
    for each in (worker, stranger, shop, other, run):
        each.close()


def test_a_takeover_waits_for_the_workers_of_the_dead(wall: Wall) -> None:
    """Whose run died may have requests in flight: the next run begins once the last of its workers has ended."""
    run, worker = wall.open(Pulse()), wall.open(Pulse())
    run.take_lease("crm")
    worker.take_lease("crm/1", run.fence)
    die(run)
    pulse = Pulse(meanwhile=lambda slept: worker.release_lease() if slept >= 3 else None)
    other = wall.open(pulse)
    other.take_lease("crm")
    assert 3 <= pulse.slept < 4
    for each in (worker, other, run):
        each.close()


def test_a_takeover_waits_no_longer_than_a_lease_lasts(wall: Wall) -> None:
    """A worker elsewhere that died, of which no lock tells, is waited for until its lease has run out."""
    run, worker = wall.open(Pulse()), wall.open(Pulse())
    run.take_lease("crm")
    worker.take_lease("crm/1", run.fence)
    die(run)
    passed = 0.0

    def meanwhile(slept: float) -> None:
        nonlocal passed
        wall.step(slept - passed)
        passed = slept

    pulse = Pulse(meanwhile=meanwhile)
    other = wall.open(pulse)
    other.take_lease("crm")
    assert 30 <= pulse.slept <= 40
    other.renew_lease()
    for each in (worker, other, run):
        each.close()
