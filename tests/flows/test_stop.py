"""Stopped or doubled, a run leaves nothing in doubt and gets in nobody's way."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connectors.sandbox.fault import Faults, Strike
from flows.summary import ExitCode
from tests.flows.run_place import Place, open_place, run_here
from tests.kill.process import RUN, await_that, end_of, rollcall_run

pytestmark = pytest.mark.kill

SILENT = Faults(strikes=(Strike(kind="hang", probability=1, methods=("POST",)),))
IMPATIENT = f"import flows.stop; flows.stop.GRACE_SECONDS = 1; {RUN}"


@contextmanager
def sending(place: Place, command: str = RUN, writes: int = 16) -> Iterator[subprocess.Popen[str]]:
    """Start a run and wait until it has sent some upserts."""
    with rollcall_run(place.job, command) as process:
        await_that(lambda: place.writes >= writes)
        yield process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_o02_a_stopped_run_settles_what_is_in_flight(tmp_path: Path, number: signal.Signals) -> None:
    """Stopped in the middle of a page, a run ends soon, every answer is recorded, and the next one repeats nothing."""
    with open_place(tmp_path, size=2000, page_size=500, concurrency=32, latency_ms=20) as place:
        with sending(place, writes=600) as process:
            process.send_signal(number)
            summary = end_of(process, 15)
        assert process.returncode == ExitCode.STOPPED
        assert summary["status"] == "interrupted"
        assert place.ask("SELECT status FROM runs") == [("interrupted",)]
        assert 600 <= place.writes < 1900
        known = place.ask("SELECT reference, target_id FROM crosswalk WHERE row_hash IS NOT NULL")
        assert dict(known) == place.applied
        assert run_here(place.job).status == "completed"
        assert place.differences() == []
        assert place.repeated == 0


def test_o02_a_second_signal_ends_the_run_at_once(tmp_path: Path) -> None:
    """While the target says nothing, the first Ctrl-C waits for it and the second does not."""
    with open_place(tmp_path) as place:
        place.app.faults = SILENT
        with sending(place) as process:
            process.send_signal(signal.SIGINT)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.5)
            process.send_signal(signal.SIGINT)
            summary = end_of(process, 3)
        assert process.returncode == ExitCode.STOPPED
        assert (summary["status"], summary["unfinished"]) == ("interrupted", 1)
        place.app.faults = Faults()
        assert run_here(place.job).status == "completed"
        assert place.differences() == []


def test_o02_a_stopped_run_does_not_wait_for_ever(tmp_path: Path) -> None:
    """While the target says nothing, a stopped run ends by itself when its time of grace is over."""
    with open_place(tmp_path) as place:
        place.app.faults = SILENT
        with sending(place, IMPATIENT) as process:
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            summary = end_of(process, 5)
            assert time.monotonic() - began > 1
        assert process.returncode == ExitCode.STOPPED
        assert summary["status"] == "interrupted"


def test_a_second_run_of_the_job_sends_nothing(tmp_path: Path) -> None:
    """While a run is under way, another one of the same job ends with exit code 5, without a request."""
    with open_place(tmp_path) as place:
        place.app.faults = SILENT
        with sending(place):
            before = place.requests
            with rollcall_run(place.job) as second:
                summary = end_of(second, 20)
            assert second.returncode == ExitCode.HELD
            assert summary["status"] == "failed"
            assert place.requests == before
            assert place.ask("SELECT run, status FROM runs") == [(1, "running")]
