"""Images from the job's folder, from a host that the job names, and out of a database's column, up to the target."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from sqlalchemy import Column, LargeBinary, MetaData, String, Table, insert, update

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.server import running
from connectors.sandbox.valomnia.vendor import valomnia_app
from flows.job import load_job
from flows.run import run_job
from flows.summary import Summary
from flows.watch import Watch
from tests.flows.clock import SetClock
from tests.images import GIF, PNG, image_host
from tests.server import Database
from tests.state import open_findings, open_own, own_state

LARGE = b"GIF89a" + bytes(2 * 1024 * 1024)


@dataclass
class Images:
    """A job whose customers have images, and the sandbox that takes them."""

    folder: Path
    app: SandboxApp
    url: str
    source: Mapping[str, Any] = field(default_factory=lambda: {"kind": "csv", "path": "customers.csv", "key": "no"})
    hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.ledger = open_own(own_state(self.folder), SetClock())

    def write(self, **images: str) -> None:
        """Write customers into a file, each with the name of an image."""
        with (self.folder / "customers.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("no", "logo"), *images.items()])

    def run(self) -> Summary:
        """Run the job once, with an empty journal."""
        self.app.journal.clear()
        target = {"kind": "valomnia", "base_url": self.url, "username": "sandbox", "password": "sandbox"}
        job = {"job": "images", "source": dict(self.source), "target": {**target, "image_hosts": list(self.hosts)}}
        fields = {"reference": "no", "name": "no", "imageFile": "logo"}
        path = self.folder / "images.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML().dump({**job, "fields": fields}, file)
        return asyncio.run(run_job(load_job(path, {}), self.ledger, Watch()))

    @property
    def writes(self) -> list[str]:
        """Name the customers that the last run sent."""
        return sorted(str(each.reference) for each in self.app.journal.entries if each.reference is not None)

    @property
    def with_logo(self) -> list[str]:
        """Name the customers that have an image at the target."""
        return sorted(str(each["reference"]) for each in self.app.vendor.customers(self.url) if each["logo"])


@pytest.fixture
def images(tmp_path: Path) -> Iterator[Images]:
    """Put a job beside a sandbox that knows nobody."""
    app = valomnia_app()
    with running(app) as url:
        yield Images(tmp_path, app, url)


def test_images_of_the_folder_and_of_a_host(images: Images) -> None:
    """Each is sent once; the content of a file counts, and of one that is fetched its address."""
    (images.folder / "a.gif").write_bytes(GIF)
    with image_host(logo=PNG) as host:
        images.hosts = (host.name,)
        images.write(A="a.gif", B=f"{host.url}/logo", C="")
        assert images.run().counts.created == 3
        assert images.with_logo == ["A", "B"]
        assert len(host.asked) == 1
        assert images.run().counts.unchanged == 3
        assert (images.writes, len(host.asked)) == ([], 1)
        (images.folder / "a.gif").write_bytes(PNG)
        images.write(A="a.gif", B=f"{host.url}/logo?version=2", C="")
        assert images.run().counts.updated == 2
        assert images.writes == ["A", "B"]


def test_images_that_cannot_be_had(images: Images) -> None:
    """Each is one reject with its code, sent with no request; all others arrive, and an allowed host mends its own."""
    with image_host(page=b"<html>", large=LARGE, fine=GIF) as host:
        images.write(A=f"{host.url}/gone", B=f"{host.url}/page", C=f"{host.url}/large", D="https://example.com/a", E="")
        images.hosts = (host.name,)
        summary = images.run()
        assert (summary.counts.created, summary.counts.invalid, summary.counts.rejected) == (1, 1, 3)
        assert sorted(open_findings(images.ledger)) == [
            ("A", "missing_file"),
            ("B", "unsupported_file_type"),
            ("C", "exceeded_file_size"),
            ("D", "unsafe_address"),
        ]
        assert images.writes == ["E"]
        images.hosts = ()
        images.write(E=f"{host.url}/fine")
        assert images.run().counts.invalid == 1
        images.hosts = (host.name,)
        assert images.run().counts.updated == 1
        assert images.with_logo == ["E"]


def test_images_in_a_column_of_a_database(images: Images, database: Database) -> None:
    """Bytes are judged before they are sent, and those that stay the same are not sent again."""
    table = Table(
        "customers", MetaData(), Column("no", String(20), primary_key=True), Column("logo", LargeBinary(2**24))
    )
    table.create(database.engine)
    with database.engine.begin() as connection:
        rows = {"A": GIF, "B": PNG, "C": b"%PDF-1.7", "D": LARGE, "E": None}
        connection.execute(insert(table), [{"no": name, "logo": content} for name, content in rows.items()])
    images.source = {"kind": "database", "url": database.url, "table": "customers", "key": "no"}
    summary = images.run()
    assert (summary.counts.created, summary.counts.invalid) == (3, 2)
    assert sorted(open_findings(images.ledger)) == [("C", "unsupported_file_type"), ("D", "exceeded_file_size")]
    assert images.with_logo == ["A", "B"]
    assert images.run().counts.unchanged == 3
    with database.engine.begin() as connection:
        connection.execute(update(table).where(table.c.no.in_(["A", "C"])).values(logo=PNG + b"\0"))
    summary = images.run()
    assert (summary.counts.created, summary.counts.updated, images.writes) == (1, 1, ["A", "C"])
