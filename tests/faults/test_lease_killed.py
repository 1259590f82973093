"""A run that is killed: its lease frees itself, and the next run brings the work to its end."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from flows.ledger import lease
from flows.ledger.lease import LeaseHeldError
from flows.ledger.ledger import Ledger
from flows.run import now
from flows.summary import ExitCode
from tests.faults.lease_place import LeasePlace, lease_place
from tests.faults.lease_run import HERE, SHORT_SECONDS, Machine
from tests.kill.process import await_that
from tests.server import Database
from tests.state import State, server_state

pytestmark = pytest.mark.kill

_LOOK_SECONDS = 0.05


def kill_in_mid_run(place: LeasePlace, machine: Machine) -> None:
    """Let a run send a hundred customers, and kill it."""
    place.pace(10)
    with place.runs.start(machine) as run:
        await_that(lambda: place.writes >= 100, 60)
        run.kill()
    assert place.ask("SELECT status FROM runs") == [("running",)]


def seconds_until_free(state: State) -> float:
    """Ask for the lease again and again, as runs that come and go, and give how long it took to get it."""
    began = time.monotonic()
    while True:
        ledger = Ledger.open(state.url, state.environment, now)
        try:
            ledger.take_lease("killed")
        except LeaseHeldError:
            time.sleep(_LOOK_SECONDS)
        else:
            return time.monotonic() - began
        finally:
            ledger.close()


def test_s08_a_run_killed_here_is_followed_at_once(tmp_path: Path, state: State) -> None:
    """S08: on one machine the next run gets the lease of a killed one at its first try, and finishes its work."""
    with lease_place(tmp_path, state, concurrency=8) as place:
        kill_in_mid_run(place, HERE)
        with place.runs.start() as following:
            code, summary = following.end()
        assert (code, summary["resumes_run_id"]) == (ExitCode.REJECTS, "1")
        assert place.differences() == []


def test_s08_a_run_killed_elsewhere_is_followed_when_its_lease_has_run_out(
    tmp_path: Path, postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S08: no lock tells that a process of another machine died; its lease is free after the lease's time."""
    monkeypatch.setattr(lease, "LEASE_SECONDS", SHORT_SECONDS)
    state = server_state(postgresql)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    with lease_place(tmp_path, state, concurrency=8) as place:
        kill_in_mid_run(place, Machine("elsewhere", str(folder)))
        assert place.ask("SELECT host, token FROM leases") == [("elsewhere", 1)]
        seconds = seconds_until_free(state)
        assert place.ask("SELECT token FROM leases") == [(2,)]
        print(f"free after {seconds:.2f} s of a lease of {SHORT_SECONDS:g} s")
        assert SHORT_SECONDS / 3 < seconds < SHORT_SECONDS * 1.25
        with place.runs.start() as following:
            code, summary = following.end()
        assert (code, summary["status"]) == (ExitCode.REJECTS, "completed")
        assert place.differences() == []
