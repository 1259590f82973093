"""Runs of one job that begin at once: one does the work, the others leave it alone."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from flows.summary import ExitCode
from tests.faults.lease_place import lease_place
from tests.kill.process import await_that
from tests.state import State

pytestmark = pytest.mark.kill


@pytest.mark.parametrize("number", [pytest.param(2, id="s07_two"), pytest.param(12, id="o08_twelve")])
def test_s07_o08_one_of_many_runs_does_the_work(tmp_path: Path, state: State, number: int) -> None:
    """S07, O08: of two shells, or twelve late runs, exactly one sends; the rest exit 5 without a request."""
    with lease_place(tmp_path, state, concurrency=2, latency_ms=1000) as place, ExitStack() as stack:
        gate = place.runs.gate()
        runs = [stack.enter_context(place.runs.start(gate=gate)) for _ in range(number)]
        gate.set()
        await_that(lambda: sum(run.ended for run in runs) == number - 1, 120)
        assert place.writes < place.plain, "the first had come to its end before the others began"
        place.pace(1)
        ends = [run.end() for run in runs]
        assert sorted(code for code, _ in ends) == [ExitCode.REJECTS, *[ExitCode.HELD] * (number - 1)]
        held = [summary for code, summary in ends if code == ExitCode.HELD]
        assert all("another run of killed" in summary["message"] for summary in held)
        assert place.logins == 1
        assert place.writes == place.plain
        assert place.ask("SELECT run, status FROM runs") == [(1, "completed")]
        assert place.differences() == []
