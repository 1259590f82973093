"""Runs of a job over a CSV file and a target in memory, for faults that only a whole run shows."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from connectors.csv_file import CsvSettings, CsvSource
from connectors.delivery.courier import Courier
from connectors.delivery.gate import Gate
from flows.job import load_job
from flows.plan import compile_job
from flows.run import carry_out
from flows.summary import Summary
from flows.watch import Watch
from tests.flows.clock import SetClock
from tests.flows.fake import FakeTarget
from tests.state import open_findings, open_own, own_state, set_watermark

JOB = """\
job: crm
source: {source}
target: {{kind: valomnia, base_url: "http://127.0.0.1:1", username: u, password: p}}
fields:
  reference: no
  name: name
page_size: {page_size}
"""
BY_LAST_UPDATE = {"key": "no", "updated_at": "changed"}

Line = tuple[str, str, str]  # no, name, changed


def write_file(path: Path, lines: Sequence[Line], written: datetime | None = None) -> None:
    """Write customers; `written` is when the file was last written, where that matters."""
    body = "".join(f"{no},{name},{changed}\n" for no, name, changed in lines)
    path.write_text(f"no,name,changed\n{body}", encoding="utf-8")
    if written is not None:
        os.utime(path, (written.timestamp(), written.timestamp()))


class CsvRuns:
    """One job, its ledger and its target; each run opens a file of the job's folder."""

    def __init__(self, folder: Path, settings: Mapping[str, str] = BY_LAST_UPDATE, page_size: int = 100) -> None:
        self.folder = folder
        self.settings = dict(settings)
        self.page_size = page_size
        self.ledger = open_own(own_state(folder), SetClock())
        self.target = FakeTarget()
        self.notices: list[str] = []

    def write(self, lines: Sequence[Line], written: datetime | None = None, name: str = "customers.csv") -> None:
        """Write the file."""
        write_file(self.folder / name, lines, written)

    def run(self, *, path: str = "customers.csv", on_step: Callable[[str], None] = lambda _: None) -> Summary:
        """Run the job once over a file."""
        source = {"kind": "csv", "path": path, **self.settings}
        shown = "{" + ", ".join(f"{name}: {value}" for name, value in source.items()) + "}"
        file = self.folder / "job.yaml"
        file.write_text(JOB.format(source=shown, page_size=self.page_size))
        plan = compile_job(load_job(file, {}), self.ledger.key)
        assert isinstance(plan.job.source, CsvSettings)
        courier = Courier(self.target, Gate(concurrency=1))
        self.target.journal.clear()
        self.notices.clear()
        watch = Watch(on_notice=self.notices.append, on_step=on_step)
        return asyncio.run(carry_out(plan, CsvSource(plan.job.source, self.folder), courier, self.ledger, watch))

    @property
    def watermark(self) -> str | None:
        """How far the job has come, as the ledger has it."""
        with self.ledger.engine.connect() as connection:
            return connection.exec_driver_sql("SELECT cursor FROM watermarks").scalar_one_or_none()

    @watermark.setter
    def watermark(self, cursor: str) -> None:
        set_watermark(self.ledger, cursor)

    def rejected(self) -> list[tuple[str, str]]:
        """List the open rejects: source key and code."""
        return open_findings(self.ledger)
