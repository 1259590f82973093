"""Puts customers, their job and a sandbox in this process side by side, for runs that are killed, stopped or frozen."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.fault import Faults
from connectors.sandbox.server import running
from connectors.sandbox.valomnia.vendor import valomnia_app
from tests.flows.kill_judge import differences, repeats, writes
from tests.flows.kill_population import Population


@dataclass(frozen=True, slots=True)
class Place:
    """A sandbox that can be looked into, and the customers that are to go there."""

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

    def differences(self) -> list[str]:
        """List what is not as it must be at the end."""
        return differences(self.population, self.app.journal.entries, self.app.vendor.customers(""))

    def ask(self, query: str) -> list[Any]:
        """Ask the ledger."""
        with closing(sqlite3.connect(self.population.ledger, timeout=5)) as connection:
            return connection.execute(query).fetchall()


@contextmanager
def open_place(
    folder: Path, *, size: int = 300, page_size: int = 50, concurrency: int = 16, latency_ms: float = 4
) -> Iterator[Place]:
    """Serve a sandbox until the end of the block, and write a job and customers for it."""
    app = valomnia_app(faults=Faults(latency_ms=latency_ms))
    population = Population(folder / "job", size)
    with running(app) as url:
        population.write(url, page_size=page_size, concurrency=concurrency)
        yield Place(app, population)
