"""The leases of a run's workers: each has a part of its own, and none outlives the run's own lease."""

from __future__ import annotations

import fcntl
import pickle
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from threading import Event

import pytest
from sqlalchemy import func, select, text

from flows.ledger import tables
from flows.ledger.bulk import write_rows
from flows.ledger.lease import Fence, LeaseHeldError, LeaseLostError, beat_seconds, watch_seconds
from flows.ledger.ledger import Ledger
from flows.run import now
from tests.flows.ledger.pulse import Pulse, Wall
from tests.state import State, server_state


def opened(state: State) -> Ledger:
    """Open the ledger as a worker does, with real clocks."""
    return Ledger.open(state.url, state.environment, now)


def die(ledger: Ledger) -> None:
    """Let go of the lock that dies with a process, and of nothing else: its file stays."""
    assert ledger._lease is not None
    descriptor = ledger._lease.lock._context.lock_file_fd
    assert descriptor is not None
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def test_a_fence_travels_to_other_processes(wall: Wall) -> None:
    """It is plain data, and names the very holder; without a lease there is none."""
    ledger = wall.open(Pulse())
    with pytest.raises(LookupError):
        _ = ledger.fence
    ledger.take_lease("crm")
    first = ledger.fence
    assert pickle.loads(pickle.dumps(first)) == first
    ledger.release_lease()
    ledger.take_lease("crm")
    assert ledger.fence == Fence("crm", first.token + 1)
    ledger.close()


def test_each_part_has_one_worker(wall: Wall) -> None:
    """Two workers cannot have one part; another part is free."""
    run, one, two = (wall.open(Pulse()) for _ in range(3))
    run.take_lease("crm")
    one.take_lease("crm/1", run.fence)
    with pytest.raises(LeaseHeldError):
        two.take_lease("crm/1", run.fence)
    two.take_lease("crm/2", run.fence)
    for each in (one, two, run):
        each.renew_lease()
        each.close()


def test_after_a_takeover_no_worker_writes(wall: Wall) -> None:
    """Whoever takes the run's lease over has taken it from all its workers, each at its next write."""
    run, *workers = (wall.open(Pulse()) for _ in range(9))
    other = wall.open(Pulse())
    run.take_lease("crm")
    for number, worker in enumerate(workers):
        worker.take_lease(f"crm/{number}", run.fence)
        worker.renew_lease()
    die(run)
    other.take_lease("crm")
    for worker in workers:
        with pytest.raises(LeaseLostError, match="another run of crm has taken over"):
            worker.renew_lease()
    fresh = wall.open(Pulse())
    with pytest.raises(LeaseHeldError):
        fresh.take_lease("crm/0", other.fence)  # while the old one may still have requests in flight
    workers[0].close()
    fresh.take_lease("crm/0", other.fence)
    fresh.renew_lease()
    for each in (*workers, run, fresh, other):
        each.close()


@pytest.mark.parametrize("end", [Ledger.close, die])
def test_nobody_works_for_a_run_that_ended(wall: Wall, end: Callable[[Ledger], None]) -> None:
    """A run that ended or died before its workers has none a minute later."""
    pulse = Pulse()
    run, worker, late = wall.open(Pulse()), wall.open(pulse), wall.open(Pulse())
    run.take_lease("crm")
    fence = run.fence
    worker.take_lease("crm/1", fence)
    end(run)
    worker.renew_lease()
    wall.step(61)
    pulse.moment += 61
    with pytest.raises(LeaseLostError, match="says nothing"):
        worker.renew_lease()
    with pytest.raises(LeaseLostError, match="says nothing"):
        late.take_lease("crm/2", fence)
    for each in (worker, late, run):
        each.close()


def test_nobody_begins_to_work_for_a_run_that_gave_its_lease_back(wall: Wall) -> None:
    """A run that gave its lease back has no workers, at once."""
    run, late = wall.open(Pulse()), wall.open(Pulse())
    run.take_lease("crm")
    fence = run.fence
    run.release_lease()
    with pytest.raises(LeaseLostError, match="ended"):
        late.take_lease("crm/2", fence)
    for each in (late, run):
        each.close()


@pytest.mark.parametrize("step", [-3600, 3600])
def test_workers_keep_their_leases_when_the_clock_is_set(wall: Wall, step: float) -> None:
    """Before its run has renewed its lease by the new time, a worker writes on, and another begins."""
    run, worker = wall.open(Pulse()), wall.open(Pulse())
    late = wall.open(Pulse(meanwhile=lambda slept: run.renew_lease() if slept > beat_seconds() else None))
    run.take_lease("crm")
    worker.take_lease("crm/1", run.fence)
    wall.step(step)
    worker.renew_lease()
    late.take_lease("crm/2", run.fence)
    late.renew_lease()
    for each in (worker, late, run):
        each.close()


def test_a_worker_lives_on_the_beats_of_its_run(wall: Wall) -> None:
    """However long it works, its lease is good while its run's is renewed, and for a minute after the last time."""
    pulse = Pulse()
    run, worker = wall.open(Pulse()), wall.open(pulse)
    run.take_lease("crm")
    worker.take_lease("crm/1", run.fence)
    for _ in range(20):
        run.renew_lease()
        worker.renew_lease()
        pulse.moment += 50
        wall.step(50)
    run.renew_lease()
    worker.renew_lease()
    pulse.moment += 61
    with pytest.raises(LeaseLostError):
        worker.renew_lease()
    worker.close()
    run.close()


def test_a_workers_proof_is_good_for_a_second(wall: Wall) -> None:
    """Its run may be taken over at once where its process died: before a request it looks again."""
    pulse = Pulse()
    run, worker = wall.open(pulse), wall.open(pulse)
    run.take_lease("crm")
    worker.take_lease("crm/1", run.fence)
    die(run)
    taken = wall.open(Pulse())
    taken.take_lease("crm")
    pulse.moment += 1.5
    assert run._lease is not None
    assert not run._lease.stale
    with pytest.raises(LeaseLostError):
        worker.prove_lease()
    for each in (worker, run, taken):
        each.close()


def test_a_dead_workers_part_is_awaited(wall: Wall) -> None:
    """The next worker waits until the part is free, and says so where that takes too long."""
    run, first, other = (wall.open(Pulse()) for _ in range(3))
    run.take_lease("crm")
    first.take_lease("crm/1", run.fence)
    with pytest.raises(LeaseHeldError):
        other.await_lease("crm/1", run.fence, patience_seconds=10)
    pulse = Pulse(meanwhile=lambda slept: die(first) if slept >= 3 else None)
    second = wall.open(pulse)
    second.await_lease("crm/1", run.fence)
    assert 3 <= pulse.slept < 4
    for each in (second, other, first, run):
        each.close()


def test_a_part_that_was_worked_on_elsewhere_is_free_within_a_minute(wall: Wall) -> None:
    """No lock tells that a worker on another machine died: its part is waited for, watching included."""
    run, first = wall.open(Pulse()), wall.open(Pulse())
    run.take_lease("crm")
    first.take_lease("crm/1", run.fence)
    passed = 0.0

    def meanwhile(slept: float) -> None:
        nonlocal passed
        wall.step(slept - passed)
        passed = slept
        run.renew_lease()

    pulse = Pulse(meanwhile=meanwhile)
    second = wall.open(pulse)
    second.await_lease("crm/1", run.fence)
    assert 50 <= pulse.slept <= 60
    for each in (second, first, run):
        each.close()


def test_nobody_waits_for_a_part_of_a_run_that_was_taken_over(wall: Wall) -> None:
    """That the run is gone is said at once, however patient the worker."""
    run, first, other = (wall.open(Pulse()) for _ in range(3))
    run.take_lease("crm")
    fence = run.fence
    first.take_lease("crm/1", fence)
    die(run)
    other.take_lease("crm")
    pulse = Pulse()
    second = wall.open(pulse)
    with pytest.raises(LeaseLostError):
        second.await_lease("crm/1", fence)
    assert pulse.slept == 0
    for each in (second, first, other, run):
        each.close()


def commit_until(ledger: Ledger, number: int, ended: Event) -> int:
    """Commit rows again and again, each in a transaction as long as a group's; gives how many."""
    done = 0
    while not ended.is_set():
        with ledger.writing() as connection:
            write_rows(connection, tables.intents, [(number, f"C-{done}", "k", 1, 1)])
            time.sleep(0.005)
        done += 1
    return done


def commit_to_the_end(ledger: Ledger, number: int, ended: Event) -> int:
    """Commit until the lease is lost, and give it back as a worker does; raises LeaseLostError."""
    try:
        return commit_until(ledger, number, ended)
    finally:
        ledger.release_lease()


def committed(ledger: Ledger) -> int:
    """Count what was committed."""
    with ledger.reading() as connection:
        return connection.execute(select(func.count()).select_from(tables.intents)).scalar_one()


def test_eight_workers_do_not_keep_their_run_from_renewing(
    state: State, record_property: Callable[[str, object], None]
) -> None:
    """While eight workers commit without a pause, 200 renewals go through, none of them late, and nobody fails."""
    ended = Event()
    longest = 0.0
    with ExitStack() as stack:
        run = stack.enter_context(closing(opened(state)))
        run.take_lease("crm")
        threads = stack.enter_context(ThreadPoolExecutor(8))
        stack.callback(ended.set)
        working: list[Future[int]] = []
        for number in range(8):
            worker = stack.enter_context(closing(opened(state)))
            worker.take_lease(f"crm/{number}", run.fence)
            working.append(threads.submit(commit_until, worker, number, ended))
        for _ in range(200):
            began = time.monotonic()
            run.renew_lease()
            longest = max(longest, time.monotonic() - began)
        ended.set()
        done = sum(each.result(60) for each in working)
        assert committed(run) == done > 0
    record_property("longest renewal, seconds", longest)
    print(f"{done} commits, longest renewal {longest:.3f} s")
    assert longest < watch_seconds() / 4


def test_a_takeover_is_not_kept_waiting_by_the_workers_of_the_dead(request: pytest.FixtureRequest) -> None:
    """S09: of 24 workers there is always one that holds the run's row; from the takeover's end on nobody commits."""
    state = server_state(request.getfixturevalue("postgresql"))
    ended = Event()
    with ExitStack() as stack:
        run = stack.enter_context(closing(opened(state)))
        run.take_lease("crm")
        other = stack.enter_context(closing(opened(state)))
        threads = stack.enter_context(ThreadPoolExecutor(24))
        stack.callback(ended.set)
        working = []
        for number in range(24):
            worker = stack.enter_context(closing(opened(state)))
            worker.take_lease(f"crm/{number}", run.fence)
            working.append(threads.submit(commit_to_the_end, worker, number, ended))
        time.sleep(0.5)
        die(run)
        began = time.monotonic()
        other.take_lease("crm")
        took = time.monotonic() - began
        before = committed(other)
        assert {type(each.exception(30)) for each in working} == {LeaseLostError}
        assert committed(other) == before > 0
    print(f"taken over after {took:.3f} s")
    assert took < 5


def test_a_commit_under_way_ends_before_a_takeover_does(request: pytest.FixtureRequest) -> None:
    """S09: a worker that has seen its run's lease commits first, and the next run begins only after that."""
    state = server_state(request.getfixturevalue("postgresql"))
    with ExitStack() as stack:
        run, worker, other = (stack.enter_context(closing(opened(state))) for _ in range(3))
        run.take_lease("crm")
        worker.take_lease("crm/1", run.fence)
        die(run)
        thread = stack.enter_context(ThreadPoolExecutor(1))
        with worker.writing() as connection:
            taking = thread.submit(other.take_lease, "crm")
            waiting = text("SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")
            end = time.monotonic() + 5
            while not connection.execute(waiting).scalar():
                assert time.monotonic() < end, "nobody waits"
                assert not taking.done(), taking.exception()
        with pytest.raises(LeaseLostError):
            worker.renew_lease()
        worker.release_lease()
        taking.result(10)
