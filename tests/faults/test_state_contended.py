"""Others hold, read or write the ledger while a run does (FAULTS.md S05, S06, S15)."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

import flows.ledger.engine
from connectors.protocol import Answer, Row
from flows.ledger.engine import reading_from
from flows.ledger.ledger import Ledger
from flows.summary import ExitCode
from tests.flows.bench import Bench, record
from tests.flows.fake import FakeTarget
from tests.state import State, file_state, skip_unless_asked

COMMITS = 500
WRITERS = 4
N = 30


def test_s05_many_read_and_then_write(tmp_path: Path) -> None:
    """2,000 transactions that read a number and write the next, from four connections: none fails, none is lost."""
    skip_unless_asked("sqlite")
    state = file_state(tmp_path)
    bench = Bench(tmp_path, state)
    with bench.ledger.engine.begin() as connection:
        connection.execute(text("INSERT INTO settings VALUES ('counter', '0')"))

    def count(_: int) -> None:
        with closing(Ledger.open(state.url, state.environment, bench.clock)) as ledger:
            for _ in range(COMMITS):
                with ledger.engine.begin() as connection:
                    seen = connection.execute(text("SELECT value FROM settings WHERE name = 'counter'")).scalar_one()
                    following = {"v": str(int(seen) + 1)}
                    connection.execute(text("UPDATE settings SET value = :v WHERE name = 'counter'"), following)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(count, range(WRITERS)))
    with bench.ledger.reading() as connection:
        found = connection.execute(text("SELECT value FROM settings WHERE name = 'counter'")).scalar()
    assert found == str(COMMITS * WRITERS)
    with reading_from(bench.ledger.engine) as late:  # not begun immediately: the test can fail
        late.execute(text("SELECT count(*) FROM settings")).scalar()
        with bench.ledger.engine.begin() as connection:
            connection.execute(text("UPDATE settings SET value = '0' WHERE name = 'counter'"))
        with pytest.raises(OperationalError, match="locked"):
            late.execute(text("UPDATE settings SET value = '1' WHERE name = 'counter'"))
    bench.ledger.close()


@contextmanager
def locked(engine: Engine) -> Iterator[None]:
    """Keep everybody else from writing, as a program that hangs in a transaction would."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            driver = sqlite3.connect(str(engine.url.database), isolation_level=None, check_same_thread=False)
            with closing(driver):
                driver.execute("BEGIN IMMEDIATE")
                yield
                driver.rollback()
            return
        with connection.begin():
            connection.execute(text("LOCK TABLE intents, lines, leases, runs, pages IN EXCLUSIVE MODE"))
            yield


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: State) -> Iterator[Bench]:
    """Set up a job whose ledger waits for locks for two seconds, not thirty."""
    monkeypatch.setattr(flows.ledger.engine, "_BUSY_SECONDS", 2)
    made = Bench(tmp_path, state)
    made.source.records = [record(f"C-{number}") for number in range(N)]
    yield made
    made.ledger.close()


@pytest.mark.parametrize(("seconds", "expected"), [(0.7, ExitCode.DONE), (30.0, ExitCode.FAILED)])
def test_s06_another_holds_the_lock(impatient: Bench, seconds: float, expected: ExitCode) -> None:
    """A lock that is given back in time is waited for; where it is not, the run stops, and a rerun ends it."""
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with closing(impatient.open_ledger()) as other, locked(other.engine):
            held.set()
            over.wait(seconds)

    holder = threading.Thread(target=hold)
    pages = iter(range(N))

    def lock(step: str) -> None:
        if step == "intended" and next(pages) == 3:
            holder.start()
            assert held.wait(20)

    summary = impatient.run(on_step=lock)
    over.set()
    holder.join(20)
    assert summary.exit_code is expected, summary
    again = impatient.run()
    assert (again.exit_code, again.counts.extracted, again.counts.balanced) == (ExitCode.DONE, N, True)
    assert set(impatient.target.customers) == {f"C-{number}" for number in range(N)}
    assert impatient.run().requests == 0


class HangingTarget(FakeTarget):
    """Says nothing until the test has looked at the ledger."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench
        self.looked = 0

    async def send(self, row: Row) -> Answer:
        """Hang, have the ledger written to and read by others meanwhile, and answer."""
        await asyncio.sleep(0.05)
        await asyncio.to_thread(self.look)
        return await super().send(row)

    def look(self) -> None:
        """Write and read at once, without waiting for anybody."""
        engine = self.bench.ledger.engine
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                idle = text(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND pid <> pg_backend_pid() AND xact_start < now() - interval '1 second'"
                )
                assert connection.execute(idle).scalar() == 0, "a transaction is open while the target hangs"
        if engine.dialect.name == "sqlite":
            other = sqlite3.connect(str(engine.url.database), isolation_level=None, timeout=1)
            with closing(other):
                other.execute("BEGIN IMMEDIATE")
                assert other.execute("SELECT count(*) FROM intents").fetchone() != (0,)
                other.execute("ROLLBACK")
        self.looked += 1


def test_s15_no_transaction_is_open_while_the_target_hangs(bench: Bench) -> None:
    """While requests have no answer, others read the ledger and write to it at once."""
    bench.source.records = [record(f"C-{number}") for number in range(6)]
    bench.target = HangingTarget(bench)
    summary = bench.run()
    assert (summary.exit_code, len(bench.target.customers), bench.target.looked) == (ExitCode.DONE, 6, 6), summary
