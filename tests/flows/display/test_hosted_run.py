"""A flow run that a runner carries out, and one of a shell: retried from the UI, cancelled, and stopped by signals."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.fault import Faults, Strike
from flows.summary import ExitCode
from tests.flows.display.server import PrefectServer, prefect_server
from tests.flows.kill_driver import run_here
from tests.flows.kill_judge import writes
from tests.flows.kill_place import Place, open_place
from tests.flows.kill_process import RUN, await_that, environment

pytestmark = [pytest.mark.prefect, pytest.mark.kill]

SERVE = "from flows.sync import sync_customers; sync_customers.serve(name='here', pause_on_shutdown=False)"
DATABASE_JOB = """\
job: killed
source:
  kind: database
  url: sqlite:///{folder}/source.db
  table: customers
  key: id
  updated_at: updated_at
  time_zone: UTC
  overlap: 0s
target: {{kind: valomnia, base_url: "{url}", username: sandbox, password: sandbox, concurrency: 8}}
fields: {{reference: no, name: name}}
page_size: 20
"""
REFUSED = Faults(refuse_credentials=403)
SILENT = Faults(strikes=(Strike(kind="hang", probability=1, methods=("POST",)),))
WAIT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Runner:
    """A served deployment of the flow."""

    server: PrefectServer
    deployment: str

    def start(self, job: Path) -> str:
        """Ask for a run of the job, and give the flow run's id."""
        body = {"parameters": {"job": str(job)}, "state": {"type": "SCHEDULED"}}
        return str(self.server.ask("POST", f"/deployments/{self.deployment}/create_flow_run", json=body)["id"])

    def state(self, flow_run: str) -> dict[str, Any]:
        """Give the state that the flow run is in."""
        found: dict[str, Any] = self.server.ask("GET", f"/flow_runs/{flow_run}")["state"]
        return found

    def put(self, flow_run: str, **state: str) -> None:
        """Put the flow run in a state, as the UI does."""
        self.server.ask("POST", f"/flow_runs/{flow_run}/set_state", json={"state": state, "force": True})

    def await_state(self, flow_run: str, kind: str) -> dict[str, Any]:
        """Wait until the flow run is in a state of this kind."""
        await_that(lambda: self.state(flow_run)["type"] == kind, WAIT_SECONDS)
        return self.state(flow_run)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """Run one Prefect server for all tests of this module."""
    with prefect_server(tmp_path_factory.mktemp("prefect") / "server") as running:
        yield running


@pytest.fixture(scope="module")
def runner(server: PrefectServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """Serve the flow in a process of its own, as `rollcall deploy --serve` does."""
    folder = tmp_path_factory.mktemp("runner")
    settings = {**environment(folder), **server.environment, "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([sys.executable, "-c", SERVE], env=settings, cwd=folder, stdout=log, stderr=log) as process,
    ):
        try:
            await_that(lambda: bool(server.ask("POST", "/deployments/filter", json={})), WAIT_SECONDS)
            (deployment,) = server.ask("POST", "/deployments/filter", json={})
            yield Runner(server, deployment["id"])
        finally:
            process.terminate()


def write_database_job(place: Place, count: int) -> None:
    """Replace the place's job by one over a table with last updates, a second apart."""
    folder = place.job.parent
    with closing(sqlite3.connect(folder / "source.db")) as connection, connection:
        connection.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, no TEXT, name TEXT, updated_at TEXT)")
        connection.executemany(
            "INSERT INTO customers VALUES (?, ?, ?, ?)",
            [(n, f"D-{n}", f"Name {n}", f"2026-01-01 08:{n // 60:02}:{n % 60:02}") for n in range(count)],
        )
    url = place.job.read_text(encoding="utf-8").split("base_url: ")[1].split()[0]
    place.job.write_text(DATABASE_JOB.format(folder=folder, url=url), encoding="utf-8")


def fail_on_the_way(place: Place, runner: Runner, writes: int) -> str:
    """Run the job, and let the target refuse our credentials after so many upserts; gives the failed flow run."""
    flow_run = runner.start(place.job)
    await_that(lambda: place.writes >= writes, WAIT_SECONDS)
    place.app.faults = REFUSED
    state = runner.await_state(flow_run, "FAILED")
    assert "the credentials are refused" in state["message"]
    place.app.faults = Faults()
    return flow_run


def accepted_twice(place: Place) -> list[tuple[str | None, str]]:
    """List the customers whose same values the target has taken more than once."""
    taken = Counter(
        (entry.reference, entry.body_sha256)
        for entry in writes(place.app.journal.entries)
        if entry.status is not None and entry.status < 300
    )
    return [who for who, times in taken.items() if times > 1]


def retry(runner: Runner, flow_run: str) -> dict[str, Any]:
    """Press the UI's retry button, and wait for the end."""
    runner.put(flow_run, type="SCHEDULED", name="AwaitingRetry", message="Retry from the UI")
    await_that(lambda: runner.state(flow_run)["type"] not in {"FAILED", "SCHEDULED"}, WAIT_SECONDS)
    return runner.await_state(flow_run, "COMPLETED")


def test_a_retry_from_the_ui_goes_on_from_the_watermark(tmp_path: Path, runner: Runner) -> None:
    """The same flow run goes on with the page at which an incremental run stopped, and sends nobody twice."""
    with open_place(tmp_path, latency_ms=20) as place:
        write_database_job(place, 200)
        flow_run = fail_on_the_way(place, runner, 90)
        ((confirmed,),) = place.ask("SELECT sum(extracted) FROM pages WHERE run = 1 AND confirmed_at IS NOT NULL")
        assert confirmed >= 60
        retry(runner, flow_run)
        ((read,),) = place.ask("SELECT sum(extracted) FROM pages WHERE run = 2 AND page > 0")
        assert read == 200 - confirmed + 1  # the watermark's own record comes again: more may have its moment
        assert place.ask("SELECT status FROM runs") == [("failed",), ("completed",)]
        assert len(place.applied) == 200
        assert accepted_twice(place) == []
        assert runner.server.ask("GET", f"/flow_runs/{flow_run}")["run_count"] == 2
        artifacts = {each["data"] for each in runner.server.artifacts(flow_run) if each["key"] == "killed-run"}
        assert any("| watermark before | 2026-01-01 08:0" in text for text in artifacts)


def test_a_retry_of_a_whole_reading_sends_only_what_is_missing(tmp_path: Path, runner: Runner) -> None:
    """A source without last updates is read again from its beginning, and what was confirmed costs no request."""
    with open_place(tmp_path, latency_ms=20) as place:
        flow_run = fail_on_the_way(place, runner, 90)
        ended = retry(runner, flow_run)
        assert ended["name"] == "Completed with 12 rejects"
        assert [each for each in place.differences() if "without an end" not in each] == []
        assert accepted_twice(place) == []
        ((unchanged,),) = place.ask("SELECT unchanged FROM runs WHERE run = 2")
        assert unchanged >= 50


def test_a_run_that_is_cancelled_in_the_ui_falls_silent(tmp_path: Path, runner: Runner) -> None:
    """What was in flight is settled, nothing new is sent, the flow run is Cancelled, and the next run finishes."""
    with open_place(tmp_path, size=2000, page_size=500, concurrency=8, latency_ms=40) as place:
        flow_run = runner.start(place.job)
        await_that(lambda: place.writes >= 100, WAIT_SECONDS)
        runner.put(flow_run, type="CANCELLING", name="Cancelling")
        asked = time.monotonic()
        runner.await_state(flow_run, "CANCELLED")
        assert time.monotonic() - asked < 30
        assert place.ask("SELECT status FROM runs") == [("interrupted",)]
        requests = place.requests
        known = place.ask("SELECT reference, target_id FROM crosswalk WHERE row_hash IS NOT NULL")
        assert dict(known) == place.applied
        time.sleep(1)
        assert place.requests == requests
        assert run_here(place.job).status == "completed"
        assert place.differences() == []
        assert place.repeated == 0


@contextmanager
def shell_run(place: Place, server: PrefectServer, writes: int) -> Iterator[subprocess.Popen[str]]:
    """Start a run of the shell under Prefect, and wait until it has sent some upserts."""
    command = [sys.executable, "-c", RUN, "run", str(place.job), "--json"]
    settings = {**environment(place.job.parent), **server.environment}
    with subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            await_that(lambda: place.writes >= writes, WAIT_SECONDS)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_a_run_under_prefect_settle(
    tmp_path: Path, server: PrefectServer, number: signal.Signals
) -> None:
    """A shell's run under Prefect ends soon with 130, everything answered is recorded, and the state is Cancelled."""
    with open_place(tmp_path, size=2000, page_size=500, concurrency=16, latency_ms=20) as place:
        with shell_run(place, server, 600) as process:
            process.send_signal(number)
            output, _ = process.communicate(timeout=30)
        assert process.returncode == ExitCode.STOPPED
        assert json.loads(output)["status"] == "interrupted"
        known = place.ask("SELECT reference, target_id FROM crosswalk WHERE row_hash IS NOT NULL")
        assert dict(known) == place.applied
        (run,) = [each for each in server.flow_runs() if each["parameters"]["job"] == str(place.job)]
        assert run["state_type"] == "CANCELLED"
        assert run_here(place.job).status == "completed"
        assert place.differences() == []
        assert place.repeated == 0


@pytest.mark.parametrize("state", ["Cancelling", "Cancelled"])
def test_a_shells_run_that_is_cancelled_in_the_ui(tmp_path: Path, server: PrefectServer, state: str) -> None:
    """It settles what is in flight and ends with 130, as at a signal; the flow run is Cancelled."""
    with open_place(tmp_path, size=4000, page_size=500, concurrency=8, latency_ms=40) as place:
        with shell_run(place, server, 100) as process:
            (run,) = [each for each in server.flow_runs() if each["parameters"]["job"] == str(place.job)]
            body = {"state": {"type": state.upper(), "name": state}, "force": True}
            server.ask("POST", f"/flow_runs/{run['id']}/set_state", json=body)
            output, err = process.communicate(timeout=30)
        assert process.returncode == ExitCode.STOPPED
        assert json.loads(output)["status"] == "interrupted"
        assert "its server is away" not in err
        known = place.ask("SELECT reference, target_id FROM crosswalk WHERE row_hash IS NOT NULL")
        assert dict(known) == place.applied
        assert len(place.applied) < 4000
        assert server.ask("GET", f"/flow_runs/{run['id']}")["state_type"] == "CANCELLED"


def test_a_second_signal_ends_a_run_under_prefect_at_once(tmp_path: Path, server: PrefectServer) -> None:
    """While the target says nothing, the first Ctrl-C waits for it and the second does not."""
    with open_place(tmp_path) as place:
        place.app.faults = SILENT
        with shell_run(place, server, 16) as process:
            process.send_signal(signal.SIGINT)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.5)
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=9)
        assert process.returncode == ExitCode.STOPPED
        assert json.loads(output)["unfinished"] == 1
