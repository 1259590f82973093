"""A job, its customers and a sandbox, with the ledger in a file or on a server, for runs that compete for one lease."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.sandbox.fault import Faults
from connectors.sandbox.journal import Entry
from connectors.sandbox.server import running
from connectors.sandbox.valomnia.vendor import valomnia_app
from tests.faults.lease_run import Starter
from tests.flows.run_place import Place
from tests.kill.population import Population
from tests.state import State

LOGIN = "/j_spring_security_check"


@dataclass(frozen=True, slots=True)
class LeasePlace(Place):
    """A place whose runs compete for one lease."""

    @property
    def runs(self) -> Starter:
        """What starts runs of the job."""
        return Starter(self.population.job, self.population.settings)

    @property
    def entries(self) -> list[Entry]:
        """Every request so far, signing in included."""
        return list(self.app.journal.entries)

    @property
    def logins(self) -> int:
        """How many runs signed in."""
        return sum(entry.path == LOGIN for entry in self.entries)

    @property
    def plain(self) -> int:
        """How many upserts one run makes: customers that are fit, and those that only the target refuses."""
        return sum(number % 100 not in (13, 37, 83, 97) for number in range(self.population.size))

    def pace(self, latency_ms: float) -> None:
        """Let the sandbox take so long for each answer from now on."""
        self.app.faults = Faults(latency_ms=latency_ms)

    def is_writable(self) -> bool:
        """Say whether nobody is within a transaction that writes to a ledger in a file."""
        if not self.population.state.startswith("sqlite:///"):
            return True
        with closing(sqlite3.connect(self.population.state.removeprefix("sqlite:///"), timeout=0)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
        return True

    def dump(self) -> dict[str, list[Any]]:
        """Write down every row of the tables that a run writes to."""
        names = ("runs", "pages", "lines", "customers", "crosswalk", "intents", "rejects", "watermarks", "leases")
        return {name: sorted(self.ask(f"SELECT * FROM {name}"), key=repr) for name in names}


@contextmanager
def lease_place(
    folder: Path, state: State, *, size: int = 300, page_size: int = 50, concurrency: int = 16, latency_ms: float = 4
) -> Iterator[LeasePlace]:
    """Serve a sandbox until the end of the block, and write a job and customers for it."""
    app = valomnia_app(faults=Faults(latency_ms=latency_ms))
    population = Population(folder / "job", size, settings={"ROLLCALL_STATE": state.url, **state.environment})
    with running(app) as url:
        population.write(url, page_size=page_size, concurrency=concurrency)
        yield LeasePlace(app, population)
