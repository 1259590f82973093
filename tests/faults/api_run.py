"""Runs of a job over a sandbox of Valomnia as the source and a target in memory, whose journal is the judge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.moment import read_moment
from tests.faults.api import Api, Shown, serving
from tests.flows.bench import Bench

JOB = """\
job: crm
source: {kind: valomnia, base_url: "http://127.0.0.1:2", username: u, password: p}
target: {kind: valomnia, base_url: "http://127.0.0.1:1", username: u, password: p}
fields: {reference: reference, name: name}
page_size: 100
"""


class ApiRuns(Bench):
    """One job over the sandbox's customers, its ledger and its target."""

    source: Any  # where the bench has a fake one

    def __init__(self, api: Api, folder: Path) -> None:
        super().__init__(folder)
        self.api = api
        self.job = JOB
        self.source = api.source

    @property
    def arrived(self) -> Shown:
        """Give the names that the target holds."""
        return {reference: str(values["name"]) for reference, values in self.target.customers.items()}

    @property
    def watermark(self) -> str | None:
        """How far the job has come, as the ledger has it."""
        with self.ledger.engine.connect() as connection:
            return connection.exec_driver_sql("SELECT cursor FROM watermarks").scalar_one_or_none()

    @property
    def passed(self) -> Shown:
        """Give the names of the customers before the watermark, which no later run needs to ask for."""
        mark = self.watermark
        return {
            str(item["reference"]): str(item["name"])
            for item in self.api.app.vendor.customers("")
            if mark is not None and datetime.fromisoformat(str(item["lastUpdated"])) < read_moment(mark)
        }


@contextmanager
def running(folder: Path) -> Iterator[ApiRuns]:
    """Set up a job over an empty sandbox."""
    with serving() as api:
        made = ApiRuns(api, folder)
        try:
            yield made
        finally:
            made.ledger.close()
