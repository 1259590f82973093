"""Runs of a job into one of the four APIs' sandboxes over a real socket; journal and customers judge, no counter.

After every run the law is checked: pages and runs balance, nobody is there twice, nobody is both done and rejected, and
a completed run leaves no intent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from connectors.delivery.courier import Courier
from connectors.delivery.gate import Gate
from connectors.retry import Retry
from connectors.sandbox.app import SandboxApp
from connectors.sandbox.exchange import Request
from connectors.sandbox.fault import Faults, Forced, Strike
from connectors.sandbox.journal import Entry
from connectors.sandbox.server import running
from flows.connection import make_target
from flows.job import load_job
from flows.ledger.history import History, RejectEntry
from flows.plan import compile_job
from flows.run import carry_out
from flows.summary import Summary
from flows.watch import Watch
from tests.faults.target_api import APIS, Api
from tests.faults.target_time import QuickTime
from tests.faults.target_wire import WRITES, Tap
from tests.flows.clock import SetClock
from tests.flows.fake import FakeSource, Record
from tests.state import open_own, own_state

# Queries that count what must not be there after any run.
_LAWS = {
    "a page does not balance": (
        "SELECT count(*) FROM pages p WHERE p.confirmed_at IS NOT NULL AND p.extracted <> p.unchanged + p.filtered"
        " + (SELECT count(*) FROM lines l WHERE l.run = p.run AND l.page = p.page)"
    ),
    "a run does not balance": (
        "SELECT count(*) FROM runs WHERE extracted <> created + updated + unchanged + filtered + invalid + rejected"
        " + deferred"
    ),
    "a customer has several open rejects": (
        "SELECT count(*) FROM (SELECT 1 FROM rejects WHERE closed_at IS NULL AND outcome = 'rejected'"
        " GROUP BY scope, reference HAVING count(*) > 1) AS several"
    ),
    "a customer is both done and rejected": (
        "SELECT count(*) FROM customers c JOIN rejects r ON r.scope = c.scope AND r.source_key = c.source_key"
        " WHERE r.closed_at IS NULL AND c.outcome NOT IN ('invalid', 'rejected')"
    ),
    "a completed run left an intent": (
        "SELECT count(*) FROM intents WHERE (SELECT status FROM runs ORDER BY run DESC LIMIT 1) = 'completed'"
    ),
}


@dataclass
class TargetRuns:
    """One job over records in memory, its ledger, its target's sandbox, and a time in which pauses end soon."""

    folder: Path
    api: Api
    app: SandboxApp
    tap: Tap
    url: str
    section: dict[str, Any]
    time: QuickTime
    name: str = "faults"
    concurrency: int = 8
    page_size: int = 100
    fields: dict[str, Any] = field(default_factory=dict)
    source: FakeSource = field(default_factory=lambda: FakeSource([], columns=("no", "name")))
    clock: SetClock = field(default_factory=SetClock)
    notices: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fields = {**self.api.fields, **self.fields}
        self.ledger = open_own(own_state(self.folder, self.name), self.clock)

    def records(self, *names: str) -> None:
        """Have the source hold customers of these names, and no others."""
        self.source.records = [self.record(number, name) for number, name in enumerate(names)]

    def record(self, number: int, name: str, version: str = "1") -> Record:
        """Make a record."""
        return f"K-{number:03}", version, {"no": self.ref(number), "name": name}

    def ref(self, number: int) -> str:
        """Name a customer."""
        return self.api.reference(number)

    def put(self, number: int, name: str) -> None:
        """Have the target hold a customer that somebody else has entered."""
        reply = self.app.vendor.add(self.api.given(self.ref(number), name))
        assert reply.applied, reply

    def fail(self, **faults: Any) -> None:
        """Let things go wrong from now on."""
        self.app.faults = Faults(**faults)

    def strike(self, kind: str, **details: Any) -> None:
        """Let writes suffer, unless `methods` says what does: always, unless `next` says how often."""
        often = {} if "next" in details else {"probability": 1.0}
        given: dict[str, Any] = {"kind": kind, "methods": ("POST", "PATCH"), **often, **details}
        self.fail(strikes=(Strike(**given),))

    def force(self, *numbers: int, **forced: Any) -> None:
        """Force an answer upon customers."""
        self.fail(forced={self.ref(number): Forced(**forced) for number in numbers})

    def after_writes(self, count: int, act: Callable[[], object]) -> None:
        """Do something once so many writes came."""
        left = count

        def look(request: Request) -> None:
            nonlocal left
            left -= request.method in WRITES and not self.api.is_login(request.path)
            if left <= 0:
                self.tap.before = lambda _: None
                act()

        self.tap.before = look

    def heal(self) -> None:
        """Let nothing go wrong."""
        self.app.faults = Faults()

    def run(
        self,
        *,
        on_step: Callable[[str], None] = lambda _: None,
        tries: int = 5,
        probe_seconds: float = 0.2,
        give_up_seconds: float = 300.0,
    ) -> Summary:
        """Run the job once with an empty journal, and judge what it left."""
        self.app.journal.clear()
        self.tap.requests.clear()
        path = self.folder / f"{self.name}.yaml"
        source = {"kind": "csv", "path": "unused.csv"}
        job = {"job": self.name, "source": source, "target": self.section, "fields": self.fields}
        with path.open("w", encoding="utf-8") as file:
            YAML().dump({**job, "page_size": self.page_size}, file)
        plan = compile_job(load_job(path, {}), self.ledger.key)
        target, _ = make_target(plan)
        time = self.time
        gate = Gate(
            concurrency=self.concurrency,
            probe_seconds=probe_seconds,
            give_up_seconds=give_up_seconds,
            clock=time.clock,
            sleep=time.sleep,
        )
        courier = Courier(target, gate, retry=Retry(tries=tries), clock=time.clock, sleep=time.sleep)
        watch = Watch(on_notice=self.notices.append, on_step=on_step)
        summary = asyncio.run(carry_out(plan, self.source, courier, self.ledger, watch))
        assert self.broken_laws() == []
        return summary

    def broken_laws(self) -> list[str]:
        """List what is not as it must be in the ledger."""
        with self.ledger.engine.connect() as connection:
            return [law for law, query in _LAWS.items() if connection.exec_driver_sql(query).scalar()]

    @property
    def held(self) -> dict[str, str]:
        """Give the name of each customer that the target holds; none may be there twice."""
        shown = [self.api.read(each) for each in self.app.vendor.customers("")]
        assert len({reference for reference, _ in shown}) == len(shown), "a customer is there twice"
        return dict(shown)

    @property
    def wanted(self) -> dict[str, str]:
        """Give the name that the source has last for each reference."""
        return {str(values["no"]): str(values["name"]) for _, _, values in self.source.records}

    @property
    def rejects(self) -> list[RejectEntry]:
        """List the open rejects."""
        return History(self.ledger).rejects()

    @property
    def codes(self) -> list[tuple[str, str]]:
        """List the open rejects: source key and code."""
        return [(entry.source_key, finding.code) for entry in self.rejects for finding in entry.findings]

    def entries(self) -> list[Entry]:
        """Show the last run's requests, signing in aside."""
        return [each for each in self.app.journal.entries if not self.api.is_login(each.path)]

    def writes(self, number: int | None = None) -> list[Entry]:
        """Show the requests that changed, or were to change, customers, or one of them."""
        wanted = None if number is None else self.ref(number)
        return [each for each in self.entries() if each.method in WRITES and wanted in {None, each.reference}]

    def statuses(self, number: int) -> list[tuple[str, int | None]]:
        """Tell how each write of one customer was answered."""
        return [(each.method, each.status) for each in self.writes(number)]

    def creations(self) -> list[str | None]:
        """Name the customers whose creation was carried out; an upsert creates but once."""
        applied = [each.reference for each in self.writes() if each.applied and each.method == "POST"]
        return applied if self.api.creates else list(dict.fromkeys(applied))


@contextmanager
def target_runs(
    folder: Path, kind: str, *, name: str = "faults", speed: int = 200, **settings: Any
) -> Iterator[TargetRuns]:
    """Serve a sandbox with these settings of its own, and set up a job into it over an empty source."""
    api, time = APIS[kind], QuickTime(speed)
    app, credentials = api.app(time.sandbox_clock, **settings)
    tap = Tap(app)
    with running(tap) as url:
        section: dict[str, Any] = {"kind": kind, "base_url": url}
        section |= {key: value.format(base_url=url) for key, value in credentials.items()}
        made = TargetRuns(folder, api, app, tap, url, section, time, name)
        try:
            yield made
        finally:
            made.ledger.close()
