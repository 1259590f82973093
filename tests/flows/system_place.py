"""Systems as a test finds them: a sandbox, a file or a table with customers in it, and the section of a job for it."""

from __future__ import annotations

import asyncio
import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from sqlalchemy import create_engine, text

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.catalogue import open_sandbox
from connectors.sandbox.server import running
from flows.job import load_job
from flows.ledger.ledger import Ledger
from flows.run import now, run_job
from flows.summary import Summary
from flows.watch import Watch

APIS = ("valomnia", "keypro", "jtl", "tradevest")
SOURCES = ("csv", "database", *APIS)


@dataclass
class Place:
    """One system with customers; `section` is what a job says about it."""

    kind: str
    section: dict[str, Any]
    app: SandboxApp | None = None
    url: str = ""

    def add(self, customer: Mapping[str, Any]) -> None:
        """Put a customer in, without a request."""
        assert self.app is not None
        reply = self.app.vendor.add(customer)
        assert reply.applied, reply.body

    def customers(self) -> list[Mapping[str, Any]]:
        """Show all customers, in the order of their creation, as the vendor would."""
        assert self.app is not None
        shown: list[Mapping[str, Any]] = json.loads(json.dumps(list(self.app.vendor.customers(self.url))))
        return shown

    def writes(self) -> list[str]:
        """List the requests that changed, or were to change, customers."""
        assert self.app is not None
        tokens = ("token", "login", "j_spring")
        return [
            f"{entry.method} {entry.reference}"
            for entry in self.app.journal.entries
            if entry.method != "GET" and not any(part in entry.path for part in tokens)
        ]


@contextmanager
def sandbox(kind: str) -> Iterator[Place]:
    """Serve a vendor's sandbox with its defaults."""
    opened = open_sandbox(kind)
    with running(opened.app) as url:
        credentials = {name: value.format(base_url=url) for name, value in opened.credentials.items()}
        yield Place(kind, {"kind": kind, "base_url": url, **credentials}, opened.app, url)


def file_place(folder: Path, customers: Sequence[Mapping[str, Any]]) -> Place:
    """Write customers into a file."""
    with (folder / "customers.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(customers[0]))
        writer.writeheader()
        writer.writerows(customers)
    return Place("csv", {"kind": "csv", "path": "customers.csv", "key": "reference"})


def table_place(folder: Path, customers: Sequence[Mapping[str, Any]]) -> Place:
    """Write customers into a table."""
    engine = create_engine(f"sqlite:///{folder / 'crm.db'}")
    columns = list(customers[0])
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE customers ({', '.join(f'{name} TEXT' for name in columns)})"))
        marks = ", ".join(f":{name}" for name in columns)
        connection.execute(text(f"INSERT INTO customers VALUES ({marks})"), [dict(each) for each in customers])
    engine.dispose()
    section = {"kind": "database", "url": "sqlite:///crm.db", "table": "customers", "key": "reference"}
    return Place("database", section)


@dataclass
class Sync:
    """A job between two places, run in this process as often as a test wants."""

    folder: Path
    source: Place
    target: Place
    fields: Mapping[str, Any] | None = None
    name: str = "matrix"
    notices: list[str] = field(default_factory=list)

    def run(self) -> Summary:
        """Write the job and run it once."""
        job: dict[str, Any] = {"job": self.name, "source": self.source.section, "target": self.target.section}
        if self.fields is not None:
            job["fields"] = dict(self.fields)
        path = self.folder / f"{self.name}.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML().dump(job, file)
        ledger = Ledger.open(f"sqlite:///{self.folder / 'rollcall.db'}", os.environ, now)
        try:
            return asyncio.run(run_job(load_job(path, {}), ledger, Watch(on_notice=self.notices.append)))
        finally:
            ledger.close()
