"""Measures the migration of a table in partitions: on threads, on Dask, and on Dask with a worker killed.

`python -m tests.benchmarks.migration` migrates 100,000 customers in 8 partitions by two workers at a time, each way
into an empty sandbox and an empty ledger in PostgreSQL, through a real Prefect server, comparison included. The
sandbox's own journal is the judge: everybody arrives, and nobody twice.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import create_engine, text

from connectors.sandbox.fault import Faults
from tests.benchmarks.customer import FIELDS, HEADER, customer
from tests.flows.display.server import PrefectServer, prefect_server
from tests.kill.judge import repeats, writes
from tests.kill.process import RUN, SandboxProcess, await_that, environment, sandbox_process
from tests.server import create_database

JOB = (
    """\
job: move
source: {kind: database, url: "sqlite:///crm.db", table: customers, key: id}
target:
  kind: valomnia
  base_url: ${URL}
  username: sandbox
  password: sandbox
  concurrency: 32
"""
    + FIELDS
)


@dataclass(frozen=True, slots=True)
class Way:
    """How a migration is carried out."""

    name: str
    runner: str
    kill: bool = False


WAYS = (Way("threads", "threads"), Way("Dask", "dask"), Way("Dask, a worker killed", "dask", kill=True))


@dataclass(frozen=True, slots=True)
class Taken:
    """What a migration came to, by its own word and by the sandbox's."""

    seconds: float
    summary: dict[str, object]
    arrived: int
    doubled: int
    upserts: int
    repeated: int
    exit_code: int
    killed: int = 0


def write_place(folder: Path, customers: int) -> None:
    """Write a job and its table into a folder."""
    folder.mkdir(parents=True)
    (folder / "job.yaml").write_text(JOB, encoding="utf-8")
    engine = create_engine(f"sqlite:///{folder / 'crm.db'}")
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE customers (id INTEGER PRIMARY KEY, {', '.join(HEADER)})"))
        slots = ", ".join(f":{name}" for name in HEADER)
        rows = [dict(zip(HEADER, customer(number), strict=True)) for number in range(customers)]
        connection.execute(text(f"INSERT INTO customers ({', '.join(HEADER)}) VALUES ({slots})"), rows)
    engine.dispose()


def migrated(
    way: Way, folder: Path, prefect: PrefectServer, state: str, *, customers: int, partitions: int, workers: int
) -> Taken:
    """Migrate into a sandbox of its own, and judge by its journal."""
    write_place(folder / "place", customers)
    with sandbox_process(folder, Faults()) as sandbox:
        command = [sys.executable, "-c", RUN, "migrate", str(folder / "place" / "job.yaml"), "--json"]
        options = ["--partitions", str(partitions), "--workers", str(workers), "--runner", way.runner]
        variables = {**environment(folder), **prefect.environment, "URL": sandbox.base_url, "ROLLCALL_KEY": "bench"}
        began = time.perf_counter()
        with (
            (folder / "stderr.txt").open("w") as log,
            subprocess.Popen(
                [*command, *options, "--state", state],
                env=variables,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            ) as process,
        ):
            try:
                killed = _kill_worker(process.pid, sandbox, customers) if way.kill else 0
                output, _ = process.communicate(timeout=1800)
            finally:
                process.kill()
        seconds = time.perf_counter() - began
        entries = sandbox.entries()
        held = Counter(str(each["reference"]) for each in sandbox.customers())
    return Taken(
        seconds,
        json.loads(output),
        arrived=len(held),
        doubled=sum(count > 1 for count in held.values()),
        upserts=len(writes(entries)),
        repeated=len(repeats(entries)),
        exit_code=process.returncode,
        killed=killed,
    )


def _kill_worker(parent: int, sandbox: SandboxProcess, customers: int) -> int:
    """Kill one of Dask's workers once a third of the customers was sent; gives its process id."""
    await_that(lambda: sandbox.writes() > customers // 3, seconds=900)
    victim = next(workers_of(parent))
    os.kill(victim, signal.SIGKILL)
    return victim


def workers_of(parent: int) -> Iterator[int]:
    """List the processes that a migration has spawned as workers."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "stat").read_text().rpartition(")")[2].split()
            line = (path / "cmdline").read_bytes()
        except OSError:
            continue
        if int(words[1]) == parent and b"spawn_main" in line:
            yield int(path.name)


@contextmanager
def empty_ledger() -> Iterator[str]:
    """Give an empty database of its own on PostgreSQL."""
    with create_database("postgresql", secrets.token_hex(6)) as url:
        yield url.render_as_string(hide_password=False).replace("postgresql+psycopg:", "postgresql:")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.migration", description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--partitions", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    table = Table(title=f"{options.customers:,} customers in {options.partitions} partitions")
    for name in ("way", "seconds", "customers/s", "arrived", "doubled", "upserts", "repeated", "verified", "exit"):
        table.add_column(name, justify="right")
    with tempfile.TemporaryDirectory() as name, prefect_server(Path(name) / "server") as prefect:
        for number, way in enumerate(WAYS):
            with empty_ledger() as state:
                taken = migrated(way, Path(name) / str(number), prefect, state, **vars(options))
            found = taken.summary["verification"]
            same = found["same"] if isinstance(found, dict) else 0
            figures = (taken.arrived, taken.doubled, taken.upserts, taken.repeated, same, taken.exit_code)
            rate = options.customers / taken.seconds
            table.add_row(way.name, f"{taken.seconds:.1f}", f"{rate:,.0f}", *[f"{each:,}" for each in figures])
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
