"""Two executions under Prefect that would write at once: the ledger's lease keeps them apart, whatever Prefect does."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox.fault import Faults
from tests.faults import prefect_place
from tests.flows.deployment.worker import Site, await_final, end, engine, scheduling_server, wait_for
from tests.flows.display.server import PrefectServer
from tests.kill.process import SandboxProcess, sandbox_process

pytestmark = [pytest.mark.prefect, pytest.mark.kill]

# A minute of upserts, where nobody shortens it: another process is loaded meanwhile.
COUNT, SLOW = 1200, {"latency_ms": 200}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """Serve Prefect's API; the time of the places that it gives to runs can be let pass."""
    with scheduling_server(tmp_path_factory.mktemp("prefect") / "server", settings=prefect_place.SETTINGS) as served:
        yield served


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """Serve a target."""
    with sandbox_process(tmp_path_factory.mktemp("sandbox"), Faults()) as served:
        yield served


def go_wrong(sandbox: SandboxProcess, **faults: object) -> None:
    """Let the target suffer from this, and from nothing else, from now on."""
    sandbox.client.post("/sandbox/faults", json=faults).raise_for_status()


def prove_that_one_run_did_it(site: Site) -> None:
    """Everybody arrived and was sent once, and the ledger knows of a single run."""
    assert site.arrived() == site.expected
    assert set(site.sent().values()) == {1}
    assert site.ask_ledger("SELECT run, status FROM runs") == [(1, "completed")]


def test_o07_one_flow_run_carried_out_twice(tmp_path: Path, server: PrefectServer, sandbox: SandboxProcess) -> None:
    """O07: a second process that carries out the very flow run under way sends nothing, and the first is left alone."""
    site = Site(tmp_path / "twice", "twice", server, sandbox, count=COUNT)
    site.deploy()
    go_wrong(sandbox, **SLOW)
    flow_run = site.begin()
    with site.worker() as worker:
        wait_for(lambda: len(site.sent()) > 10)
        first = engine(worker.pid)
        assert first is not None
        process = Path(f"/proc/{first}")
        settings = [each.partition(b"=")[::2] for each in (process / "environ").read_bytes().split(b"\0") if each]
        command = (process / "cmdline").read_bytes().split(b"\0")[:-1]
        with subprocess.Popen(command, env=dict(settings), cwd=process / "cwd") as second:
            try:
                assert second.wait(120) == 0
            finally:
                end(second.pid)
        assert site.state_of(flow_run) == "RUNNING"
        assert len(site.sent()) < COUNT, "the first had come to its end before"
        go_wrong(sandbox)
        assert await_final(site, [flow_run]) == ["COMPLETED"]
    prove_that_one_run_did_it(site)


def test_o15_a_place_that_is_lost_in_mid_run(tmp_path: Path, server: PrefectServer, sandbox: SandboxProcess) -> None:
    """O15: where Prefect gives a run's place to another, the run goes on, and the other is turned away."""
    site = Site(tmp_path / "lost", "lost", server, sandbox, count=COUNT)
    site.deploy()
    go_wrong(sandbox, **SLOW)
    first = site.begin()
    with site.worker():
        wait_for(lambda: len(site.sent()) > 10)
        prefect_place.let_pass(server.home, 300)
        second = site.begin()
        assert await_final(site, [second]) == ["CANCELLED"]
        state = server.ask("GET", f"/flow_runs/{second}")["state"]
        assert state["name"] == "Skipped: another run is writing", state
        assert len(site.sent()) < COUNT, "the first had come to its end before"
        go_wrong(sandbox)
        assert await_final(site, [first]) == ["COMPLETED"]
    prove_that_one_run_did_it(site)
