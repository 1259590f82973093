"""Runs of a job that reads one of the four APIs' sandboxes into a target in memory; the sandbox's journal judges."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from connectors.api.inquiry import Patience
from connectors.delivery.courier import Courier
from connectors.delivery.gate import Gate
from connectors.sandbox.app import SandboxApp
from connectors.sandbox.fault import Faults, Strike
from connectors.sandbox.server import running
from flows.connection import make_source
from flows.job import load_job
from flows.plan import Plan, compile_job
from flows.run import carry_out
from flows.summary import Summary
from flows.watch import Watch
from tests.canary import SOURCE_KEY
from tests.faults.target_api import APIS, Api
from tests.faults.target_time import QuickTime
from tests.faults.target_wire import Tap
from tests.flows.clock import SetClock
from tests.flows.fake import FakeTarget
from tests.state import open_own, own_state

# The columns of reference and name.
COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "valomnia": {"reference": "reference", "name": "name"},
    "keypro": {"reference": "customerNumber", "name": "customerName"},
    "jtl": {"reference": "Number", "name": "BillingAddress.Company"},
    "tradevest": {"reference": "entityId", "name": {"const": "Nameless"}},
}


@dataclass
class SourceRuns:
    """One job out of a sandbox, its ledger and its target."""

    folder: Path
    api: Api
    app: SandboxApp
    tap: Tap
    section: dict[str, Any]
    time: QuickTime
    target: FakeTarget = field(default_factory=FakeTarget)
    clock: SetClock = field(default_factory=SetClock)
    notices: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger = open_own(own_state(self.folder, "source"), self.clock)

    def seed(self, count: int) -> None:
        """Have the source hold so many customers."""
        for number in range(count):
            assert self.app.vendor.add(self.api.given(self.api.reference(number), f"Ada {number}")).applied

    def strike(self, kind: str, **details: Any) -> None:
        """Let reading requests suffer, always."""
        given: dict[str, Any] = {"kind": kind, "methods": ("GET",), "probability": 1.0, **details}
        self.app.faults = Faults(strikes=(Strike(**given),))

    def source(self) -> Any:
        """Make the job's source."""
        return self._source(self._plan())

    def run(self) -> Summary:
        """Run the job once, with an empty journal."""
        self.app.journal.clear()
        self.tap.requests.clear()
        plan = self._plan()
        courier = Courier(self.target, Gate(concurrency=4))
        watch = Watch(on_notice=self.notices.append)
        return asyncio.run(carry_out(plan, self._source(plan), courier, self.ledger, watch))

    def _source(self, plan: Plan) -> Any:
        source: Any = make_source(plan)
        source._runner._patience = Patience(self.time.sleep)  # its pauses would be real ones
        return source

    def _plan(self) -> Plan:
        path = self.folder / "source.yaml"
        target = {"kind": "valomnia", "base_url": "http://127.0.0.1:1", "username": "u", "password": "p"}
        job = {"job": "source", "source": self.section, "target": target, "fields": dict(COLUMNS[self.api.kind])}
        with path.open("w", encoding="utf-8") as file:
            YAML().dump(job, file)
        return compile_job(load_job(path, {}), self.ledger.key)


@contextmanager
def source_runs(folder: Path, kind: str, **settings: Any) -> Iterator[SourceRuns]:
    """Serve a sandbox, and set up a job out of it."""
    api, time = APIS[kind], QuickTime(200)
    app, credentials = api.app(time.sandbox_clock, **{api.secret: SOURCE_KEY, **settings})
    tap = Tap(app)
    with running(tap) as url:
        section: dict[str, Any] = {"kind": kind, "base_url": url}
        section |= {key: value.format(base_url=url) for key, value in credentials.items()}
        made = SourceRuns(folder, api, app, tap, section, time)
        try:
            yield made
        finally:
            made.ledger.close()
