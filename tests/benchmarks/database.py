"""Measures the database source beside a bare SELECT through the same driver, on PostgreSQL, in one run.

`python -m tests.benchmarks.database [--customers 1000000]` prints a small table. Figures are ratios: absolute times say
more about the machine than about us. The server is that of ROLLCALL_TEST_POSTGRESQL (see tests/server.py).
"""

from __future__ import annotations

import argparse
import os
import resource
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table
from sqlalchemy import create_engine, make_url, text

from connectors.database import DatabaseSettings
from connectors.database.source import DatabaseSource

_SERVER = os.environ.get("ROLLCALL_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
_COLUMNS = ("id", "name", "email", "city", "credit", "active", "updated_at")
_FILL = """
    CREATE TABLE customers AS SELECT n AS id, 'Customer ' || n AS name, 'c' || n || '@example.com' AS email,
    'Bern' AS city, (n %% 10000)::numeric(12, 2) AS credit, n %% 3 = 0 AS active,
    timestamptz '2024-01-01' + n * interval '1 second' AS updated_at FROM generate_series(1, {count}) AS s(n)
"""


@contextmanager
def filled(count: int) -> Iterator[str]:
    """Make a database with a table of customers; gives its URL."""
    name = f"rollcall_bench_{secrets.token_hex(4)}"
    server = create_engine(_SERVER, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = make_url(_SERVER).set(database=name)
    try:
        with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql(_FILL.format(count=count))
            connection.exec_driver_sql("CREATE INDEX by_update ON customers (updated_at, id)")
            connection.exec_driver_sql("VACUUM ANALYZE customers")
        yield url.render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


def bare_seconds(url: str, size: int) -> float:
    """Read the same columns in the same order through the driver's own server-side cursor."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection, connection.cursor(name="bare") as cursor:
        began = time.perf_counter()
        cursor.execute(f"SELECT {', '.join(_COLUMNS)} FROM customers ORDER BY updated_at, id")
        while cursor.fetchmany(size):
            pass
        return time.perf_counter() - began


def source_seconds(url: str, size: int, count: int) -> tuple[float, float]:
    """Read all pages; gives the seconds, and by how many MiB the process grew after its first ten pages."""
    settings = DatabaseSettings(
        kind="database", url=SecretStr(url), table="customers", key="id", updated_at="updated_at"
    )
    source = DatabaseSource(settings, Path(), _COLUMNS)
    try:
        source.open()
        began = time.perf_counter()
        read, settled = 0, 0
        for number, page in enumerate(source.pages(None, size)):
            read += page.counted
            if number == 9:  # by now what is kept between pages has its size
                settled = _peak_kib()
        seconds = time.perf_counter() - began
    finally:
        source.close()
    assert read == count
    return seconds, (_peak_kib() - settled) / 1024


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    count = parser.parse_args().customers
    table = Table("page", "bare SELECT", "source", "pages/s", "source : bare", "growth")
    with filled(count) as url:
        bare_seconds(url, 10_000)  # the server's cache is warm for both
        for size in (1000, 10_000):
            bare = bare_seconds(url, size)
            ours, growth = source_seconds(url, size, count)
            table.add_row(
                f"{size:,}",
                f"{bare:.2f} s",
                f"{ours:.2f} s",
                f"{count / size / ours:.0f}",
                f"{bare / ours:.2f}",
                f"{growth:.0f} MiB",
            )
    Console().print(table)


if __name__ == "__main__":
    main()
