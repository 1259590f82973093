"""A Prefect server with its services, workers of a pool, and a job that they run into a sandbox: all real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from tests.canary import LEDGER_KEY
from tests.flows.command import Said, start_python
from tests.flows.display.server import PrefectServer, prefect_server
from tests.kill.judge import writes
from tests.kill.process import SandboxProcess
from tests.server import connect
from tests.state import own_state

KEY = LEDGER_KEY
ROLLCALL = "from flows.cli import main; main()"
# A hundred runs are made ahead otherwise, which keeps the server busy.
_FEW = {"PREFECT_SERVER_SERVICES_SCHEDULER_MAX_RUNS": "15"}
# Else a worker looks for runs every ten seconds.
WORKER = {
    "PREFECT_WORKER_QUERY_SECONDS": "1",
    "PREFECT_WORKER_PREFETCH_SECONDS": "1",
    "PREFECT_RUNNER_POLL_FREQUENCY": "1",
}
NONE: Mapping[str, str] = {}
_TURN_SECONDS = 0.5

JOB = """\
job: {name}
source:
  kind: csv
  path: customers.csv
  key: no
target:
  kind: valomnia
  base_url: ${{URL}}
  username: sandbox
  password: sandbox
  concurrency: 4
fields:
  reference: no
  name: company
page_size: 20
{more}
"""


@contextmanager
def scheduling_server(home: Path, port: int = 0, settings: Mapping[str, str] = NONE) -> Iterator[PrefectServer]:
    """Serve a Prefect API whose scheduler looks ahead a little."""
    with prefect_server(home, {**_FEW, **settings}, port) as server:
        yield server


@dataclass(slots=True)
class Site:
    """A job of its own with its customers, its ledger and its deployment at a server."""

    folder: Path
    name: str
    server: PrefectServer
    sandbox: SandboxProcess
    more: str = ""
    count: int = 120
    said: Path | None = None
    first: int = field(init=False)
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.first = self.count
        self.job.write_text(JOB.format(name=self.name, more=self.more), encoding="utf-8")
        self.write(self.count)
        self.environment = {**self.server.environment, **WORKER, "URL": self.sandbox.base_url}

    def write(self, count: int) -> None:
        """Write so many customers into the source file."""
        self.count = count
        lines = [f"{self.name}-{number},Firm {number}\n" for number in range(count)]
        made = self.folder / "customers.new"
        made.write_text("no,company\n" + "".join(lines), encoding="utf-8")
        made.rename(self.folder / "customers.csv")

    @property
    def job(self) -> Path:
        """The job file."""
        return self.folder / "job.yaml"

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.folder / "state" / "ledger.db"

    def rollcall(self, *arguments: object, **more: str) -> Said:
        """Call `rollcall` in a process of its own."""
        return start_python(ROLLCALL, *arguments, environment={**self.environment, **more}, cwd=self.folder)

    @property
    def named(self) -> dict[str, str]:
        """The variables that name the ledger and its key."""
        url = self._ledger_url
        short = "sqlite:///state/ledger.db" if url.startswith("sqlite:") else url
        return {"ROLLCALL_STATE": short, "ROLLCALL_KEY": KEY}

    @property
    def ledger_name(self) -> str:
        """The name of the ledger's file or database."""
        return self._ledger_url.rpartition("/")[2]

    @property
    def _ledger_url(self) -> str:
        return own_state(self.ledger.parent, self.ledger.stem).url

    def deploy(self, *arguments: object) -> dict[str, Any]:
        """Deploy the job to the pool of its own name."""
        self.ledger.parent.mkdir(exist_ok=True)
        said = self.rollcall("deploy", self.job, "--pool", self.name, "--json", *arguments, **self.named)
        assert said.code == 0, said.err
        return said.json

    def begin(self, flow: str = "sync-customers", at: str | None = None) -> str:
        """Ask for a run of a deployment, now or at a time, and give its id."""
        found = self.server.ask("GET", f"/deployments/name/{flow}/{self.name}")
        state: dict[str, Any] = {"type": "SCHEDULED"}
        if at is not None:
            state["state_details"] = {"scheduled_time": at}
        made: dict[str, Any] = {}

        def ask() -> bool:
            made.update(self.server.ask("POST", f"/deployments/{found['id']}/create_flow_run", json={"state": state}))
            return True

        wait_for(ask, 60)
        return str(made["id"])

    def runs(self) -> list[dict[str, Any]]:
        """List the flow runs of the job's deployments."""
        body = {"deployments": {"name": {"any_": [self.name]}}, "sort": "EXPECTED_START_TIME_ASC"}
        found: list[dict[str, Any]] = self.server.ask("POST", "/flow_runs/filter", json=body)
        return found

    def states(self) -> Counter[str]:
        """Count the states of the flow runs, as `COMPLETED` or `CANCELLED`."""
        return Counter(run["state_type"] for run in self.runs())

    def state_of(self, flow_run: str) -> str:
        """Tell the state of a flow run."""
        return str(self.server.ask("GET", f"/flow_runs/{flow_run}")["state_type"])

    def ask_ledger(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the ledger itself."""
        engine = connect(self._ledger_url)
        try:
            with engine.connect() as ledger:
                return [tuple(row) for row in ledger.execute(text(query))]
        finally:
            engine.dispose()

    def sent(self) -> Counter[str]:
        """Count the upserts of each of the job's customers, from the sandbox's journal."""
        mine = [
            entry.reference for entry in writes(self.sandbox.entries()) if str(entry.reference).startswith(self.name)
        ]
        return Counter(str(reference) for reference in mine)

    def arrived(self) -> list[str]:
        """List the references of the job's customers that the sandbox holds, each as often as it does."""
        found = [str(customer["reference"]) for customer in self.sandbox.customers()]
        return sorted(reference for reference in found if reference.startswith(f"{self.name}-"))

    @property
    def expected(self) -> list[str]:
        """The references that are to arrive."""
        return sorted(f"{self.name}-{number}" for number in range(self.count))

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        """Let a worker of the job's pool work until the end of the block."""
        with self.process("-m", "prefect", "worker", "start", "--pool", self.name) as process:
            yield process

    @contextmanager
    def process(self, *arguments: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a Python process in a group of its own until the end of the block; it and its children are ended then.

        What it says goes into the file `said`, or nowhere.
        """
        with (
            (self.said or Path(os.devnull)).open("wb") as out,
            subprocess.Popen(
                [sys.executable, *arguments],
                env={**ours(), **self.environment, **more},
                cwd=self.folder,
                stdout=out,
                stderr=out,
                start_new_session=True,
            ) as process,
        ):
            try:
                yield process
            finally:
                for child in [*children(process.pid), process.pid]:
                    end(child)


def ours() -> dict[str, str]:
    """Give the variables of this process, without those of Prefect and of ours, and with this very code."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ROLLCALL_"))}
    return kept | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}


def children(parent: int) -> list[int]:
    """List the processes that a process has started, and theirs."""
    found: list[int] = []
    for task in Path(f"/proc/{parent}/task").glob("*/children"):
        try:
            direct = [int(text) for text in task.read_text().split()]
        except OSError:
            continue
        for child in direct:
            found += [*children(child), child]
    return found


def engine(worker: int) -> int | None:
    """Find the process in which a worker lets a flow run."""
    for child in children(worker):
        try:
            if b"prefect.engine" in Path(f"/proc/{child}/cmdline").read_bytes():
                return child
        except OSError:
            continue
    return None


def alive(process: int) -> bool:
    """Say whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def end(process: int) -> None:
    """End a process without a word, if it is there."""
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return


def await_final(site: Site, flow_runs: list[str], seconds: float = 150) -> list[str]:
    """Wait until these flow runs have come to their ends, and give those."""
    ends = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
    found: list[str] = []

    def done() -> bool:
        states = {run["id"]: run["state_type"] for run in site.runs()}
        found[:] = [states[each] for each in flow_runs]
        return set(found) <= ends

    wait_for(done, seconds)
    return found


def wait_for(true: Callable[[], bool], seconds: float = 150) -> None:
    """Look now and then until it is true; raises TimeoutError."""
    end = time.monotonic() + seconds
    while True:
        # A server over SQLite that has much to write answers late, or with 503, and goes on.
        with suppress(httpx.TransportError, httpx.HTTPStatusError):
            if true():
                return
        if time.monotonic() > end:
            raise TimeoutError("what was waited for did not come")
        time.sleep(_TURN_SECONDS)
