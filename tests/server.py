"""Real database servers for tests: their addresses, and an empty database on each.

ROLLCALL_TEST_POSTGRESQL and ROLLCALL_TEST_MARIADB say where they are (SQLAlchemy URLs of a server on this machine).
Where none answers, its tests are skipped with the reason; with ROLLCALL_TEST_SERVERS=required they fail instead.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from sqlalchemy import URL, Engine, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from tests.canary import DATABASE_PASSWORD

Kind = Literal["sqlite", "postgresql", "mariadb"]

_ADDRESSES = {
    "postgresql": os.environ.get(
        "ROLLCALL_TEST_POSTGRESQL", f"postgresql+psycopg://postgres:{DATABASE_PASSWORD}@127.0.0.1:5432/postgres"
    ),
    "mariadb": os.environ.get("ROLLCALL_TEST_MARIADB", "mysql+pymysql://root@127.0.0.1:3306/?charset=utf8mb4"),
}


@dataclass(frozen=True, slots=True)
class Database:
    """An empty database: its kind, its URL as a job file has it, and an engine of the test's own to fill it with."""

    kind: Kind
    url: str
    engine: Engine

    def execute(self, *statements: str) -> None:
        """Run statements, each in a transaction of its own."""
        for statement in statements:
            with self.engine.begin() as connection:
                connection.execute(text(statement))


def connect(state: str) -> Engine:
    """Make an engine for a ledger's address as operators write it, without a driver."""
    return create_engine(state.replace("postgresql:", "postgresql+psycopg:"))


def command_server(kind: Kind, *statements: str) -> None:
    """Carry out statements about whole databases on a server; raises DBAPIError."""
    server = create_engine(_ADDRESSES[kind], isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
    finally:
        server.dispose()


@contextmanager
def create_database(kind: Kind, name: str) -> Iterator[URL]:
    """Make a database of our own on a server until the end of the block; skips, or fails, where no server answers."""
    address = make_url(_ADDRESSES[kind])
    name = f"rollcall_test_{name}"
    try:
        command_server(kind, f"CREATE DATABASE {name}")
    except DBAPIError as error:
        reason = f"no {kind} server answers at {address.host}:{address.port} ({type(error.orig).__name__})"
        if os.environ.get("ROLLCALL_TEST_SERVERS") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    try:
        yield address.set(database=name)
    finally:
        command_server(kind, f"DROP DATABASE {name}" + (" WITH (FORCE)" if kind == "postgresql" else ""))


@pytest.fixture(scope="session")
def _postgresql_database() -> Iterator[URL]:
    with create_database("postgresql", secrets.token_hex(6)) as address:
        yield address


@pytest.fixture(scope="session")
def _mariadb_database() -> Iterator[URL]:
    with create_database("mariadb", secrets.token_hex(6)) as address:
        yield address


@pytest.fixture
def postgresql(_postgresql_database: URL) -> Iterator[Database]:
    """Give an empty PostgreSQL database."""
    yield from _emptied(
        "postgresql", _postgresql_database, "DROP SCHEMA IF EXISTS public CASCADE", "CREATE SCHEMA public"
    )


@pytest.fixture
def mariadb(_mariadb_database: URL) -> Iterator[Database]:
    """Give an empty MariaDB database."""
    name = _mariadb_database.database
    yield from _emptied("mariadb", _mariadb_database, f"DROP DATABASE {name}", f"CREATE DATABASE {name}", f"USE {name}")


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """Give an empty SQLite file."""
    yield from _emptied("sqlite", URL.create("sqlite", database=str(tmp_path / "source.db")))


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database(request: pytest.FixtureRequest) -> Database:
    """Give an empty database of each kind in turn."""
    given: Database = request.getfixturevalue(request.param)
    return given


def _emptied(kind: Kind, url: URL, *statements: str) -> Iterator[Database]:
    engine = create_engine(url)
    made = Database(kind, url.render_as_string(hide_password=False), engine)
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
        connection.commit()
    try:
        yield made
    finally:
        engine.dispose()
