"""A table of customers on any database, and a source over it as tests want it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Connection, text

from connectors.database import DatabaseSettings
from connectors.database.session import Patience
from connectors.database.source import DatabaseSource
from connectors.protocol import Page
from tests.server import Database

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STAMP = {"sqlite": "TEXT", "postgresql": "TIMESTAMPTZ", "mariadb": "TIMESTAMP(6) NULL"}
WALL_CLOCK = {"sqlite": "TEXT", "postgresql": "TIMESTAMP", "mariadb": "DATETIME(6)"}


def stamp(database: Database, moment: datetime) -> str:
    """Write a moment as this database takes it; its own session is in UTC."""
    naive = moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    return naive if database.kind == "mariadb" else f"{naive}+00:00"


def create(database: Database, *, key: str = "INTEGER PRIMARY KEY", updated_at: str | None = None) -> None:
    """Make an empty table `customers` with a key, a name and a last update."""
    kind = STAMP[database.kind] if updated_at is None else updated_at
    database.execute(f"CREATE TABLE customers (id {key}, name VARCHAR(200), city VARCHAR(200), updated_at {kind})")


@contextmanager
def session(database: Database) -> Iterator[Connection]:
    """Open a transaction in UTC."""
    with database.engine.begin() as connection:
        if database.kind == "mariadb":
            connection.execute(text("SET SESSION time_zone = '+00:00'"))
        yield connection


def insert(database: Database, rows: Iterable[tuple[object, str | None, str | datetime | None]]) -> None:
    """Add customers (id, name, last update)."""
    values = [
        {"id": key, "name": name, "at": stamp(database, at) if isinstance(at, datetime) else at}
        for key, name, at in rows
    ]
    if not values:
        return
    with session(database) as connection:
        connection.execute(text("INSERT INTO customers VALUES (:id, :name, 'Bern', :at)"), values)


def settings(database: Database, **changes: Any) -> DatabaseSettings:
    """Declare the table as a source."""
    given: dict[str, Any] = {
        "kind": "database",
        "url": SecretStr(database.url),
        "table": "customers",
        "key": "id",
        "updated_at": "updated_at",
    }
    given |= changes
    return DatabaseSettings(**{name: value for name, value in given.items() if value is not None})


@dataclass
class Place:
    """Makes sources over one database, and closes them."""

    database: Database
    folder: Path
    made: list[DatabaseSource] = field(default_factory=list)
    now: datetime | None = NOON

    def source(
        self,
        columns: Iterable[str] = ("name",),
        *,
        patience: Patience | None = None,
        clock: Callable[[Connection], datetime] | None = None,
        **changes: Any,
    ) -> DatabaseSource:
        """Make a source whose database's clock says noon, unless told otherwise."""
        fixed = None if self.now is None else lambda _: self.now or NOON
        made = DatabaseSource(
            settings(self.database, **changes),
            self.folder,
            frozenset(columns),
            clock=clock or fixed,
            patience=patience or Patience(sleep=lambda _: None),
        )
        self.made.append(made)
        return made

    def read(self, after: str | None = None, size: int = 1000, **changes: Any) -> list[Page]:
        """Read all pages once."""
        return list(self.source(**changes).pages(after, size))

    def close(self) -> None:
        """Close all sources."""
        for source in self.made:
            source.close()


def ago(**by: float) -> datetime:
    """Tell a time before noon."""
    return NOON - timedelta(**by)


def keys(pages: Iterable[Page]) -> list[str]:
    """List the keys of pages."""
    return [key for page in pages for key in page.keys]


def fill(database: Database, count: int, *, width: int = 10, key: str = "INTEGER PRIMARY KEY") -> None:
    """Make a table with so many customers, a second apart, each with a note of so many letters."""
    numbers = {
        "sqlite": f"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT",
        "postgresql": "SELECT",
        "mariadb": "SELECT",
    }[database.kind]
    source = {
        "sqlite": "s",
        "postgresql": f"generate_series(1, {count}) AS s(n)",
        "mariadb": f"(SELECT seq AS n FROM seq_1_to_{count}) AS s",
    }[database.kind]
    letters = f"'{'x' * width}'"
    moment = {
        "sqlite": "strftime('%Y-%m-%dT%H:%M:%SZ', '2026-01-01', '+' || n || ' seconds')",
        "postgresql": "timestamptz '2026-01-01T00:00:00Z' + n * interval '1 second'",
        "mariadb": "timestamp '2026-01-01 00:00:00' + interval n second",
    }[database.kind]
    note = "TEXT" if database.kind != "mariadb" else "LONGTEXT"
    with session(database) as connection:
        connection.execute(
            text(
                f"CREATE TABLE customers (id {key}, name VARCHAR(200), note {note}, updated_at {STAMP[database.kind]})"
            )
        )
        insertion = f"INSERT INTO customers {numbers} n, 'N', {letters}, {moment} FROM {source}"
        connection.execute(text(insertion))
        connection.execute(text("CREATE INDEX by_update ON customers (updated_at, id)"))


def count_sessions(database: Database) -> int:
    """Count the connections to the database but the test's own."""
    count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rollcall'"
    if database.kind != "postgresql":
        database.engine.dispose()
        places = "information_schema.processlist WHERE db = database() AND id <> connection_id()"
        count = f"SELECT count(*) FROM {places}"
    with database.engine.connect() as connection:
        return int(connection.execute(text(count)).scalar_one())


def cut(database: Database) -> int:
    """End all connections to the database but the test's own; gives how many there were."""
    if database.kind == "postgresql":
        ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        with database.engine.connect() as connection:
            return len(connection.execute(text(f"{ends} AND application_name = 'rollcall'")).all())
    database.engine.dispose()
    with database.engine.connect() as connection:
        ids = "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()"
        found = connection.execute(text(ids)).scalars().all()
        for each in found:
            connection.execute(text(f"KILL {each}"))
        return len(found)
