"""Runs of a job over a table of a real database and a target in memory, whose journal is the judge."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import text

from connectors.database.session import Patience
from connectors.database.settings import DatabaseSettings
from connectors.database.source import DatabaseSource
from flows.selection import EVERYTHING, Selection
from flows.summary import Summary
from tests.connectors.database.table import NOON
from tests.flows.bench import Bench
from tests.server import Database
from tests.state import open_findings, set_watermark

JOB = """\
job: crm
source: SOURCE
target: {kind: valomnia, base_url: "http://127.0.0.1:1", username: u, password: p}
fields: FIELDS
page_size: SIZE
"""
FIELDS = {"reference": "id", "name": "name"}


def anew(database: Database) -> Patience:
    """Let pages be queries of their own, none over one snapshot; on MariaDB every fifth, for its logins take long."""
    if database.kind != "mariadb":
        return Patience(stream_seconds=-1, sleep=lambda _: None)
    looks = itertools.count()  # the source looks at the clock twice a page
    return Patience(stream_seconds=10, sleep=lambda _: None, monotonic=lambda: float(next(looks)))


class DatabaseRuns(Bench):
    """One job over the table `customers`, its ledger and its target; the source's clock stands at `now`."""

    source: Any  # where the bench has a fake one

    def __init__(self, database: Database, folder: Path) -> None:
        super().__init__(folder)
        self.database = database
        self.now = NOON
        self.patience = anew(database)
        self.page_size = 100
        self.fields: dict[str, str] = dict(FIELDS)
        self.settings: dict[str, object] = {
            "kind": "database",
            "url": database.url,
            "table": "customers",
            "key": "id",
            "updated_at": "updated_at",
        }

    def run(
        self, selection: Selection = EVERYTHING, *, on_step: Callable[[str], None] = lambda _: None, tries: int = 2
    ) -> Summary:
        """Run the job once, through a source of its own."""
        settings = DatabaseSettings.model_validate(self.settings)
        self.source = DatabaseSource(
            settings, self.folder, set(self.fields.values()), clock=lambda _: self.now, patience=self.patience
        )
        parts = {"SOURCE": json.dumps(self.settings), "FIELDS": json.dumps(self.fields), "SIZE": str(self.page_size)}
        self.job = JOB
        for name, value in parts.items():
            self.job = self.job.replace(name, value)
        return super().run(selection, on_step=on_step, tries=tries)

    def stop(self) -> None:
        """Ask the run that is under way to end."""
        self.watch.stop()

    @property
    def sent(self) -> Counter[str]:
        """Count how often each reference was sent, in all runs."""
        return Counter(row.reference for row in self.target.rows)

    @property
    def arrived(self) -> dict[str, object]:
        """Give the names that the target holds."""
        return {reference: values["name"] for reference, values in self.target.customers.items()}

    @property
    def held(self) -> dict[str, object]:
        """Give the names that the source holds."""
        with self.database.engine.connect() as connection:
            return {str(key): name for key, name in connection.execute(text("SELECT id, name FROM customers"))}

    @property
    def watermark(self) -> str | None:
        """How far the job has come, as the ledger has it."""
        with self.ledger.engine.connect() as connection:
            return connection.exec_driver_sql("SELECT cursor FROM watermarks").scalar_one_or_none()

    @watermark.setter
    def watermark(self, cursor: str) -> None:
        set_watermark(self.ledger, cursor)

    def rejected(self) -> list[tuple[str, str]]:
        """List the open rejects: source key and code."""
        return open_findings(self.ledger)


def at(step: str, number: int, act: Callable[[], object]) -> Callable[[str], None]:
    """Act when a run takes a step for the so-many-th time."""
    taken: Counter[str] = Counter()

    def on_step(name: str) -> None:
        taken[name] += 1
        if name == step and taken[name] == number:
            act()

    return on_step
