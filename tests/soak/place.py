"""What a soak runs in: a table whose customers change all the time, a sandbox with faults, and the ledger's size."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, create_engine, event, make_url, text

from connectors.sandbox.fault import Faults, Strike
from tests.server import connect
from tests.state import State

SIZE = 2000
CHANGES = 20  # customers a second

TABLE = "CREATE TABLE customers (no TEXT PRIMARY KEY, name TEXT, email TEXT, changed TEXT)"
JOB = """\
job: soak
source: {{kind: database, url: "sqlite:///crm.db", table: customers, key: no, updated_at: changed, overlap: 5s}}
target: {{kind: valomnia, base_url: "{base_url}", username: sandbox, password: sandbox}}
fields:
  reference: no
  name: {{from: name, convert: strip}}
  email: {{from: email, convert: email}}
page_size: 100
"""
# Answers are lost before and after the commit, and one request in ten is refused for no fault of the customer's.
FAULTS = Faults(
    latency_ms=5,
    seed=7,
    strikes=(
        Strike(kind="drop", probability=0.02, methods=("POST",)),
        Strike(kind="drop", probability=0.02, methods=("POST",), after_commit=True),
        Strike(kind="error", probability=0.1, methods=("POST",), status=503),
        Strike(kind="error", probability=0.01, methods=("POST",), status=429, retry_after="1"),
    ),
)


class Source:
    """A table of customers; one in a hundred has an e-mail address that is none."""

    def __init__(self, folder: Path) -> None:
        self.engine = create_engine(f"sqlite:///{folder / 'crm.db'}")
        event.listen(self.engine, "connect", _in_parallel)
        self.changes = 0
        self._chance = random.Random(1)
        with self.engine.begin() as connection:
            connection.execute(text(TABLE))
        self._write(range(SIZE))

    def change_some(self) -> None:
        """Give some customers new values."""
        self._write(self._chance.sample(range(SIZE), CHANGES))
        self.changes += CHANGES

    def names(self) -> dict[str, str]:
        """Give the names of those who are valid."""
        with self.engine.connect() as connection:
            query = text("SELECT no, name FROM customers WHERE email LIKE '%@%'")
            return {row.no: row.name for row in connection.execute(query)}

    def _write(self, numbers: range | list[int]) -> None:
        now = datetime.now(UTC).isoformat()
        rows = [
            {
                "no": f"S-{number}",
                "name": f"Name {number} {self.changes}",
                "email": "nobody" if number % 100 == 0 else f"s{number}@example.com",
                "changed": now,
            }
            for number in numbers
        ]
        with self.engine.begin() as connection:
            connection.execute(text("INSERT OR REPLACE INTO customers VALUES (:no, :name, :email, :changed)"), rows)


def _in_parallel(connection: object, _: object) -> None:
    connection.execute("PRAGMA journal_mode = WAL")  # type: ignore[attr-defined]  # SQLAlchemy gives no type


@contextmanager
def changing(source: Source) -> Iterator[None]:
    """Change customers once a second until the end of the block."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(1):
            source.change_some()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class LedgerSize:
    """How large a ledger is, and how much of it is history: what grows with every customer who is sent."""

    def __init__(self, state: State) -> None:
        self._url = make_url(state.url)
        self._engine: Engine = connect(state.url)

    def bytes(self) -> tuple[int, int]:
        """Tell the size of the database, and that of its write-ahead log where it is a file."""
        if self._url.drivername != "sqlite":
            with self._engine.connect() as connection:
                return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()), 0
        file = Path(str(self._url.database))
        log = Path(f"{file}-wal")
        return file.stat().st_size, log.stat().st_size if log.exists() else 0

    def rows(self) -> dict[str, int]:
        """Count the rows of each table."""
        names = ("runs", "pages", "lines", "customers", "crosswalk", "intents", "rejects", "watermarks", "leases")
        with self._engine.connect() as connection:
            return {name: int(connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()) for name in names}

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()
