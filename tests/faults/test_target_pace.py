"""A target that is slow for a while, and customers that are too large for it (FAULTS.md L22, L25)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.exchange import Request
from flows.summary import ExitCode
from tests.faults.target_api import APIS
from tests.faults.target_run import TargetRuns, target_runs

LATENCY_MS = 600.0
SLOW = timedelta(minutes=1)
CUSTOMERS = 400


@pytest.fixture(params=APIS)
def runs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TargetRuns]:
    """Give a job into each API in turn."""
    with target_runs(tmp_path, request.param) as made:
        yield made


@pytest.mark.parametrize(
    "answer",
    [{"body": "<html>Request Entity Too Large</html>"}, {"body": ""}, {"error": "x", "error_description": "too large"}],
)
def test_l22_a_customer_that_is_too_large(runs: TargetRuns, answer: dict[str, Any]) -> None:
    """413 is the one customer's: one request, a reject that names the status, and the same bytes are not sent again."""
    runs.records("Ada", "Bert", "Cleo")
    runs.force(1, status=413, **answer)
    assert runs.run().exit_code is ExitCode.REJECTS
    assert (runs.statuses(1), [entry.http_status for entry in runs.rejects]) == ([("POST", 413)], [413])
    assert set(runs.held) == {runs.ref(0), runs.ref(2)}
    if "body" in answer:
        assert runs.codes == [("K-001", "too_large")]
    runs.run()
    assert runs.writes() == []
    runs.heal()
    runs.records("Ada", "B.", "Cleo")
    assert runs.run().exit_code is ExitCode.DONE
    assert (runs.held, runs.rejects, len(runs.writes(1))) == (runs.wanted, [], 1)


class Slowness:
    """Makes a target ten times as slow for a minute, after so many writes; knows the moments."""

    def __init__(self, runs: TargetRuns, after: int) -> None:
        self.runs = runs
        self.left = after
        self.began: datetime | None = None
        self.ended: datetime | None = None
        runs.fail(latency_ms=LATENCY_MS)
        runs.tap.before = self.look

    def look(self, request: Request) -> None:
        """Look at the time whenever a write comes."""
        if request.method == "GET":
            return
        self.left -= 1
        now = self.runs.time.now()
        if self.left == 0:
            self.began = now
            self.runs.fail(latency_ms=10 * LATENCY_MS)
        elif self.ended is None and self.began is not None and now > self.began + SLOW:
            self.ended = now
            self.runs.fail(latency_ms=LATENCY_MS)


@pytest.mark.parametrize("kind", APIS)
def test_l25_ten_times_the_latency_for_a_minute(kind: str, tmp_path: Path) -> None:
    """What is in flight falls while the target is slow, never exceeds the limit, and rises again; nobody is refused."""
    with target_runs(tmp_path, kind, speed=40) as runs:
        runs.concurrency, runs.page_size = 16, CUSTOMERS
        runs.records(*(f"Ada {number}" for number in range(CUSTOMERS)))
        slowness = Slowness(runs, 80)
        summary = runs.run()
        assert (summary.exit_code, runs.held, runs.rejects) == (ExitCode.DONE, runs.wanted, []), summary
        assert (summary.retries, len(runs.writes())) == (0, CUSTOMERS)
        began, ended = slowness.began, slowness.ended
        assert began is not None
        assert ended is not None, "the slow minute outlasted the run"
        noted = [(datetime.fromisoformat(each.time), each.in_flight) for each in runs.writes()]
        at_first = max(number for moment, number in noted if moment < began + SLOW / 10)
        slow = max(number for moment, number in noted if began + SLOW / 2 < moment < ended)
        afterwards = max(number for moment, number in noted if moment > ended + SLOW / 10)
        assert 14 <= at_first <= 16
        assert slow <= 12
        assert afterwards >= slow + 2
