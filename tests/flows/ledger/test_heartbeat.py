"""The heartbeat: a living run keeps its lease whatever it is busy with, and a lost one is not renewed."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import event, text

from flows.ledger import lease
from flows.ledger.heartbeat import Heartbeat
from flows.ledger.lease import LeaseHeldError, LeaseLostError
from flows.ledger.ledger import Ledger
from flows.run import now
from tests.flows.bench import Bench, record
from tests.flows.fake import FakeSource
from tests.kill.process import await_that
from tests.state import State


@pytest.fixture
def ledger(state: State, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """Open a ledger, whose lease is renewed ten times a second."""
    monkeypatch.setattr(lease, "LEASE_SECONDS", 0.4)
    made = Ledger.open(state.url, state.environment, now)
    made.take_lease("crm")
    return made


def renewed_at(ledger: Ledger) -> str:
    """Read when the lease was last renewed."""
    with ledger.reading() as connection:
        return str(connection.execute(text("SELECT renewed_at FROM leases")).scalar_one())


def test_a_page_that_computes_on_the_loop_costs_no_lease(
    tmp_path: Path, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run whose event loop stands still for longer than a lease lasts is not taken over, and ends as always."""
    monkeypatch.setattr(lease, "LEASE_SECONDS", 3.0)
    bench = Bench(tmp_path, state)
    bench.ledger.clock = now
    bench.source = FakeSource([record("A"), record("B")])
    computing = threading.Event()
    refused: list[str] = []

    def another_run() -> None:
        assert computing.wait(30)
        time.sleep(2.5)
        other = Ledger.open(state.url, state.environment, now)
        try:
            other.take_lease("crm")
        except LeaseHeldError as error:
            refused.append(str(error))
        finally:
            other.close()

    def compute(step: str) -> None:
        if step == "extracted":
            computing.set()
            other.result(30)  # blocks the loop

    with ThreadPoolExecutor(1) as thread:
        other = thread.submit(another_run)
        summary = bench.run(on_step=compute)
    assert len(refused) == 1
    assert (summary.status, summary.counts.created) == ("completed", 2)
    bench.ledger.close()


def test_it_does_not_disturb_the_writers_transaction(ledger: Ledger) -> None:
    """It waits for a transaction of the writer's, which is then committed whole; with SQLite it begins none before."""
    beating = Heartbeat(ledger)
    with ledger.writing() as connection:
        beating.start()
        for number in range(5):
            connection.execute(text(f"INSERT INTO settings VALUES ('t{number}', '')"))
            time.sleep(0.1)
        before = renewed_at(ledger)
    await_that(lambda: renewed_at(ledger) > before)
    beating.stop()
    with ledger.reading() as connection:
        written = connection.execute(text("SELECT count(*) FROM settings WHERE name LIKE 't_'")).scalar()
    assert written == 5
    ledger.close()


def test_it_stops_when_it_is_told(ledger: Ledger) -> None:
    """After the end nobody renews the lease any more."""
    beating = Heartbeat(ledger)
    first = renewed_at(ledger)
    beating.start()
    await_that(lambda: renewed_at(ledger) > first)
    beating.stop()
    last = renewed_at(ledger)
    time.sleep(0.3)
    assert renewed_at(ledger) == last
    ledger.close()


def test_it_outlives_a_ledger_that_was_away_for_a_moment(ledger: Ledger, state: State) -> None:
    """A renewal that failed is not the last: a server may be back before the lease has run out."""
    beating = Heartbeat(ledger)
    spare = Ledger.open(state.url, state.environment, now)
    with spare.engine.begin() as connection:
        connection.execute(text("ALTER TABLE leases RENAME TO gone"))
    beating.start()
    time.sleep(0.3)
    with spare.engine.begin() as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO leases"))
    before = renewed_at(ledger)
    await_that(lambda: renewed_at(ledger) > before)
    beating.stop()
    ledger.close()
    spare.close()


def test_it_takes_no_lost_lease_back(ledger: Ledger) -> None:
    """Where another run has the lease, the heartbeat ends, and the run's next write says so."""
    beating = Heartbeat(ledger)
    with ledger.engine.begin() as connection:
        connection.execute(text("UPDATE leases SET token = token + 1, renewed_at = 'theirs'"))
    beating.start()
    await_that(lambda: not beating._thread.is_alive())
    assert renewed_at(ledger) == "theirs"
    with pytest.raises(LeaseLostError):
        ledger.renew_lease()
    beating.stop()
    ledger.close()


def test_without_a_lease_it_leaves_the_ledger_alone(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that needs no lease, as that of a dry run, may have one connection: no thread but its own uses it."""
    monkeypatch.setattr(lease, "LEASE_SECONDS", 0.04)
    ledger = Ledger.open(state.url, state.environment, now)
    begun: list[object] = []
    event.listen(ledger.engine, "begin", begun.append)
    beating = Heartbeat(ledger)
    beating.start()
    time.sleep(0.2)
    beating.stop()
    assert begun == []
    ledger.close()
