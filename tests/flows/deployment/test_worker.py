"""A worker runs what was deployed: on its schedule, one run at a time, with the ledger that was named for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.flows.deployment.worker import KEY, Site, await_final, wait_for
from tests.flows.display.server import PrefectServer
from tests.kill.process import SandboxProcess

pytestmark = [pytest.mark.prefect, pytest.mark.kill]
LIMIT_REACHED = "Deployment concurrency limit reached."


def test_o09_a_schedule_that_is_shorter_than_the_run(
    tmp_path: Path, server: PrefectServer, slow_sandbox: SandboxProcess
) -> None:
    """O09: newcomers are cancelled and never queue; the run does its work with the deployed ledger and sends once."""
    site = Site(tmp_path / "often", "often", server, slow_sandbox, more="schedule: {every: 4s}")
    said = site.deploy()
    assert said["deployments"][0]["schedule"] == "every 4s"
    busy = []

    def done() -> bool:
        states = site.states()
        busy.append(states["RUNNING"] + states["PENDING"])
        return states["COMPLETED"] > 0

    with site.worker():
        wait_for(done)
    ended = site.runs()
    assert max(busy) == 1, "two runs were under way at a time"
    cancelled = [run["state"]["message"] for run in ended if run["state_type"] == "CANCELLED"]
    assert cancelled
    assert set(cancelled) == {LIMIT_REACHED}
    assert site.arrived() == site.expected
    assert set(site.sent().values()) == {1}
    assert ("completed",) in site.ask_ledger("SELECT status FROM runs")
    assert not (site.folder / "rollcall.db").exists()
    _prove_that_the_key_is_nowhere(server, site.ledger_name)


def _prove_that_the_key_is_nowhere(server: PrefectServer, name: str) -> None:
    """Look through the server's database and its clients' folders for the ledger's key and address."""
    for folder in (server.home, server.home.parent / "client"):
        for file in [each for each in folder.rglob("*") if each.is_file()]:
            content = file.read_bytes()
            assert KEY.encode() not in content, file.name
            assert name.encode() not in content, file.name


def test_late_runs_after_an_outage(tmp_path: Path, server: PrefectServer, slow_sandbox: SandboxProcess) -> None:
    """O08: of twelve runs that are late, one does the work, and none sends anything twice."""
    site = Site(tmp_path / "late", "late", server, slow_sandbox)
    site.deploy()
    past = datetime.now(UTC) - timedelta(hours=1)
    late = [site.begin(at=(past + timedelta(minutes=5 * number)).isoformat()) for number in range(12)]
    with site.worker():
        ends = await_final(site, late)
    assert ends.count("COMPLETED") >= 1
    assert set(ends) <= {"COMPLETED", "CANCELLED"}
    assert ends.count("CANCELLED") >= 8
    assert site.arrived() == site.expected
    assert set(site.sent().values()) == {1}
