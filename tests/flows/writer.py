"""Changes the customers of a database, from a process of its own, until told to stop.

`python -m tests.flows.writer URL` inserts, updates and deletes in several connections, stamps thousands of customers
with one time, and holds transactions open, so that what they stamped becomes visible late, up to LONGEST_SECONDS. It
prints at its end how many versions of customers it has committed. It shares no code with the source that reads them.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Iterator

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError

LONGEST_SECONDS = 1.5
HANDS = 3
FIRST = 3000
BLOCK = 1500

TABLES = {
    "sqlite": "CREATE TABLE customers (id INTEGER PRIMARY KEY, no TEXT, name TEXT, city TEXT, updated_at TEXT)",
    "postgresql": "CREATE TABLE customers (id int PRIMARY KEY, no text, name text, city text, updated_at timestamptz)",
    "mysql": "CREATE TABLE customers (id int PRIMARY KEY, no varchar(20), name varchar(80), city varchar(80),"
    " updated_at datetime(6)) CHARACTER SET utf8mb4",
}
CLOCKS = {"sqlite": "strftime('%Y-%m-%d %H:%M:%f', 'now')", "postgresql": "now()", "mysql": "utc_timestamp(6)"}


def connect(url: str) -> Engine:
    """Open the database; on SQLite a transaction takes the write lock at its start."""
    sqlite = url.startswith("sqlite")
    engine = create_engine(url, **({} if sqlite else {"isolation_level": "READ COMMITTED", "pool_size": HANDS}))
    if sqlite:
        event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def fill(engine: Engine) -> None:
    """Make the table with its first customers, all of one moment."""
    with engine.begin() as connection:
        connection.execute(text(TABLES[engine.dialect.name]))
        connection.execute(text("CREATE INDEX by_update ON customers (updated_at, id)"))
    with engine.begin() as connection:
        insert(connection, range(FIRST))


def insert(connection: Connection, numbers: range) -> int:
    """Add customers, all with the time of this statement."""
    rows = ", ".join(f"({n}, 'C-{n}', 'Müller {n}', 'Bern', :now)" for n in numbers)
    now = connection.execute(text(f"SELECT {CLOCKS[connection.dialect.name]}")).scalar_one()
    connection.execute(text(f"INSERT INTO customers VALUES {rows}"), {"now": now})
    return len(numbers)


def update(connection: Connection, condition: str, name: str) -> int:
    """Change customers, all with one time."""
    clock = CLOCKS[connection.dialect.name]
    return connection.execute(
        text(f"UPDATE customers SET name = :name, updated_at = {clock} WHERE {condition}"), {"name": name}
    ).rowcount


class Hand:
    """One connection's share of the customers: those whose number leaves its own remainder."""

    def __init__(self, engine: Engine, number: int, stop: threading.Event) -> None:
        self.engine, self.number, self.stop = engine, number, stop
        self.random = random.Random(number)
        self.next = FIRST + 1_000_000 * (number + 1)
        self.versions = 0

    def work(self) -> None:
        """Change customers until told to stop."""
        for step in self._steps():
            if self.stop.is_set():
                return
            try:
                with self.engine.begin() as connection:
                    done = self._do(connection, step)
            except OperationalError:  # a lock that was not given: nothing was changed
                continue
            self.versions += done
            time.sleep(self.random.uniform(0.0, 1.2))

    def _steps(self) -> Iterator[int]:
        while True:
            yield self.random.randrange(10)

    def _do(self, connection: Connection, step: int) -> int:
        mine = f"id % {HANDS} = {self.number}"
        start = self.random.randrange(FIRST)
        name = f"N{self.random.random()}"
        match step:
            case 0:
                return update(connection, f"{mine} AND id BETWEEN {start} AND {start + BLOCK}", name)
            case 1 | 2:
                self.next += 50
                return insert(connection, range(self.next - 50, self.next))
            case 3:
                connection.execute(text(f"DELETE FROM customers WHERE {mine} AND id BETWEEN {start} AND {start + 9}"))
                return 0
            case 4 | 5:  # stamped now, to be seen later
                done = update(connection, f"{mine} AND id BETWEEN {start} AND {start + 50}", name)
                self._wait(connection)
                return done
            case 6:  # PostgreSQL's now() is that of the transaction's start
                connection.execute(text(f"SELECT {CLOCKS[connection.dialect.name]}"))
                self._wait(connection)
                return update(connection, f"{mine} AND id BETWEEN {start} AND {start + 50}", name)
            case _:
                return update(connection, f"{mine} AND id BETWEEN {start} AND {start + 20}", name)

    def _wait(self, connection: Connection) -> None:
        longest = (
            0.2 if connection.dialect.name == "sqlite" else LONGEST_SECONDS
        )  # one writer holds up all others there
        time.sleep(self.random.uniform(0.0, longest))


def main() -> None:
    """Change customers until standard input ends."""
    engine = connect(sys.argv[1])
    stop = threading.Event()
    hands = [Hand(engine, number, stop) for number in range(HANDS)]
    threads = [threading.Thread(target=hand.work) for hand in hands]
    for thread in threads:
        thread.start()
    print("ready", flush=True)
    sys.stdin.read()
    stop.set()
    for thread in threads:
        thread.join()
    engine.dispose()
    print(sum(hand.versions for hand in hands), flush=True)


if __name__ == "__main__":
    main()
