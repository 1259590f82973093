"""A job that is served: its runs begin without a worker, and Ctrl-C ends it in order."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.flows.deployment.worker import ROLLCALL, Site, await_final, children, wait_for
from tests.flows.display.server import PrefectServer
from tests.kill.process import SandboxProcess

pytestmark = [pytest.mark.prefect, pytest.mark.kill]


def test_serving(tmp_path: Path, server: PrefectServer, slow_sandbox: SandboxProcess) -> None:
    """A run that comes due is carried out with the ledger named here; Ctrl-C lets a second one settle and exits with 0.

    A terminal sends Ctrl-C to all processes of its group at once; no traceback is printed. No block keeps the ledger,
    the schedule rests afterwards, and what the second run had not sent the next one sends.
    """
    said = tmp_path / "said.log"
    site = Site(tmp_path / "served", "served", server, slow_sandbox, "schedule: {every: 24h}", count=60, said=said)
    site.ledger.parent.mkdir()
    with site.process("-c", ROLLCALL, "deploy", str(site.job), "--serve", **site.named) as process:
        wait_for(lambda: bool(server.ask("POST", "/deployments/filter", json=_named("served"))))
        assert await_final(site, [site.begin()]) == ["COMPLETED"]
        assert site.arrived() == site.expected
        assert site.ask_ledger("SELECT status FROM runs") == [("completed",)]
        site.write(count=240)
        second = site.begin()
        wait_for(lambda: len(site.sent()) > site.first + 8)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=60) == 0
        assert not children(process.pid)
    assert await_final(site, [second]) == ["CANCELLED"]
    assert "Traceback" not in said.read_text(encoding="utf-8")
    assert site.ask_ledger("SELECT status FROM runs ORDER BY run") == [("completed",), ("interrupted",)]
    unsettled = {reference for (reference,) in site.ask_ledger("SELECT reference FROM intents")}
    assert not unsettled & set(site.sent()), "something was in flight"
    assert len(site.sent()) < site.count, "nothing was interrupted"
    assert server.ask("GET", "/deployments/name/sync-customers/served")["paused"]
    blocks = server.ask("POST", "/block_documents/filter", json={})
    assert not [block for block in blocks if block["name"] == "served"]
    assert site.rollcall("run", site.job, "--no-prefect", "--json", **site.named).code == 0
    assert site.arrived() == site.expected
    assert set(site.sent().values()) == {1}, "what had been answered was sent again"


def test_what_was_switched_off_stays_off(tmp_path: Path, server: PrefectServer, slow_sandbox: SandboxProcess) -> None:
    """Serving a job does not switch a schedule on that somebody switched off in the UI."""
    site = Site(tmp_path / "off", "off", server, slow_sandbox, more="schedule: {every: 24h}", count=1)
    site.deploy()
    found = server.ask("GET", "/deployments/name/sync-customers/off")
    server.ask("PATCH", f"/deployments/{found['id']}/schedules/{found['schedules'][0]['id']}", json={"active": False})
    with site.process("-c", ROLLCALL, "deploy", str(site.job), "--serve", **site.named):
        assert await_final(site, [site.begin()]) == ["COMPLETED"]
        (schedule,) = server.ask("GET", "/deployments/name/sync-customers/off")["schedules"]
        assert not schedule["active"]


def _named(name: str) -> dict[str, object]:
    return {"deployments": {"name": {"any_": [name]}}}
