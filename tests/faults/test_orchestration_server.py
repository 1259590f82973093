"""Prefect's server forgets all, is locked, or hears nothing of a run that dies: what counts is kept elsewhere."""

from __future__ import annotations

import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from connectors.sandbox.fault import Faults
from flows.summary import ExitCode
from tests.flows.deployment.worker import wait_for
from tests.flows.display.hosted import HostedRun, Program, loaded_program
from tests.flows.display.server import PrefectServer, free_port, prefect_server
from tests.flows.run_place import Place, open_place
from tests.kill.judge import repeats

pytestmark = [pytest.mark.prefect, pytest.mark.kill]

SIZE, PAGE = 500, 25
CONCURRENCY = 4
WAIT_SECONDS = 150
LOST = "Prefect's server does not answer"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Put twenty pages of customers beside a sandbox that takes its time."""
    with open_place(tmp_path, size=SIZE, page_size=PAGE, concurrency=CONCURRENCY, latency_ms=100) as opened:
        yield opened


def judge(place: Place, run: HostedRun) -> None:
    """See that a run came to its end, by the ledger and the target alone, and sent nobody twice."""
    assert run.end(WAIT_SECONDS) == ExitCode.REJECTS, run.err  # the population has some
    assert run.summary["status"] == "completed"
    assert "Traceback" not in run.err
    assert place.differences() == []
    assert place.repeated == 0


@contextmanager
def under_way(program: Program, place: Place) -> Iterator[HostedRun]:
    """Begin a run, and wait until it is in its midst."""
    with program.run(place) as run:
        run.await_writes(SIZE // 5)
        yield run


def again(program: Program, place: Place) -> None:
    """Run the job once more: nobody needs to be sent."""
    for name in ("pid", "code", "out", "err"):
        (place.job.parent / name).unlink()
    before = place.writes
    place.app.faults = Faults()
    with program.run(place) as run:
        judge(place, run)
    assert place.writes == before


def test_o06_prefects_database_is_wiped(tmp_path: Path, place: Place) -> None:
    """O06: a server that comes back in mid-run and knows nothing takes nothing from this run, nor from the next."""
    home, port = tmp_path / "prefect" / "server", free_port()
    with (
        prefect_server(home, port=port) as server,
        loaded_program(server, tmp_path) as program,
        under_way(program, place) as run,
    ):
        server.kill()
        shutil.rmtree(home)
        with prefect_server(home, port=port) as empty:
            assert empty.flow_runs() == []
            judge(place, run)
            again(program, place)
            assert [each["state_type"] for each in empty.flow_runs()] == ["COMPLETED"]


def test_o06_prefects_database_is_locked(tmp_path: Path, place: Place) -> None:
    """O06: while nobody can write to Prefect's database, a run goes on to its end."""
    with (
        prefect_server(tmp_path / "prefect" / "server") as server,
        loaded_program(server, tmp_path) as program,
        under_way(program, place) as run,
        closing(sqlite3.connect(server.database, timeout=WAIT_SECONDS, isolation_level=None)) as lock,
    ):
        lock.execute("BEGIN EXCLUSIVE")
        judge(place, run)


def test_o16_a_crash_with_logs_unsent(tmp_path: Path, place: Place) -> None:
    """O16: of a run that is killed while Prefect hears nothing, standard error and the ledger have all there was."""
    with (
        prefect_server(tmp_path / "prefect" / "server") as server,
        loaded_program(server, tmp_path) as program,
        under_way(program, place) as run,
    ):
        server.freeze()
        wait_for(lambda: LOST in run.err, WAIT_SECONDS)
        seen = place.writes
        run.await_writes(seen + 2 * PAGE)  # two pages of which Prefect hears nothing
        run.signal(signal.SIGKILL)
        assert run.end(WAIT_SECONDS) == -signal.SIGKILL
        server.thaw()
        judge_trace(server, place, run)
    place.app.faults = Faults()


def judge_trace(server: PrefectServer, place: Place, run: HostedRun) -> None:
    """Hold what is left of a dead run here against the target's journal, and against what Prefect has of it."""
    flow_run = run.flow_run["id"]
    assert not any(LOST in line for line in server.logs(flow_run)), "Prefect was told"
    ended = [line for line in run.err.splitlines() if "Task run 'page " in line]
    ((confirmed,),) = place.ask("SELECT count(*) FROM pages WHERE confirmed_at IS NOT NULL")
    assert 0 <= confirmed - len(ended) <= 1, "a page was confirmed of which the log says nothing"
    known = dict(place.ask("SELECT reference, target_id FROM crosswalk WHERE row_hash IS NOT NULL"))
    assert known.items() <= place.applied.items()
    # A page's answers are not recorded yet, and as many more are in flight.
    assert len(place.applied) - len(known) <= PAGE + CONCURRENCY
    asked = {reference for (reference,) in place.ask("SELECT reference FROM intents")}
    assert place.applied.keys() <= known.keys() | asked
    assert repeats(place.app.journal.entries) == []
