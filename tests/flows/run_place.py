"""Puts customers, their job, a ledger and a sandbox side by side, for runs that are killed, stopped or frozen.

The ledger is of the kind that is asked for; the job file says where, so that every process finds it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.fault import Faults
from connectors.sandbox.server import running
from connectors.sandbox.valomnia.vendor import valomnia_app
from flows.job import load_job
from flows.run import run_job
from flows.state import open_ledger
from flows.summary import Summary
from flows.watch import Watch
from tests.kill.judge import differences, repeats, writes
from tests.kill.population import Population
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


@dataclass(frozen=True, slots=True)
class Place:
    """A sandbox that can be looked into, the customers that are to go there, and the ledger of whoever takes them."""

    app: SandboxApp
    population: Population

    @property
    def job(self) -> Path:
        """The job file."""
        return self.population.job

    @property
    def requests(self) -> int:
        """How many requests there were, signing in included."""
        return len(self.app.journal.entries)

    @property
    def writes(self) -> int:
        """How many upserts there were."""
        return len(writes(self.app.journal.entries))

    @property
    def repeated(self) -> int:
        """How many upserts nobody needed."""
        return len(repeats(self.app.journal.entries))

    @property
    def applied(self) -> dict[str, str]:
        """The customers that the sandbox holds: reference and id."""
        return {str(held["reference"]): str(held["id"]) for held in self.app.vendor.customers("")}

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

    def differences(self) -> list[str]:
        """List what is not as it must be at the end."""
        return differences(self.population, self.app.journal.entries, self.app.vendor.customers(""))

    def ask(self, query: str) -> list[Any]:
        """Ask the ledger."""
        engine = connect(self.population.state)
        try:
            with engine.connect() as connection:
                return [tuple(row) for row in connection.execute(text(query))]
        finally:
            engine.dispose()


@contextmanager
def open_place(
    folder: Path, *, size: int = 300, page_size: int = 50, concurrency: int = 16, latency_ms: float = 4
) -> Iterator[Place]:
    """Serve a sandbox until the end of the block, and write a job and customers for it."""
    app = valomnia_app(faults=Faults(latency_ms=latency_ms))
    population = Population(folder / "job", size)
    with running(app) as url:
        population.write(url, page_size=page_size, concurrency=concurrency)
        place = Place(app, population)
        place.name_ledger()
        yield place


def run_here(path: Path, watch: Watch | None = None) -> Summary:
    """Run the job in this process."""
    job = load_job(path, {})
    ledger = open_ledger(job, {})
    try:
        return asyncio.run(run_job(job, ledger, watch or Watch()))
    finally:
        ledger.close()
