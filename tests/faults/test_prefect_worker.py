"""A worker killed in mid-run: the ledger's lease frees itself, and the next run finishes the work (O01, P12)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox.fault import Faults
from tests.flows.deployment.worker import Site, alive, await_final, end, engine, scheduling_server, wait_for
from tests.flows.display.server import PrefectServer
from tests.flows.kill_judge import repeats
from tests.flows.kill_process import SandboxProcess, sandbox_process

pytestmark = [pytest.mark.prefect, pytest.mark.kill]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """Serve Prefect's API."""
    with scheduling_server(tmp_path_factory.mktemp("prefect") / "server") as served:
        yield served


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """Serve a target that takes its time."""
    with sandbox_process(tmp_path_factory.mktemp("sandbox"), Faults(latency_ms=200)) as served:
        yield served


def die_in_mid_run(site: Site, *, with_run: bool) -> tuple[str, int]:
    """Deploy a job, let a worker begin it, kill the worker, or worker and run; gives the flow run and its process."""
    site.deploy()
    flow_run = site.begin()
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
    return flow_run, process


def prove_that_everybody_arrived_once(site: Site) -> None:
    """Nobody is lost, nobody is there twice, and nobody was sent again whose answer had come."""
    assert site.arrived() == site.expected
    assert set(site.sent()) == set(site.expected)
    mine = [entry for entry in site.sandbox.entries() if str(entry.reference).startswith(f"{site.name}-")]
    # Four requests are in flight at most; a quarter of a second of answers, at 200 ms each from four, is not committed.
    assert len(repeats(mine)) <= 4 + 2 * 4
    assert max(site.sent().values()) <= 2


def test_the_worker_alone_is_killed(tmp_path: Path, server: PrefectServer, sandbox: SandboxProcess) -> None:
    """Its run ends with it, Prefect calls that crashed, and a new worker's next run finishes the work."""
    site = Site(tmp_path / "alone", "alone", server, sandbox)
    flow_run, _ = die_in_mid_run(site, with_run=False)
    assert await_final(site, [flow_run]) == ["CRASHED"]
    following = site.begin()
    with site.worker():
        assert await_final(site, [following]) == ["COMPLETED"]
    prove_that_everybody_arrived_once(site)


def test_worker_and_run_are_killed(tmp_path: Path, server: PrefectServer, sandbox: SandboxProcess) -> None:
    """Prefect holds the dead run's place for minutes; the ledger's lease is free, and whoever runs next finishes.

    What comes meanwhile is cancelled and touches nothing. An operator who does not want to wait says that the dead run
    has crashed, as the UI's button does, or runs the job from a shell.
    """
    site = Site(tmp_path / "both", "both", server, sandbox)
    flow_run, _ = die_in_mid_run(site, with_run=True)
    before = site.sent()
    assert site.state_of(flow_run) == "RUNNING"
    too_soon, following = site.begin(), ""
    with site.worker():
        assert await_final(site, [too_soon]) == ["CANCELLED"]
        assert site.sent() == before
        crashed = {"state": {"type": "CRASHED", "message": "its worker died"}, "force": True}
        server.ask("POST", f"/flow_runs/{flow_run}/set_state", json=crashed)
        following = site.begin()
        assert await_final(site, [following]) == ["COMPLETED"]
    prove_that_everybody_arrived_once(site)


def test_the_shell_need_not_wait(tmp_path: Path, server: PrefectServer, sandbox: SandboxProcess) -> None:
    """After worker and run are killed on this machine, `rollcall run` begins at once and finishes the work."""
    site = Site(tmp_path / "shell", "shell", server, sandbox)
    die_in_mid_run(site, with_run=True)
    said = site.rollcall("run", site.job, "--no-prefect", "--json", **site.named)
    assert said.code == 0, said.err
    assert said.json["resumes_run_id"] is not None
    prove_that_everybody_arrived_once(site)
