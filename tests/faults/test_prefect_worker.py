"""A worker killed in mid-run: the lease frees itself, and the next run on the schedule finishes the work (O01, P12)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.fault import Faults
from tests.faults import prefect_place
from tests.flows.deployment.worker import Site, alive, await_final, end, engine, scheduling_server, wait_for
from tests.flows.display.server import PrefectServer
from tests.kill.judge import repeats
from tests.kill.process import SandboxProcess, sandbox_process

pytestmark = [pytest.mark.prefect, pytest.mark.kill]
OFTEN = "schedule: {every: 5s}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """Serve Prefect's API; the time of the places that it gives to runs can be let pass."""
    with scheduling_server(tmp_path_factory.mktemp("prefect") / "server", settings=prefect_place.SETTINGS) as served:
        yield served


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """Serve a target that takes its time."""
    with sandbox_process(tmp_path_factory.mktemp("sandbox"), Faults(latency_ms=200)) as served:
        yield served


def die_in_mid_run(site: Site, *, with_run: bool) -> str:
    """Let a worker work until a run has begun to send, kill the worker, or worker and run; gives the flow run."""
    with site.worker() as worker:
        wait_for(lambda: len(site.sent()) > site.first // 4)
        process = engine(worker.pid)
        assert process is not None
        end(worker.pid)
        if with_run:
            end(process)
        worker.wait()
        wait_for(lambda: not alive(process), 30)
    assert 0 < len(site.sent()) < site.count, "nothing was interrupted"
    (begun,) = [run for run in site.runs() if run["state_type"] in {"RUNNING", "CRASHED"}]
    return str(begun["id"])


def follow_on_schedule(site: Site) -> dict[str, Any]:
    """Start another worker, and give the first flow run that completes; nobody but the scheduler has asked for any."""
    done: list[dict[str, Any]] = []

    def look() -> bool:
        done[:] = [run for run in site.runs() if run["state_type"] == "COMPLETED"]
        return bool(done)

    with site.worker():
        wait_for(look, 240)
    assert all(run["auto_scheduled"] for run in site.runs())
    return min(done, key=lambda run: str(run["start_time"]))


def prove_that_everybody_arrived_once(site: Site) -> None:
    """Nobody is lost, nobody is there twice, and nobody was sent again whose answer had come; the ledger agrees."""
    assert site.arrived() == site.expected
    assert set(site.sent()) == set(site.expected)
    mine = [entry for entry in site.sandbox.entries() if str(entry.reference).startswith(f"{site.name}-")]
    # Four requests are in flight at most; a quarter of a second of answers, at 200 ms each from four, is not committed.
    assert len(repeats(mine)) <= 4 + 2 * 4
    assert max(site.sent().values()) <= 2
    (killed, following, *_) = site.ask_ledger("SELECT status, resumes_run_id FROM runs ORDER BY run")
    assert (killed, following) == (("interrupted", None), ("completed", 1))
    assert site.ask_ledger("SELECT count(*) FROM intents") == [(0,)]
    assert site.ask_ledger("SELECT count(*) FROM crosswalk WHERE row_hash IS NOT NULL") == [(site.count,)]


def test_o01_the_worker_alone_is_killed(tmp_path: Path, server: PrefectServer, sandbox: SandboxProcess) -> None:
    """Its run ends with it, Prefect calls that crashed, and with a new worker the schedule's next run finishes."""
    site = Site(tmp_path / "alone", "alone", server, sandbox, more=OFTEN)
    site.deploy()
    dead = die_in_mid_run(site, with_run=False)
    assert await_final(site, [dead]) == ["CRASHED"]
    follow_on_schedule(site)
    prove_that_everybody_arrived_once(site)


def test_o01_worker_and_run_are_killed(tmp_path: Path, server: PrefectServer, sandbox: SandboxProcess) -> None:
    """Nobody tells Prefect, and nobody has to: the dead run's place frees itself, and the schedule's next run finishes.

    Prefect keeps that place for five minutes, which the test lets pass. The dead run is shown as running until somebody
    says that it has crashed, but it is in nobody's way.
    """
    site = Site(tmp_path / "both", "both", server, sandbox, more=OFTEN)
    site.deploy()
    dead = die_in_mid_run(site, with_run=True)
    assert site.state_of(dead) == "RUNNING"
    prefect_place.let_pass(server.home, 300)
    assert follow_on_schedule(site)["id"] != dead
    assert site.state_of(dead) == "RUNNING"
    prove_that_everybody_arrived_once(site)


def test_o01_nobody_has_to_wait(tmp_path: Path, server: PrefectServer, sandbox: SandboxProcess) -> None:
    """While Prefect holds the dead run's place, a shell finishes the work at once.

    To say that the dead run has crashed, as the UI's button does, gives the place to the next one.
    """
    site = Site(tmp_path / "shell", "shell", server, sandbox)
    site.deploy()
    first = site.begin()
    assert die_in_mid_run(site, with_run=True) == first
    assert propose(site, site.begin(), "PENDING") == "CANCELLED"
    said = site.rollcall("run", site.job, "--no-prefect", "--json", **site.named)
    assert said.code == 0, said.err
    prove_that_everybody_arrived_once(site)
    assert propose(site, first, "CRASHED") == "CRASHED"
    assert propose(site, site.begin(), "PENDING") == "PENDING"


def propose(site: Site, flow_run: str, state: str) -> str:
    """Say what a flow run is from now on, as a worker or the UI does; gives what Prefect makes of it."""
    body = {"state": {"type": state}, "force": state == "CRASHED"}
    wait_for(lambda: bool(site.server.ask("POST", f"/flow_runs/{flow_run}/set_state", json=body)), 60)
    return site.state_of(flow_run)
