"""A flow run that a runner carries out, and one of a shell: retried from the UI, cancelled, and stopped by signals."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.fault import Faults, Strike
from flows.summary import ExitCode
from tests.flows.deployment.worker import wait_for
from tests.flows.display.hosted import HostedRun, Program
from tests.flows.display.server import PrefectServer
from tests.flows.run_place import Place, open_place, run_here
from tests.kill.judge import writes
from tests.kill.process import await_that, environment

pytestmark = [pytest.mark.prefect, pytest.mark.kill]

SERVE = "from flows.sync import sync_customers; sync_customers.serve(name='here', pause_on_shutdown=False)"
REFUSED = Faults(refuse_credentials=403)
SILENT = Faults(strikes=(Strike(kind="hang", probability=1, methods=("POST",)),))
WAIT_SECONDS = 120
# Twenty seconds of upserts: long enough for somebody who asks now and then to hear of a cancellation.
SIZE, SLOW = 400, Faults(latency_ms=400)


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
        wait_for(lambda: bool(self.state(flow_run)["type"] == kind), WAIT_SECONDS)
        return self.state(flow_run)


@pytest.fixture(scope="module")
def runner(server: PrefectServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """Serve the flow in a process of its own, as `rollcall deploy --serve` does."""
    folder = tmp_path_factory.mktemp("runner")
    settings = {
        **environment(folder),
        **server.environment,
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        "HYPOTHESIS_NO_PLUGINS": "1",  # pandera loads hypothesis where it is installed, and that pytest and trio
    }
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([sys.executable, "-c", SERVE], env=settings, cwd=folder, stdout=log, stderr=log) as process,
    ):
        try:
            wait_for(lambda: bool(server.ask("POST", "/deployments/filter", json={})), WAIT_SECONDS)
            (deployment,) = server.ask("POST", "/deployments/filter", json={})
            yield Runner(server, deployment["id"])
        finally:
            process.terminate()


@contextmanager
def open_places(folder: Path, names: Iterable[str], size: int, faults: Faults) -> Iterator[dict[str, Place]]:
    """Make a place for each name, so that runs go on side by side: what takes long is to wait for them."""
    with ExitStack() as stack:
        places = {}
        for name in names:
            (folder / name).mkdir()
            opened = open_place(folder / name, size=size, page_size=50, concurrency=8)
            places[name] = stack.enter_context(opened)
            places[name].app.faults = faults
        yield places


def fail_on_the_way(runner: Runner, places: Mapping[str, Place], writes: int) -> dict[str, str]:
    """Run the jobs, and let the targets refuse our credentials after so many upserts; gives the failed flow runs."""
    flow_runs = {name: runner.start(place.job) for name, place in places.items()}
    sending = list(places.values())

    def all_refused() -> bool:
        for place in [each for each in sending if each.writes >= writes]:
            place.app.faults = REFUSED
            sending.remove(place)
        return not sending

    await_that(all_refused, WAIT_SECONDS)
    for name, place in places.items():
        state = runner.await_state(flow_runs[name], "FAILED")
        assert "the credentials are refused" in state["message"]
        place.app.faults = Faults()
    return flow_runs


def accepted_twice(place: Place) -> list[tuple[str | None, str]]:
    """List the customers whose same values the target has taken more than once."""
    taken = Counter(
        (entry.reference, entry.body_sha256)
        for entry in writes(place.app.journal.entries)
        if entry.status is not None and entry.status < 300
    )
    return [who for who, times in taken.items() if times > 1]


def retry(runner: Runner, flow_runs: Mapping[str, str]) -> dict[str, str]:
    """Press the UI's retry button, and wait for the ends; gives the names of the final states."""
    for flow_run in flow_runs.values():
        runner.put(flow_run, type="SCHEDULED", name="AwaitingRetry", message="Retry from the UI")
    early = {"FAILED", "SCHEDULED"}
    wait_for(lambda: all(runner.state(each)["type"] not in early for each in flow_runs.values()), WAIT_SECONDS)
    return {name: runner.await_state(flow_run, "COMPLETED")["name"] for name, flow_run in flow_runs.items()}


def test_o12_a_retry_from_the_ui_goes_on(tmp_path: Path, runner: Runner) -> None:
    """The same flow run goes on where it stopped, by the watermark or by what was confirmed, and sends nobody twice."""
    with open_places(tmp_path, ["incremental", "whole"], 300, Faults(latency_ms=20)) as places:
        incremental, whole = places.values()
        incremental.use_table(200)
        flow_runs = fail_on_the_way(runner, places, 90)
        ((confirmed,),) = incremental.ask("SELECT sum(extracted) FROM pages WHERE run = 1 AND confirmed_at IS NOT NULL")
        ends = retry(runner, flow_runs)
        judge_incremental(incremental, confirmed)
        artifacts = runner.server.artifacts(flow_runs["incremental"])
        summaries = {each["data"] for each in artifacts if each["key"] == "killed-run"}
        assert any("| watermark before | 2026-01-01 08:0" in text for text in summaries)
        assert runner.server.ask("GET", f"/flow_runs/{flow_runs['incremental']}")["run_count"] == 2
        judge_whole(whole, ends["whole"])


def judge_incremental(place: Place, confirmed: int) -> None:
    """See that the second run read on from the page at which the first one had stopped."""
    assert confirmed >= 60
    ((read,),) = place.ask("SELECT sum(extracted) FROM pages WHERE run = 2 AND page > 0")
    assert read == 200 - confirmed + 1  # the watermark's own record comes again: more may have its moment
    assert place.ask("SELECT status FROM runs") == [("failed",), ("completed",)]
    assert len(place.applied) == 200
    assert accepted_twice(place) == []


def judge_whole(place: Place, end: str) -> None:
    """See that a source without last updates was read from its beginning, and what was confirmed cost no request."""
    assert end == "Completed with 12 rejects"
    assert [each for each in place.differences() if "without an end" not in each] == []
    assert accepted_twice(place) == []
    ((unchanged,),) = place.ask("SELECT unchanged FROM runs WHERE run = 2")
    assert unchanged >= 50


def test_o14_a_run_that_is_cancelled_in_the_ui_falls_silent(tmp_path: Path, runner: Runner, program: Program) -> None:
    """What was in flight is settled, nothing new is sent, the flow run is Cancelled, and the next run finishes.

    A shell that has started the run ends with 130, as at a signal.
    """
    with open_places(tmp_path, ["runner"], SIZE, Faults(latency_ms=1500)) as places:  # it outlasts the others
        place = places["runner"]
        flow_run = runner.start(place.job)
        with runs_under_way(tmp_path, program, ["Cancelling", "Cancelled"]) as runs:
            for name, run in runs.items():
                runner.put(run.flow_run["id"], type=name.upper(), name=name)
            for run in runs.values():
                assert_stopped(run)
                assert "its server is away" not in run.err
        await_that(lambda: place.writes >= 8, WAIT_SECONDS)
        runner.put(flow_run, type="CANCELLING", name="Cancelling")
        asked = time.monotonic()
        runner.await_state(flow_run, "CANCELLED")
        assert time.monotonic() - asked < 30
        assert place.ask("SELECT status FROM runs") == [("interrupted",)]
        assert_settled(place)
        requests = place.requests
        time.sleep(1)
        assert place.requests == requests
        assert_next_run_finishes(place)


def assert_settled(place: Place) -> None:
    """See that the ledger knows what the target holds, and that there is more to come."""
    known = place.ask("SELECT reference, target_id FROM crosswalk WHERE row_hash IS NOT NULL")
    assert dict(known) == place.applied
    assert len(place.applied) < len(place.population.wanted())


def assert_next_run_finishes(place: Place) -> None:
    """See that another run brings the rest, and nobody twice."""
    place.app.faults = Faults()  # soon
    assert run_here(place.job).status == "completed"
    assert place.differences() == []
    assert place.repeated == 0


@contextmanager
def runs_under_way(folder: Path, program: Program, names: Iterable[str]) -> Iterator[dict[str, HostedRun]]:
    """Start a run of the shell for each name, and wait until each has sent some upserts."""
    with open_places(folder, names, SIZE, SLOW) as places, ExitStack() as stack:
        runs = {name: stack.enter_context(program.run(place)) for name, place in places.items()}
        for run in runs.values():
            run.await_writes(16)
        yield runs


def assert_stopped(run: HostedRun) -> None:
    """See that a run was stopped on request, and that ledger, target and Prefect agree on it."""
    assert run.end(60) == ExitCode.STOPPED
    assert run.summary["status"] == "interrupted"
    assert_settled(run.place)
    assert run.flow_run["state_type"] == "CANCELLED"


def test_o02_a_signal_lets_a_run_under_prefect_settle(tmp_path: Path, program: Program) -> None:
    """A shell's run under Prefect ends soon with 130, everything answered is recorded, and the state is Cancelled."""
    with runs_under_way(tmp_path, program, ["SIGINT", "SIGTERM"]) as runs:
        for name, run in runs.items():
            run.signal(signal.Signals[name])
        for run in runs.values():
            assert_stopped(run)
            assert_next_run_finishes(run.place)


def test_o02_a_second_signal_ends_a_run_under_prefect_at_once(tmp_path: Path, program: Program) -> None:
    """While the target says nothing, the first Ctrl-C waits for it and the second does not."""
    with open_place(tmp_path) as place:
        place.app.faults = SILENT
        with program.run(place) as run:
            run.await_writes(16)
            run.signal(signal.SIGINT)
            with pytest.raises(TimeoutError):
                run.end(0.5)
            run.signal(signal.SIGINT)
            assert run.end(9) == ExitCode.STOPPED
        assert run.summary["unfinished"] == 1
