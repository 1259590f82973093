"""Customers in a table, their job, a sandbox and a ledger side by side, for runs that are killed at a named point."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from sqlalchemy import create_engine, text

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.exchange import Message, Receive, Scope, Send
from connectors.sandbox.fault import Faults, Strike
from connectors.sandbox.server import running
from connectors.sandbox.valomnia.vendor import valomnia_app
from tests.flows.run_place import Place
from tests.kill.driver import start
from tests.kill.judge import writes
from tests.kill.point import PAGES
from tests.kill.population import HEADER, JOB, Population
from tests.state import State

_FILE = "{{kind: csv, path: customers.csv, key: id}}"
_TABLE = '{{kind: database, url: "sqlite:///crm.db", table: customers, key: id, updated_at: changed}}'
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_WAITING_SECONDS = 0.05  # that a request waits after its 429 before the run is killed


class TablePopulation(Population):
    """The customers in a table, a minute between the last updates of each two: a run moves the watermark by pages."""

    def write(self, base_url: str, *, page_size: int, concurrency: int) -> None:
        """Write the job and the customers."""
        self.folder.mkdir(exist_ok=True)
        job = JOB.replace(_FILE, _TABLE).format(base_url=base_url, page_size=page_size, concurrency=concurrency)
        self.job.write_text(job, encoding="utf-8")
        self.write_customers()

    def write_customers(self) -> None:
        """Put the customers into their table."""
        engine = create_engine(f"sqlite:///{self.folder / 'crm.db'}")
        names = (*HEADER, "changed")
        rows = []
        for number in range(self.size):
            changed = _FIRST + timedelta(minutes=number)
            rows.append(dict(zip(names, (*self._record(number), changed.isoformat()), strict=True)))
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE IF EXISTS customers"))
            connection.execute(text(f"CREATE TABLE customers ({', '.join(f'{name} TEXT' for name in names)})"))
            connection.execute(text(f"INSERT INTO customers VALUES ({', '.join(f':{name}' for name in names)})"), rows)
        engine.dispose()


class Wire:
    """A sandbox, and the death of its client: when a write is carried out or put off, before the client reads of it."""

    def __init__(self, app: SandboxApp) -> None:
        self._app = app
        self._point = ""
        self._left = 0
        self._process: ForkServerProcess | None = None

    def lie_in_wait(self, point: str, occurrence: int, process: ForkServerProcess) -> None:
        """Kill the process at the so-many-th write that is carried out (K8), or answered with 429 (K11)."""
        self._point, self._left, self._process = point, occurrence, process

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, and act when its answer is about to be sent."""

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and "/reference/" in str(scope.get("path")):
                self._look(int(message["status"]))
            await send(message)

        await self._app(scope, receive, watched)

    def _look(self, status: int) -> None:
        wanted = status == 429 if self._point == "K11" else self._point == "K8" and status < 300
        self._left -= wanted
        if not wanted or self._left != 0 or self._process is None or self._process.pid is None:
            return
        if self._point == "K8":
            os.kill(self._process.pid, signal.SIGKILL)
        else:
            threading.Timer(_WAITING_SECONDS, os.kill, (self._process.pid, signal.SIGKILL)).start()


@dataclass(frozen=True, slots=True)
class KillPlace(Place):
    """A place whose runs are killed, from within or from the wire, and what that has cost."""

    wire: Wire

    def run(self, point: str = "", occurrence: int = 1) -> int | None:
        """Run the job, to a point or to its end; gives its exit code."""
        process = start(self.population.job, self.population.settings, point, occurrence)
        seconds_of(process)
        return process.exitcode

    @property
    def most_writes(self) -> int:
        """How many upserts of one customer there were at most, but for those that were answered with 429."""
        served = [each for each in writes(self.app.journal.entries) if each.status != 429]
        return max(Counter(each.reference for each in served).values())

    def put_off(self, number: int) -> None:
        """Let the target answer the so-many-th upsert with 429, to be tried again after a minute."""
        strike = Strike(kind="error", status=429, retry_after="60", next=1, skip=number - 1, methods=("POST",))
        self.app.faults = Faults(latency_ms=self.app.faults.latency_ms, strikes=(strike,))


@contextmanager
def kill_place(
    folder: Path,
    state: State,
    population: type[Population] = TablePopulation,
    *,
    pages: int = PAGES,
    page_size: int = 50,
    concurrency: int = 16,
    latency_ms: float = 4,
) -> Iterator[KillPlace]:
    """Serve a sandbox until the end of the block, and write a job and so many pages of customers for it."""
    app = valomnia_app(faults=Faults(latency_ms=latency_ms))
    settings = {"ROLLCALL_STATE": state.url, **state.environment}
    made = population(folder / "job", pages * page_size, settings=settings)
    wire = Wire(app)
    with running(wire) as url:
        made.write(url, page_size=page_size, concurrency=concurrency)
        yield KillPlace(app, made, wire)


def seconds_of(process: ForkServerProcess, seconds: float = 120) -> float:
    """Wait for a process's end, and tell how long it took; raises TimeoutError."""
    began = time.monotonic()
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError("the run did not end")
    return time.monotonic() - began
