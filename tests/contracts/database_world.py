"""Worlds in a table of a real database, written to through a connection of their own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

from sqlalchemy import make_url, text

from connectors.database.settings import DatabaseSettings
from connectors.database.source import DatabaseSource
from connectors.protocol import KeyRange
from tests.contracts.world import ColumnWorld, Held
from tests.server import Database, Kind

_MOMENT: Mapping[Kind, str] = {"sqlite": "TEXT", "postgresql": "TIMESTAMPTZ", "mariadb": "DATETIME(6)"}
_PASSWORD = "hunter2"
_EXAMPLES: Mapping[Kind, int] = {"sqlite": 30, "postgresql": 6, "mariadb": 6}


class TableWorld(ColumnWorld):
    """A table whose key may be null, and a database whose clock is ahead of the last update by less than a second.

    The branch is there for keys of two columns; it follows from the number.
    """

    tied: ClassVar[int] = 120
    secrets: ClassVar[tuple[str, ...]] = (_PASSWORD,)

    def __init__(self, database: Database, folder: Path, **settings: str | list[str]) -> None:
        super().__init__()
        self._database = database
        self._folder = folder
        url = make_url(database.url)
        if database.kind == "postgresql":  # which lets us in whatever the password is
            url = url.set(password=_PASSWORD)
        given = {
            "kind": "database",
            "url": url.render_as_string(hide_password=False),
            "time_zone": "UTC",
            **({} if "query" in settings else {"table": "customers"}),
            **settings,
        }
        self._settings = DatabaseSettings.model_validate(given)
        self.keyed = self._settings.key == "no"  # type: ignore[misc]  # how several are written is the source's business
        self._wanted = {"no", "name", "city", "appeared"}
        self.examples = _EXAMPLES[database.kind]  # type: ignore[misc]  # servers take longer
        database.execute(
            "CREATE TABLE customers (branch INTEGER, no VARCHAR(50), name TEXT, city TEXT, "
            f"unmapped INTEGER, changed {_MOMENT[database.kind]})",
            "CREATE INDEX by_change ON customers (changed, no)",
        )

    def write(self, no: str, held: Held) -> None:
        """Write the record's line anew."""
        self._change(no, held)

    def erase(self, no: str) -> None:
        """Delete the record's line."""
        self._change(no, None)

    def clear(self) -> None:
        """Delete everything at once."""
        self._database.execute("DELETE FROM customers")
        self.held.clear()

    def drop_column(self, name: str) -> None:
        """Drop a column."""
        self._database.execute(f"ALTER TABLE customers DROP COLUMN {name}")

    def add_column(self, name: str) -> None:
        """Add a column."""
        self._database.execute(f"ALTER TABLE customers ADD COLUMN {name} VARCHAR(20)")

    def put_nameless(self) -> None:
        """Insert a line without its number."""
        with self._database.engine.begin() as connection:
            insert = text("INSERT INTO customers (branch, name, changed) VALUES (1, 'nameless', :changed)")
            connection.execute(insert, {"changed": self._time(self.now)})

    def make(self) -> DatabaseSource:
        """Make a source whose database's clock stands at the next full second: to that one its cursors are cut."""
        ahead = self.now.replace(microsecond=0) + timedelta(seconds=1)
        return DatabaseSource(self._settings, self._folder, self._wanted, clock=lambda _: ahead)

    def _change(self, no: str, held: Held | None) -> None:
        with self._database.engine.begin() as connection:
            connection.execute(text("DELETE FROM customers WHERE no = :no"), {"no": no})
            if held is not None:
                insert = text(
                    "INSERT INTO customers (branch, no, name, city, changed)"
                    " VALUES (:branch, :no, :name, :city, :changed)"
                )
                values = {"branch": len(no) % 3, "no": no, "name": held.name, "city": held.city}
                connection.execute(insert, {**values, "changed": self._time(held.at)})

    def _time(self, moment: datetime) -> object:
        match self._database.kind:
            case "sqlite":
                return moment.isoformat()
            case "postgresql":
                return moment
            case "mariadb":
                return moment.replace(tzinfo=None)


class OnlyPartWorld(TableWorld):
    """A table that is read as one part, which holds everything."""

    def make(self) -> DatabaseSource:
        """Make a part."""
        return super().make().part(KeyRange(None, None))
