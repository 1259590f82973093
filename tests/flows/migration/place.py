"""A table of customers, a sandbox to move them into, and a ledger; judged by what the sandbox saw and holds."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from sqlalchemy import text

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.journal import Entry
from flows.job import Job, load_job
from flows.ledger.ledger import Ledger
from flows.migration.thread import threads
from flows.migration.whole import Course, Workers, migrate
from flows.run import now, run_job
from flows.selection import EVERYTHING, Selection
from flows.summary import Summary
from flows.watch import Watch
from tests.flows.command import PASSWORD
from tests.state import State

Customer = Mapping[str, Any]
Steps = Callable[[str], None]

COLUMNS = ("id", "no", "name", "city", "parent")

# What must not be in a ledger after a migration that came to its end.
_LEFT_OVER = {
    "partitions": "SELECT count(*) FROM partitions",
    "claims": "SELECT count(*) FROM claims",
    "shares": "SELECT count(*) FROM shares",
    "watermarks of partitions": "SELECT count(*) FROM watermarks WHERE filter LIKE 'partition %'",
    "intents": "SELECT count(*) FROM intents",
    "runs without an end": "SELECT count(*) FROM runs WHERE status = 'running'",
}

# What must not be in any ledger.
_LAWS = {
    "a page does not balance": (
        "SELECT count(*) FROM pages p WHERE p.confirmed_at IS NOT NULL AND p.extracted <> p.unchanged + p.filtered"
        " + (SELECT count(*) FROM lines l WHERE l.run = p.run AND l.page = p.page)"
    ),
    "a run does not balance": (
        "SELECT count(*) FROM runs WHERE status = 'completed' AND (unfinished <> 0 OR extracted <> created + updated"
        " + unchanged + filtered + invalid + rejected + deferred)"
    ),
    "a customer is both done and rejected": (
        "SELECT count(*) FROM customers c JOIN rejects r ON r.scope = c.scope AND r.source_key = c.source_key"
        " WHERE r.closed_at IS NULL AND c.outcome NOT IN ('invalid', 'rejected')"
    ),
}


def customer(number: int, **values: Any) -> dict[str, Any]:
    """Make a customer of the table."""
    return {"id": number, "no": f"C-{number}", "name": f"Name {number}", "city": f"City {number}", **values}


@dataclass
class Place:
    """A migration's two sides and its ledger."""

    folder: Path
    state: State
    app: SandboxApp
    url: str
    source: dict[str, Any] = field(default_factory=dict)
    target: dict[str, Any] = field(default_factory=dict)
    job: dict[str, Any] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.source = {"kind": "database", "url": "sqlite:///crm.db", "table": "customers", "key": "id"}
        self.target = {"kind": "valomnia", "base_url": self.url, "username": "sandbox", "password": PASSWORD}
        self.job = {
            "fields": {"reference": "no", "name": "name", "billingCity": "city", "parentCustomer": "parent"},
            "page_size": 5,
        }

    @property
    def path(self) -> Path:
        """The job file."""
        return self.folder / "move.yaml"

    def fill(self, customers: Sequence[Customer], key: str = "id INTEGER PRIMARY KEY") -> None:
        """Put these customers, and no others, into the table."""
        columns = list(dict.fromkeys([*COLUMNS, *(name for each in customers for name in each)]))
        rest = ", ".join(f"{name} TEXT" for name in columns if name != "id")
        with closing(sqlite3.connect(self.folder / "crm.db")) as database, database:
            database.execute("DROP TABLE IF EXISTS customers")
            database.execute(f"CREATE TABLE customers ({key}, {rest})")
            marks = ", ".join("?" * len(columns))
            names = ", ".join(columns)
            rows = [[each.get(name) for name in columns] for each in customers]
            database.executemany(f"INSERT INTO customers ({names}) VALUES ({marks})", rows)

    def execute(self, statement: str) -> None:
        """Change the table."""
        with closing(sqlite3.connect(self.folder / "crm.db")) as database, database:
            database.execute(statement)

    def write_job(self) -> Job:
        """Write the job as it is now, and read it."""
        with self.path.open("w", encoding="utf-8") as file:
            YAML().dump({"job": "move", "source": self.source, "target": self.target, **self.job}, file)
        return load_job(self.path, {})

    def open_ledger(self) -> Ledger:
        """Open the ledger, as a further process would."""
        return Ledger.open(self.state.url, self.state.environment, now)

    def migrate(
        self,
        partitions: int = 3,
        *,
        workers: int = 3,
        verify: bool = True,
        on_step: Steps = lambda _: None,
        watch: Watch | None = None,
        hired: Callable[[Workers], Workers] = lambda workers: workers,
    ) -> Summary:
        """Migrate in this process, on threads; `hired` may put other workers before them."""
        job, watch = self.write_job(), watch or Watch()
        watch.on_notice = self.notices.append
        ledger = self.open_ledger()
        crew = hired(threads(job, self.open_ledger, workers, self.notices.append, on_step))
        try:
            return asyncio.run(migrate(job, ledger, watch, Course(crew, partitions, verify)))
        finally:
            ledger.close()

    def run(self, selection: Selection = EVERYTHING) -> Summary:
        """Run the job as `rollcall run` does."""
        job, ledger = self.write_job(), self.open_ledger()
        try:
            return asyncio.run(run_job(job, ledger, Watch(on_notice=self.notices.append), selection=selection))
        finally:
            ledger.close()

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the ledger."""
        ledger = self.open_ledger()
        try:
            with ledger.reading() as connection:
                return [tuple(row) for row in connection.execute(text(query))]
        finally:
            ledger.close()

    @property
    def writes(self) -> list[Entry]:
        """The upserts that the sandbox got."""
        return [each for each in self.app.journal.entries if each.method == "POST" and each.reference is not None]

    @property
    def sent(self) -> Counter[str]:
        """How often each customer was sent."""
        return Counter(str(each.reference) for each in self.writes)

    @property
    def held(self) -> dict[str, tuple[Any, ...]]:
        """What the target holds, by reference; none may be there twice."""
        shown = list(self.app.vendor.customers(""))
        found = {str(each["reference"]): (each["name"], each["billingCity"] or None) for each in shown}
        assert len(found) == len(shown), "a customer is there twice"
        return found

    def broken(self, *, ended: bool = True) -> list[str]:
        """List what is not as it must be in the ledger; of a migration that `ended` nothing may be left."""
        queries = _LAWS | (_LEFT_OVER if ended else {})
        return [what for what, query in queries.items() if self.ask(query)[0][0]]


def plain(customers: Sequence[Customer]) -> dict[str, tuple[Any, ...]]:
    """Say what the target must hold of customers that have no fault."""
    return {str(each["no"]): (each["name"], each["city"]) for each in customers}
