"""A job over fakes, run in this process as often as a test wants, with its ledger wherever the test wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.delivery.courier import Courier
from connectors.delivery.gate import Gate
from connectors.retry import Retry
from flows.job import load_job
from flows.ledger.ledger import Ledger
from flows.plan import compile_job
from flows.run import carry_out
from flows.selection import EVERYTHING, Selection
from flows.summary import Summary
from flows.watch import Watch
from tests.flows.clock import SetClock
from tests.flows.fake import FakeSource, FakeTarget, Record
from tests.state import State, open_own, own_state

JOB = """\
job: crm
source: {kind: csv, path: unused.csv}
target: {kind: valomnia, base_url: "http://127.0.0.1:1", username: u, password: p}
fields:
  reference: no
  name: name
  billingCity: city
page_size: 3
"""


def record(
    key: str, version: str = "1", *, no: str | None = "", name: str | None = "N", city: str | None = None
) -> Record:
    """Make a record whose reference is its key, unless it is told otherwise."""
    return key, version, {"no": key if no == "" else no, "name": name, "city": city}


class Bench:
    """A job over fakes, run as often as a test wants."""

    def __init__(self, folder: Path, state: State | None = None) -> None:
        self.folder = folder
        self.clock = SetClock()
        self.state = state or own_state(folder)
        self.ledger = self.open_ledger()
        self.source = FakeSource([])
        self.target = FakeTarget()
        self.notices: list[str] = []
        self.job = JOB
        self.watch = Watch()  # of the run that is under way

    def open_ledger(self) -> Ledger:
        """Open the ledger, as a further process would."""
        return open_own(self.state, self.clock)

    def run(
        self, selection: Selection = EVERYTHING, *, on_step: Callable[[str], None] = lambda _: None, tries: int = 2
    ) -> Summary:
        """Run the job once."""
        path = self.folder / "job.yaml"
        path.write_text(self.job)
        plan = compile_job(load_job(path, {}), self.ledger.key)
        courier = Courier(
            self.target,
            Gate(concurrency=4, probe_seconds=0.001, give_up_seconds=0.01),
            retry=Retry(tries=tries, first_seconds=0.001),
        )
        self.watch = Watch(on_notice=self.notices.append, on_step=on_step)
        self.target.journal.clear()
        return asyncio.run(carry_out(plan, self.source, courier, self.ledger, self.watch, selection=selection))


@pytest.fixture
def bench(tmp_path: Path, state: State) -> Iterator[Bench]:
    """Set up a job over fakes, with its ledger in each kind of database."""
    made = Bench(tmp_path, state)
    yield made
    made.ledger.close()
