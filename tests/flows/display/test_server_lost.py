"""Prefect's server killed or frozen in the middle of a run: the run neither stops nor slows down, nor does it lie."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.summary import ExitCode
from tests.flows.display.server import PrefectServer, prefect_server
from tests.flows.kill_place import Place, open_place
from tests.flows.kill_process import RUN, await_that, environment

pytestmark = [pytest.mark.prefect, pytest.mark.kill]

PAGES, SIZE = 40, 50


def run_until_lost(
    place: Place, server: PrefectServer, lose: Callable[[], None]
) -> tuple[dict[str, object], str, float]:
    """Run the job, and lose the server on the way; gives summary, standard error, and the delay at the end."""
    command = [sys.executable, "-c", RUN, "run", str(place.job), "--json"]
    settings = {**environment(place.job.parent), **server.environment}
    with subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            await_that(lambda: place.writes >= SIZE * PAGES // 8, 90)
            lose()
            await_that(lambda: place.ask("SELECT status FROM runs") != [("running",)], 90)
            ended = time.monotonic()
            out, err = process.communicate(timeout=90)
            return json.loads(out), err, time.monotonic() - ended
        finally:
            process.kill()


@pytest.mark.parametrize("loss", ["kill", "freeze"])
def test_a_server_lost_in_mid_run(tmp_path: Path, loss: str) -> None:
    """All pages are done, the exit code is the ledger's, and the process ends within half a minute of the run."""
    with (
        prefect_server(tmp_path / "server") as server,
        open_place(tmp_path, size=PAGES * SIZE, page_size=SIZE, concurrency=16, latency_ms=20) as place,
    ):
        summary, err, delay = run_until_lost(place, server, getattr(server, loss))
        assert summary["status"] == "completed"
        assert summary["pages"] == PAGES
        assert summary["exit_code"] == ExitCode.REJECTS  # the population has some
        assert place.differences() == []
        assert place.repeated == 0
        assert delay < 30
        assert err.count("Prefect's server does not answer") == 1
        assert "Prefect does not know how this run ended" in err
        assert "Traceback" not in err
        slowest = summary["slowest_page"]
        assert isinstance(slowest, dict)
        assert slowest["seconds"] < 5


def test_a_server_that_comes_back(tmp_path: Path) -> None:
    """A server that answered nothing for some seconds in mid-run is told everything afterwards: no page is missing."""
    with (
        prefect_server(tmp_path / "server") as server,
        open_place(tmp_path, size=PAGES * SIZE, page_size=SIZE, concurrency=2, latency_ms=20) as place,
    ):

        def stumble() -> None:
            server.freeze()
            time.sleep(9)
            server.thaw()

        summary, err, _ = run_until_lost(place, server, stumble)
        assert summary["status"] == "completed"
        assert "Prefect's server does not answer" in err
        (run,) = server.flow_runs()
        assert str(run["state"]["name"]).startswith("Completed with ")
        await_that(lambda: len(ended_pages(server, run["id"])) == PAGES, 30)
        await_that(lambda: any("does not answer" in line for line in server.logs(run["id"])), 30)


def ended_pages(server: PrefectServer, flow_run: str) -> list[str]:
    """List the pages that the server knows to have ended well."""
    return [task["name"] for task in server.task_runs(flow_run) if task["state_type"] == "COMPLETED"]
