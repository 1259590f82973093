"""Prefect's server killed and started again while a job is served: no work is lost, and nobody sees tracebacks."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.flows.deployment.worker import ROLLCALL, Site, await_final, scheduling_server, wait_for
from tests.flows.display.server import free_port
from tests.kill.process import SandboxProcess

pytestmark = [pytest.mark.prefect, pytest.mark.kill]
# Prefect's client asks again for a minute; what does not rest on that shows sooner. A server that is busy answers 503.
IMPATIENT = {"PREFECT_CLIENT_MAX_RETRIES": "2"}


def test_o04_the_server_goes_and_comes_back(tmp_path: Path, slow_sandbox: SandboxProcess) -> None:
    """The run under way goes on to its end without the server; once that is back, Prefect knows, and the next begins.

    Going and coming are told in a line each. SIGTERM ends it all, as the end of a service does.
    """
    said, home, port = tmp_path / "said.log", tmp_path / "prefect" / "server", free_port()
    with scheduling_server(home, port) as server:
        site = Site(tmp_path / "outage", "outage", server, slow_sandbox, "schedule: {every: 24h}", said=said)
        site.ledger.parent.mkdir()
        with site.process("-c", ROLLCALL, "deploy", str(site.job), "--serve", **site.named, **IMPATIENT) as process:
            wait_for(lambda: b"Serving until" in said.read_bytes())
            first = site.begin()
            wait_for(lambda: len(site.sent()) > site.first // 4)
            server.kill()
            wait_for(lambda: site.ask_ledger("SELECT status FROM runs") != [("running",)])
            assert site.arrived() == site.expected
            wait_for(lambda: b"does not answer: no run begins" in said.read_bytes())
            with scheduling_server(home, port):
                assert await_final(site, [first]) == ["COMPLETED"]
                site.write(count=site.first + 20)
                assert await_final(site, [site.begin()]) == ["COMPLETED"]
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=60) == 0
    assert site.arrived() == site.expected
    assert set(site.sent().values()) == {1}
    assert site.ask_ledger("SELECT status FROM runs ORDER BY run") == [("completed",), ("completed",)]
    text = said.read_text(encoding="utf-8")
    assert text.count("is back.") == 1
    assert "Traceback" not in text
