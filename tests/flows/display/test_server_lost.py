"""Prefect's server killed or frozen, at any moment of a run: the run neither stops nor slows down, nor does it lie."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from connectors.sandbox.fault import Faults
from flows.summary import ExitCode
from tests.flows.deployment.worker import wait_for
from tests.flows.display.hosted import HostedRun, Program, loaded_program
from tests.flows.display.server import PrefectServer, prefect_server
from tests.flows.run_place import open_place
from tests.kill.process import await_that

pytestmark = [pytest.mark.prefect, pytest.mark.kill]

PAGES, SIZE = 20, 25
WAIT_SECONDS = 150
MIDST = "midst"
LOST = "Prefect's server does not answer"
UNTOLD = "Prefect does not know how this run ended"


@dataclass(frozen=True, slots=True)
class End:
    """The end of a run that lost its server: how long after the loss, and after the end that the ledger knows."""

    run: HostedRun
    seconds: float
    delay: float


@contextmanager
def halted_runs(folder: Path, program: Program, doors: Iterable[str]) -> Iterator[dict[str, HostedRun]]:
    """Begin a run of a job of its own for each door and one for the midst, and wait until all have halted.

    The latter has not begun by then either; but it has found its server, however much that has to do.
    """
    with ExitStack() as stack:
        runs = {}
        for door in (*doors, MIDST):
            (folder / door).mkdir()
            size = SIZE * (PAGES if door == MIDST else 2)
            place = stack.enter_context(
                open_place(folder / door, size=size, page_size=SIZE, concurrency=8, latency_ms=40)
            )
            runs[door] = stack.enter_context(program.run(place, "found" if door == MIDST else door))
        for run in runs.values():
            run.await_halt()
        yield runs


def lose(folder: Path, program: Program, how: Callable[[], None], doors: Iterable[str]) -> dict[str, End]:
    """Lose the server while a run is in its midst and others stand at their doors, and see them all to their ends."""
    with halted_runs(folder, program, doors) as runs:
        runs[MIDST].go_on()
        runs[MIDST].await_writes(SIZE * PAGES // 5)
        how()
        lost = time.monotonic()
        for run in runs.values():
            run.go_on()
        ends: dict[str, End] = {}

        def all_ended() -> bool:
            for door, run in runs.items():
                if door not in ends and run.code is not None:
                    ends[door] = End(run, time.monotonic() - lost, time.time() - ledger_end(run))
            return len(ends) == len(runs)

        await_that(all_ended, WAIT_SECONDS)
        return ends


def ledger_end(run: HostedRun) -> float:
    """Tell when a run ended, by its ledger."""
    ((moment,),) = run.place.ask("SELECT ended_at FROM runs")
    return datetime.fromisoformat(moment).timestamp()


def judge(end: End, said: str) -> None:
    """See that exit code and summary are true, every customer is at the sandbox, sent once, and the loss is said."""
    run = end.run
    assert run.code == ExitCode.REJECTS, run.err  # the population has some
    assert run.summary["exit_code"] == ExitCode.REJECTS
    assert run.summary["status"] == "completed"
    assert run.place.differences() == []
    assert run.place.repeated == 0
    assert said in run.err
    assert "Traceback" not in run.err
    assert end.seconds < 90


def judge_midst(end: End) -> None:
    """See that the loss held up neither a page nor the end, and was told once."""
    judge(end, UNTOLD)
    assert end.run.summary["pages"] == PAGES
    assert end.run.summary["slowest_page"]["seconds"] < 5
    assert end.delay < 30
    assert end.run.err.count(LOST) == 1
    assert end.run.senders == ["PatientEventsClient"], "Prefect's own waits ten seconds at the end"


def test_o04_a_server_that_is_killed(tmp_path: Path) -> None:
    """In mid-run, between two artifacts or before the final state: the run ends with its own code, within seconds."""
    with (
        prefect_server(tmp_path / "prefect" / "server") as server,
        loaded_program(server, tmp_path) as program,
    ):
        ends = lose(tmp_path, program, server.kill, ["rejects", "state"])
        assert program.kept == [], "a file with the request, and so with the key to the server"
    judge_midst(ends[MIDST])
    judge(ends["rejects"], UNTOLD)
    judge(ends["state"], UNTOLD)


@pytest.fixture
def frozen(server: PrefectServer) -> Iterator[PrefectServer]:
    """Give the server of this folder to a test that freezes it, and let it go on afterwards."""
    yield server
    server.thaw()
    server.ask("GET", "/health")


def test_o04_a_server_that_freezes(tmp_path: Path, frozen: PrefectServer, program: Program) -> None:
    """At the start, in mid-run, at the artifacts or the final state: each run ends with its own code, and soon."""
    kept = program.kept
    ends = lose(tmp_path, program, frozen.freeze, ["start", "found", "summary", "state"])
    assert program.kept == kept, "a file with the request, and so with the key to the server"
    judge_midst(ends[MIDST])
    judge(ends["start"], "it goes on here without Prefect")
    judge(ends["found"], "it goes on here without Prefect")
    judge(ends["summary"], UNTOLD)
    judge(ends["state"], UNTOLD)
    assert ends["start"].seconds < 60


def test_o04_a_server_that_comes_back(tmp_path: Path, frozen: PrefectServer, program: Program) -> None:
    """A server that answered nothing for some seconds in mid-run is told everything afterwards: no page is missing."""
    with (
        open_place(tmp_path, size=PAGES * SIZE, page_size=SIZE, concurrency=2, latency_ms=100) as place,
        program.run(place, "found") as run,
    ):
        run.await_halt()
        run.go_on()
        run.await_writes(SIZE * PAGES // 5)
        frozen.freeze()
        wait_for(lambda: LOST in run.err, WAIT_SECONDS)
        frozen.thaw()
        place.app.faults = Faults()  # it has lasted long enough
        assert run.end(WAIT_SECONDS) == ExitCode.REJECTS
        assert run.summary["status"] == "completed"
        flow_run = run.flow_run
        assert str(flow_run["state"]["name"]).startswith("Completed with ")
        wait_for(lambda: len(ended_pages(frozen, flow_run["id"])) == PAGES, WAIT_SECONDS)
        wait_for(lambda: any(LOST in line for line in frozen.logs(flow_run["id"])), WAIT_SECONDS)


def ended_pages(server: PrefectServer, flow_run: str) -> list[str]:
    """List the pages that the server knows to have ended well."""
    return [task["name"] for task in server.task_runs(flow_run) if task["state_type"] == "COMPLETED"]
