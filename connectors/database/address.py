"""Reads where a database is, and says it without user and password; opens nothing."""

from __future__ import annotations

import hashlib
import json
import re
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
_SECRETS = {"user", "username", "password", "passwd", "passfile", "sslpassword"}  # that say who we are, not where to
_HOST = re.compile(r"[\w.,:%-]+")  # PostgreSQL takes a list; colons are IPv6's, a percent sign is before its zone
_USER = re.compile(r"[^:/]*")  # where SQLAlchemy takes the user's name to end


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
        text = settings.url.get_secret_value().strip()
        try:
            url = make_url(text)
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
        _refuse_misreading(url, text)
        place = f"{url.host or 'localhost'}:{url.port or _PORTS[dialect]}/{url.database or ''}{_options(url)}"
        return cls(dialect, url, None, f"{'postgresql' if dialect == 'postgresql' else 'mariadb'}:{place}/{what}")


def _refuse_misreading(url: URL, text: str) -> None:
    """Raise ConfigurationError where a piece of the password may stand for host or database, which are shown."""
    rest = text.partition("://")[2]
    user = _USER.match(rest)
    signs = rest.count("@", user.end() if user else 0)
    outside = url.username is None and "@" in rest.partition("?")[0]
    if signs > 1 or outside or (url.host is not None and not _HOST.fullmatch(url.host)):
        raise ConfigurationError("source.url: write @ in a password as %40 (and elsewhere too, but before the host)")


def _options(url: URL) -> str:
    """Tell apart what the URL's query may tell apart: host, socket, schema. Values may be private, so by a hash."""
    items = sorted((name, value) for name, value in url.query.items() if name.lower() not in _SECRETS)
    return f"?{hashlib.sha256(json.dumps(items).encode()).hexdigest()[:8]}" if items else ""


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
