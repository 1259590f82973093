"""Runs that do not come: the operator's UI says so of each, and the first that comes does the work of all."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from connectors.sandbox.fault import Faults
from tests.flows.deployment.worker import Site, scheduling_server, wait_for
from tests.kill.process import sandbox_process

pytestmark = [pytest.mark.prefect, pytest.mark.kill]

PAUSE = timedelta(seconds=6)
# Prefect calls a run late a quarter of a minute after its time otherwise.
SETTINGS = {
    "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "1",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "1",
}


def test_o19_runs_that_do_not_come_are_called_late(tmp_path: Path) -> None:
    """O19: where nobody works, each run of two pauses is shown as late, once; then one of them brings everybody."""
    with (
        scheduling_server(tmp_path / "prefect" / "server", settings=SETTINGS) as server,
        sandbox_process(tmp_path, Faults()) as sandbox,
    ):
        site = Site(tmp_path / "late", "late", server, sandbox, f"schedule: {{every: {PAUSE.seconds}s}}", count=20)
        site.deploy()

        def late() -> list[datetime]:
            runs = [run for run in site.runs() if run["state"]["name"] == "Late"]
            return sorted(datetime.fromisoformat(run["expected_start_time"]) for run in runs)

        wait_for(lambda: len(late()) >= 2)
        moments = late()
        assert {second - first for first, second in pairwise(moments)} == {PAUSE}
        assert site.sent() == {}
        with site.worker():
            wait_for(lambda: site.states()["COMPLETED"] > 0)
    assert set(site.sent().values()) == {1}
    assert set(site.sent()) == set(site.expected)
