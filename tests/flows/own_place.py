"""A place of runs whose ledger is of the kind that is asked for; its job file says where, so every process finds it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text

from tests.flows.kill_place import Place, open_place
from tests.server import connect
from tests.state import own_state

DATABASE_JOB = """\
job: killed
source:
  kind: database
  url: sqlite:///{folder}/source.db
  table: customers
  key: id
  updated_at: updated_at
  time_zone: UTC
  overlap: 0s
target: {{kind: valomnia, base_url: "{url}", username: sandbox, password: sandbox, concurrency: 8}}
fields: {{reference: no, name: name}}
page_size: 20
"""


class OwnPlace(Place):
    """A place with its ledger in a file beside the job, or on a server."""

    @property
    def ledger_lines(self) -> str:
        """What the job file says of the ledger; nothing, where that is the file beside it."""
        state = own_state(self.job.parent, "rollcall")
        key = state.environment.get("ROLLCALL_KEY")
        return f'ledger: {{url: "{state.url}", key: "{key}"}}\n' if key else ""

    def name_ledger(self) -> None:
        """Let the job file say where the ledger is."""
        self.population.settings["ROLLCALL_STATE"] = own_state(self.job.parent, "rollcall").url
        with self.job.open("a", encoding="utf-8") as file:
            file.write(self.ledger_lines)

    def use_table(self, count: int) -> None:
        """Have the job read a table of so many customers, whose last updates are a second apart."""
        folder = self.job.parent
        with closing(sqlite3.connect(folder / "source.db")) as connection, connection:
            connection.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, no TEXT, name TEXT, updated_at TEXT)")
            connection.executemany(
                "INSERT INTO customers VALUES (?, ?, ?, ?)",
                [(n, f"D-{n}", f"Name {n}", f"2026-01-01 08:{n // 60:02}:{n % 60:02}") for n in range(count)],
            )
        url = self.job.read_text(encoding="utf-8").split("base_url: ")[1].split()[0]
        self.job.write_text(DATABASE_JOB.format(folder=folder, url=url) + self.ledger_lines, encoding="utf-8")

    def ask(self, query: str) -> list[Any]:
        """Ask the ledger."""
        engine = connect(self.population.state)
        try:
            with engine.connect() as connection:
                return [tuple(row) for row in connection.execute(text(query))]
        finally:
            engine.dispose()


@contextmanager
def open_own_place(
    folder: Path, *, size: int = 300, page_size: int = 50, concurrency: int = 16, latency_ms: float = 4
) -> Iterator[OwnPlace]:
    """Open a place until the end of the block; see `open_place`."""
    opened = open_place(folder, size=size, page_size=page_size, concurrency=concurrency, latency_ms=latency_ms)
    with opened as place:
        own = OwnPlace(place.app, place.population)
        own.name_ledger()
        yield own
