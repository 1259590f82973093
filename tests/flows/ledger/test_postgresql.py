"""The ledger on a server, where two may do at once what SQLite lets them do one after the other."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Connection, text

from flows.document import JobError
from flows.ledger import tables
from flows.ledger.acquisition import _Applicant, take_lease
from flows.ledger.bulk import delete_rows, write_rows
from flows.ledger.knowledge import LedgerError
from flows.ledger.lease import LeaseHeldError
from flows.ledger.ledger import Ledger
from flows.ledger.lock import OwnerLock
from flows.ledger.record import moment_text
from flows.ledger.steady import STEADY
from flows.run import now
from tests.flows.ledger.pulse import Pulse
from tests.server import Database
from tests.state import KEY, State, server_state


@pytest.fixture
def served(postgresql: Database) -> State:
    """Name a ledger that nobody has made yet."""
    return server_state(postgresql)


@pytest.fixture
def ledger(served: State) -> Iterator[Ledger]:
    """Open a ledger on a server."""
    made = Ledger.open(served.url, served.environment, now)
    yield made
    made.close()


def at_once(number: int, work: Callable[[int], object]) -> list[object]:
    """Call a function in so many threads at the same moment; gives results and errors."""
    gate = Barrier(number)

    def called(place: int) -> object:
        gate.wait()
        try:
            return work(place)
        except Exception as error:  # noqa: BLE001 - it is the result
            return error

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(called, range(number)))


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_servers_address_needs_no_driver(served: State, scheme: str) -> None:
    """However providers write the address, the driver that the extra brings is taken."""
    url = served.url.replace("postgresql:", f"{scheme}:")
    made = Ledger.open(url, served.environment, now)
    assert made.engine.dialect.driver == "psycopg"
    made.close()


def test_a_missing_driver_is_named_by_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without psycopg the message says which extra to install."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(JobError, match=r"rollcall-sync\[postgresql\]"):
        Ledger.open("postgresql://nobody@127.0.0.1:1/none", {"ROLLCALL_KEY": KEY}, now)


def test_without_its_key_nothing_is_made_on_the_server(served: State, postgresql: Database) -> None:
    """Exit code 2 means that nothing was written: not even tables."""
    with pytest.raises(JobError, match="ROLLCALL_KEY is not set"):
        Ledger.open(served.url, {}, now)
    with postgresql.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")).scalar() == 0


def test_a_password_stays_out_of_the_message() -> None:
    """A server that does not answer is named without its password."""
    with pytest.raises(JobError) as caught:
        Ledger.open("postgresql://me:s3cret@127.0.0.1:1/none", {"ROLLCALL_KEY": KEY}, now)
    assert "s3cret" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_many_may_open_a_new_ledger_at_once(served: State) -> None:
    """The first makes the tables and notes the key while the others wait."""
    opened = at_once(6, lambda _: Ledger.open(served.url, served.environment, now))
    assert {type(each) for each in opened} == {Ledger}, opened
    for each in opened:
        assert isinstance(each, Ledger)
        each.close()


def test_of_two_keys_at_once_one_is_refused(served: State) -> None:
    """Whoever comes second to a new ledger finds another key in it."""
    opened = at_once(2, lambda place: Ledger.open(served.url, {"ROLLCALL_KEY": f"key {place}"}, now))
    assert sorted(type(each).__name__ for each in opened) == ["JobError", "Ledger"]
    for each in opened:
        if isinstance(each, Ledger):
            each.close()


@pytest.mark.parametrize("known", [False, True])
def test_of_two_that_take_a_free_lease_at_once_one_gets_it(ledger: Ledger, *, known: bool) -> None:
    """S07: whether the job is new or its lease ran out, the second waits for the first, and is refused."""
    if known:
        ledger.take_lease("crm")
        ledger.release_lease()

    applicant = _Applicant(ledger.engine, "crm", now, STEADY, None, OwnerLock(ledger.engine, "crm"))

    def take_it() -> int:
        with ledger.engine.begin() as connection:
            return applicant._write(connection, "")

    with ThreadPoolExecutor(1) as thread:
        with ledger.engine.begin() as connection:
            assert applicant._write(connection, "") == 1 + known
            taking = thread.submit(take_it)
            wait_for_a_lock(connection)
        with pytest.raises(LeaseHeldError):
            taking.result(10)


def test_a_lease_renewed_while_another_looked_at_it_is_not_taken(ledger: Ledger) -> None:
    """S09: who has watched a lease to the end waits for the transaction in which its holder renews it after all."""
    held = take_lease(ledger.engine, "crm", now)
    with ledger.engine.begin() as connection:
        long_ago = {"renewed_at": "2026-03-01T12:00:00", "expires_at": "2026-03-01T12:00:40"}
        connection.execute(tables.leases.update().values(**long_ago))
    with ThreadPoolExecutor(1) as thread:
        with ledger.engine.begin() as connection:
            held.prove(connection)
            taking = thread.submit(take_lease, ledger.engine, "crm", now, steady=Pulse().steady)
            wait_for_a_lock(connection)
        with pytest.raises(LeaseHeldError):
            taking.result(10)
    held.release(ledger.engine)


def wait_for_a_lock(connection: Connection) -> None:
    """Wait until somebody waits for a row that this transaction holds."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")
    end = time.monotonic() + 5
    while not connection.execute(waiting).scalar():
        assert time.monotonic() < end, "nobody waits"


def test_a_lease_is_not_freed_by_a_lock_of_the_same_name_elsewhere(ledger: Ledger) -> None:
    """Containers of one host name have a folder for locks each: a free lock there says nothing about an owner here."""
    ledger.take_lease("crm")
    with ledger.engine.begin() as connection:
        owner = str(connection.execute(text("SELECT owner FROM leases")).scalar())
        elsewhere = owner.rsplit(":", 1)[0] + ":1"
        connection.execute(text("UPDATE leases SET owner = :owner"), {"owner": elsewhere})
    assert ledger._lease is not None
    ledger._lease.lock.release()
    with pytest.raises(LeaseHeldError):
        take_lease(ledger.engine, "crm", now)


def test_a_locked_lease_is_not_waited_for_without_end(ledger: Ledger) -> None:
    """S06: a writer that waits for another's lock gives up after the time that SQLite is given, and says so."""
    with ledger.engine.connect() as connection:
        assert connection.execute(text("SHOW lock_timeout")).scalar() == "30s"
    ledger.take_lease("crm")
    with ledger.engine.begin() as other:
        other.execute(text("SELECT * FROM leases FOR UPDATE"))
        with ledger.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("SET lock_timeout = '50ms'")
            driver.commit()
        with pytest.raises(LedgerError, match="lock timeout"):
            ledger.renew_lease()


def test_who_is_frozen_within_a_transaction_keeps_nobody_out(served: State) -> None:
    """S09: the server ends a transaction in which nothing happens, before those that wait for its rows give up."""
    frozen, other = (Ledger.open(served.url, served.environment, now) for _ in range(2))
    patience = text("SHOW idle_in_transaction_session_timeout")
    frozen.take_lease("crm")
    with frozen.writing() as connection:
        assert connection.execute(patience).scalar() == "20s"
    with frozen.reading() as connection:  # which may be long, and is in nobody's way
        assert connection.execute(patience).scalar() == "0"

    def fall_asleep() -> None:
        with frozen.writing() as connection:
            connection.execute(text("SET idle_in_transaction_session_timeout = '100ms'"))
            with pytest.raises(LeaseHeldError):
                other.take_lease("crm")
            connection.execute(text("SELECT 1"))

    with pytest.raises(LedgerError, match="idle-in-transaction"):
        fall_asleep()
    frozen.close()
    other.close()


def test_s03_a_commit_is_on_disk_whatever_the_server_is_set_to(served: State, postgresql: Database) -> None:
    """A server that acknowledges commits before they are safe is told not to."""
    name = postgresql.engine.url.database
    postgresql.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    try:
        made = Ledger.open(served.url, served.environment, now)
        with made.engine.connect() as connection:
            assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"
        made.close()
    finally:
        postgresql.execute(f"ALTER DATABASE {name} RESET synchronous_commit")


def test_what_is_read_together_is_of_one_moment(ledger: Ledger) -> None:
    """A question of several queries is answered from one state of the ledger, and cannot write."""
    count = text("SELECT count(*) FROM intents")
    with ledger.reading() as connection:
        assert connection.execute(count).scalar() == 0
        with ledger.engine.begin() as other:
            write_rows(other, tables.intents, [(1, "C-1", "k1", 1, 1)])
        assert connection.execute(count).scalar() == 0
    with pytest.raises(LedgerError, match="read-only"), ledger.reading() as connection:
        connection.execute(text("DELETE FROM intents"))


def test_rows_are_written_replaced_and_deleted(ledger: Ledger) -> None:
    """Nulls, bytes and text that looks like an array survive; of a key given twice the last row stands."""
    rows = [
        (1, "k{1}", None, b"\0\xff", None, None, "created", 1),
        (1, 'k",\\', "NULL", None, "f", "", "updated", 1),
        (1, "k{1}", "späť", b"", None, None, "updated", 2),
        (1, "n\0l", "a", None, None, None, "created", 1),
    ]
    with ledger.engine.begin() as connection:
        write_rows(connection, tables.customers, rows)
    with ledger.reading() as connection:
        found = {tuple(row) for row in connection.execute(tables.customers.select())}
    assert found == {rows[1], rows[2], (1, "n␀l", *rows[3][2:])}
    with ledger.engine.begin() as connection:
        delete_rows(connection, tables.customers, [(1, "k{1}"), (1, "n\0l"), (2, 'k",\\')])
    assert ledger.remembered(1, ["k{1}", "n\0l", 'k",\\']).keys() == {'k",\\'}


def test_a_ledger_finds_its_place_in_a_schema_of_its_own(served: State, postgresql: Database) -> None:
    """The tables are made in the connection's own schema, beside another's tables of the same names."""
    postgresql.execute("CREATE TABLE customers (id int)", "CREATE SCHEMA rollcall")
    with pytest.raises(JobError, match='"customers" already exists'):
        Ledger.open(served.url, served.environment, now)
    made = Ledger.open(f"{served.url}?options=-csearch_path%3Drollcall", served.environment, now)
    made.take_lease("crm")
    made.close()
    with postgresql.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM rollcall.leases")).scalar() == 1
        public = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars()
        assert list(public) == ["customers"]


def test_a_released_lease_runs_out_at_once(ledger: Ledger) -> None:
    """A later run on another machine need not wait for a lease that was given back."""
    ledger.take_lease("crm")
    ledger.release_lease()
    with ledger.engine.connect() as connection:
        expires_at = connection.execute(text("SELECT expires_at FROM leases")).scalar()
    assert expires_at is not None
    assert str(expires_at) <= moment_text(now())
