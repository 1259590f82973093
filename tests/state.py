"""Where a test's ledger lives: a SQLite file, and an empty PostgreSQL database, each in its turn.

ROLLCALL_TEST_LEDGER=sqlite or postgresql asks for one kind only: tests that are indifferent to the kind, which have a
file otherwise, take it, and those that are made for the other kind are skipped. `python -m tests.faults` sets it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import inspect, select, text

from flows.ledger import tables, watermark
from flows.ledger.history import History
from flows.ledger.knowledge import Clock
from flows.ledger.ledger import Ledger
from flows.ledger.record import Run
from tests.canary import LEDGER_KEY, is_searched, keep
from tests.server import Database, connect, create_database

KINDS = ("sqlite", "postgresql")
KIND_ASKED = "ROLLCALL_TEST_LEDGER"
KEY = LEDGER_KEY


@dataclass(frozen=True, slots=True)
class State:
    """A ledger's address as `--state` takes it, and the environment that goes with it."""

    url: str
    environment: dict[str, str] = field(default_factory=lambda: {"ROLLCALL_KEY": KEY})


def file_state(folder: Path) -> State:
    """Name a ledger in a folder, whose key is kept beside it."""
    return State(f"sqlite:///{folder}/ledger.db", {})


def own_state(folder: Path, name: str = "ledger") -> State:
    """Name the ledger of a folder, the same each time: a file in it, unless ROLLCALL_TEST_LEDGER asks for a server.

    On a server it stands in a database of its own until the test's end (`dropping_own_states`).
    """
    if os.environ.get(KIND_ASKED, "sqlite") == "sqlite":
        return State(f"sqlite:///{folder / f'{name}.db'}", {})
    short = hashlib.sha256(str(folder / name).encode()).hexdigest()[:16]
    if short not in _own:
        address = _until_dropped.enter_context(create_database("postgresql", short))
        _own[short] = State(address.set(drivername="postgresql").render_as_string(hide_password=False))
        _until_dropped.callback(_keep_content, _own[short])
    return _own[short]


def open_own(state: State, clock: Clock) -> Ledger:
    """Open a ledger whose connections are closed at the test's end at the latest."""
    ledger = Ledger.open(state.url, state.environment, clock)
    _until_dropped.callback(ledger.engine.dispose)
    return ledger


@contextmanager
def dropping_own_states() -> Iterator[None]:
    """Drop at the end the databases that `own_state` has made."""
    try:
        yield
    finally:
        _own.clear()
        _until_dropped.close()


_own: dict[str, State] = {}
_until_dropped = ExitStack()


def skip_unless_asked(kind: str) -> None:
    """Skip a test made for a ledger of this kind where ROLLCALL_TEST_LEDGER asks for the other one."""
    asked = os.environ.get(KIND_ASKED, kind)
    if asked != kind:
        pytest.skip(f"a test of a ledger in {kind}, where {asked} is asked for")


def server_state(database: Database) -> State:
    """Name a ledger in a database of a server, as operators write it: without a driver."""
    made = State(database.url.replace("postgresql+psycopg:", "postgresql:"))
    _until_dropped.callback(_keep_content, made)
    return made


@contextmanager
def fresh_state(kind: str, folder: Path) -> Iterator[State]:
    """Name a ledger of this kind that nobody has made yet, until the end of the block."""
    if kind == "sqlite":
        yield file_state(folder)
        return
    with create_database("postgresql", secrets.token_hex(6)) as address:
        yield State(address.set(drivername="postgresql").render_as_string(hide_password=False))


@pytest.fixture(params=KINDS)
def state(request: pytest.FixtureRequest, tmp_path: Path) -> State:
    """Name a ledger that nobody has made yet, in each kind of database in turn."""
    skip_unless_asked(request.param)
    if request.param == "sqlite":
        return file_state(tmp_path)
    return server_state(request.getfixturevalue("postgresql"))


def ledger_content(url: str) -> bytes:
    """Read every cell of a ledger on a server, as one text to search in; nothing where there is no ledger."""
    engine = connect(url)
    try:
        with engine.connect() as connection:
            found = set(inspect(connection).get_table_names())
            ours = [] if any(each.name not in found for each in tables.metadata.sorted_tables) else sorted(found)
            rows = [row for name in ours for row in connection.execute(text(f'SELECT * FROM "{name}"'))]
    finally:
        engine.dispose()
    cells = (cell for row in rows for cell in row if cell is not None)
    return b"\n".join(bytes(cell) if isinstance(cell, bytes) else str(cell).encode() for cell in cells)


def _keep_content(state: State) -> None:
    if is_searched():
        keep(ledger_content(state.url))


def set_watermark(ledger: Ledger, cursor: str) -> None:
    """Set every watermark of a ledger by hand, as if a run had come so far: its seal is right."""
    with ledger.engine.begin() as connection:
        for row in connection.execute(select(tables.watermarks)).all():
            run = Run(row.run, "", row.scope, row.fingerprint, None, fresh=False)
            watermark.move(connection, ledger.key, run, (row.source, row.filter), cursor)


def open_findings(ledger: Ledger) -> list[tuple[str, str]]:
    """List the findings of open rejects: source key and code."""
    return [(entry.source_key, finding.code) for entry in History(ledger).rejects() for finding in entry.findings]
