"""A run that is frozen past its lease, while another takes over: when it wakes up, it is over."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.summary import ExitCode
from tests.faults.lease_place import LeasePlace, lease_place
from tests.faults.lease_run import SHORT_SECONDS, Run
from tests.kill.process import await_that
from tests.state import State

pytestmark = pytest.mark.kill

AT_ONCE = 32
TAKEN_OVER = "another run of killed has taken over"


@contextmanager
def frozen_run(place: LeasePlace) -> Iterator[Run]:
    """Freeze a run in the middle of its first requests, with all that it may send at once in flight."""
    with place.runs.start() as run:
        await_that(lambda: place.app._in_flight == AT_ONCE, 60)
        os.kill(run.pid, signal.SIGSTOP)
        yield run


def run_through(place: LeasePlace) -> str:
    """Run the job, again and again until the lease is free; gives how that ended."""
    while True:
        with place.runs.start() as run:
            code, summary = run.end()
        if code != ExitCode.HELD:
            return str(summary["status"])


def test_s09_a_frozen_run_that_was_taken_over_neither_sends_nor_commits(tmp_path: Path, state: State) -> None:
    """S09: it ends with exit code 1 and says why; no request and no row of the ledger comes of it after that."""
    with lease_place(tmp_path, state, concurrency=AT_ONCE, latency_ms=1000) as place:
        with frozen_run(place) as frozen:
            place.pace(1)
            assert run_through(place) == "completed"
            assert place.differences() == []
            requests, ledger, woken = len(place.entries), place.dump(), datetime.now(UTC).isoformat()
            os.kill(frozen.pid, signal.SIGCONT)
            code, summary = frozen.end()
        assert (code, summary["status"], summary["message"]) == (ExitCode.FAILED, "interrupted", TAKEN_OVER)
        assert len(place.entries) == requests
        assert [entry for entry in place.entries if entry.time > woken] == []
        assert place.dump() == ledger
        assert place.repeated <= AT_ONCE


def test_s09_a_frozen_run_that_nobody_took_over_goes_on(tmp_path: Path, state: State) -> None:
    """S09: frozen for longer than its lease lasts, a run whose lease nobody wanted proves it, and ends as always."""
    with lease_place(tmp_path, state, concurrency=AT_ONCE, latency_ms=1000) as place:
        with frozen_run(place) as frozen:
            time.sleep(SHORT_SECONDS + 1)
            place.pace(1)
            os.kill(frozen.pid, signal.SIGCONT)
            code, summary = frozen.end()
        assert (code, summary["status"]) == (ExitCode.REJECTS, "completed")
        assert place.differences() == []
        assert place.writes == place.plain


def test_s09_frozen_anywhere_a_run_sends_nothing_after_the_takeover(tmp_path: Path, state: State) -> None:
    """S09: frozen three times in one job, at whatever it does then, and taken over each time, it changes nothing."""
    with lease_place(tmp_path, state, size=2000, page_size=100, concurrency=AT_ONCE) as place:
        for _ in range(3):
            place.pace(20)
            with sending_run(place) as run:
                freeze(run, place)
                take_over(place)
                requests, ledger = len(place.entries), place.dump()
                os.kill(run.pid, signal.SIGCONT)
                code, summary = run.end()
            assert (code, summary["message"]) == (ExitCode.FAILED, TAKEN_OVER)
            assert len(place.entries) == requests
            assert place.dump() == ledger
        place.pace(1)
        assert run_through(place) == "completed"
        assert place.differences() == []


@contextmanager
def sending_run(place: LeasePlace) -> Iterator[Run]:
    """Start a run that gets the lease, and let it send a page and a half."""
    wanted = place.writes + 150
    while True:
        with place.runs.start() as run:
            await_that(lambda: run.ended or place.writes >= wanted, 60)
            if not run.ended:
                yield run
                return


def freeze(run: Run, place: LeasePlace) -> None:
    """Freeze a run, but not while it writes to a ledger in a file: nobody could take over until it wakes up."""
    while True:
        os.kill(run.pid, signal.SIGSTOP)
        if place.is_writable():
            return
        os.kill(run.pid, signal.SIGCONT)


def take_over(place: LeasePlace) -> None:
    """Let another run take over, and die when it has sent something; wait until the sandbox has nothing to do."""
    last, sent = place.ask("SELECT max(run) FROM runs"), place.writes + AT_ONCE
    while place.ask("SELECT max(run) FROM runs") == last:
        with place.runs.start() as other:
            await_that(lambda: other.ended or place.writes > sent, 60)
    seen = -1
    while seen != len(place.entries):  # what the dead run had written to its connections is read by and by
        seen = len(place.entries)
        time.sleep(2)
        await_that(lambda: place.app._in_flight == 0)
