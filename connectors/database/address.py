"""Reads where a database is, and says it without user and password; opens nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from connectors.database.settings import DatabaseSettings
from connectors.protocol import ConfigurationError

Dialect: TypeAlias = Literal["sqlite", "postgresql", "mysql"]

# scheme of the URL: dialect, driver, extra of the package that brings it
_SCHEMES: dict[str, tuple[Dialect, str, str]] = {
    "sqlite": ("sqlite", "sqlite3", "sqlite"),
    "postgresql": ("postgresql", "psycopg", "postgresql"),
    "postgres": ("postgresql", "psycopg", "postgresql"),
    "mysql": ("mysql", "pymysql", "mysql"),
    "mariadb": ("mysql", "pymysql", "mariadb"),
}
_DRIVER_NAMES: dict[Dialect, str] = {
    "sqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
}
_PORTS: dict[Dialect, int] = {"postgresql": 5432, "mysql": 3306}


@dataclass(frozen=True, slots=True)
class Address:
    """A database: how it is reached, and how it may be named; MariaDB and MySQL are one dialect."""

    dialect: Dialect
    url: URL
    path: Path | None  # of a SQLite file
    name: str

    @classmethod
    def of(cls, settings: DatabaseSettings, folder: Path) -> Address:
        """Read the URL of a job; raises ConfigurationError, without the URL, for one that is none of ours."""
        try:
            url = make_url(settings.url.get_secret_value().strip())
        except (ArgumentError, ValueError):
            raise ConfigurationError(f"source.url: this is no database URL; it begins with {_known()}") from None
        scheme, _, driver = url.drivername.partition("+")
        if scheme not in _SCHEMES:
            raise ConfigurationError(f"source.url: {scheme!r} is not supported; it begins with {_known()}")
        dialect, module, extra = _SCHEMES[scheme]
        if driver and driver != _DRIVER_NAMES[dialect].partition("+")[2]:
            raise ConfigurationError(f"source.url: write {scheme}://, without {driver!r}; we read it with {module}")
        if find_spec(module) is None:
            raise ConfigurationError(f"source.url: {scheme} needs a driver: install rollcall-sync[{extra}]")
        url = url.set(drivername=_DRIVER_NAMES[dialect])
        what = _what(settings)
        if dialect == "sqlite":
            path = _file(url, folder)
            return cls(dialect, url, path, f"sqlite:{path}/{what}")
        place = f"{url.host or 'localhost'}:{url.port or _PORTS[dialect]}/{url.database or ''}"
        return cls(dialect, url, None, f"{'postgresql' if dialect == 'postgresql' else 'mariadb'}:{place}/{what}")


def _file(url: URL, folder: Path) -> Path:
    if not url.database or url.database == ":memory:":
        raise ConfigurationError("source.url: name the SQLite file, such as sqlite:///customers.db")
    path = (folder / url.database).resolve()
    if not path.is_file():
        raise ConfigurationError(f"{path}: there is no such file (source.url)")
    return path


def _what(settings: DatabaseSettings) -> str:
    if settings.table is not None:
        return settings.table
    return f"query-{hashlib.sha256((settings.query or '').encode()).hexdigest()[:12]}"


def _known() -> str:
    return ", ".join(f"{scheme}://" for scheme in _SCHEMES)
