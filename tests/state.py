"""Where a test's ledger lives: a SQLite file, and an empty PostgreSQL database, each in its turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from flows.ledger import tables, watermark
from flows.ledger.history import History
from flows.ledger.ledger import Ledger
from flows.ledger.record import Run
from tests.server import Database

KEY = "the key of the tests' ledgers"


@dataclass(frozen=True, slots=True)
class State:
    """A ledger's address as `--state` takes it, and the environment that goes with it."""

    url: str
    environment: dict[str, str] = field(default_factory=lambda: {"ROLLCALL_KEY": KEY})


def file_state(folder: Path) -> State:
    """Name a ledger in a folder, whose key is kept beside it."""
    return State(f"sqlite:///{folder}/ledger.db", {})


def server_state(database: Database) -> State:
    """Name a ledger in a database of a server, as operators write it: without a driver."""
    return State(database.url.replace("postgresql+psycopg:", "postgresql:"))


@pytest.fixture(params=["sqlite", "postgresql"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> State:
    """Name a ledger that nobody has made yet, in each kind of database in turn."""
    if request.param == "sqlite":
        return file_state(tmp_path)
    return server_state(request.getfixturevalue("postgresql"))


def set_watermark(ledger: Ledger, cursor: str) -> None:
    """Set every watermark of a ledger by hand, as if a run had come so far: its seal is right."""
    with ledger.engine.begin() as connection:
        for row in connection.execute(select(tables.watermarks)).all():
            run = Run(row.run, "", row.scope, row.fingerprint, None, fresh=False)
            watermark.move(connection, ledger.key, run, (row.source, row.filter), cursor)


def open_findings(ledger: Ledger) -> list[tuple[str, str]]:
    """List the findings of open rejects: source key and code."""
    return [(entry.source_key, finding.code) for entry in History(ledger).rejects() for finding in entry.findings]
