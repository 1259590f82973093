"""A target that fails now for one customer, now for another, or asks us to slow down (FAULTS.md L12 to L15)."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from connectors.sandbox.exchange import Request
from connectors.sandbox.fault import Faults, Strike
from connectors.sandbox.journal import Entry
from flows.summary import ExitCode
from tests.faults.target_api import APIS
from tests.faults.target_run import TargetRuns, target_runs

G = 400
_ALL = ("GET", "POST", "PATCH")


def failing(share: float, latency_ms: float = 0.0) -> Faults:
    """Let so many of the requests fail, whatever they are about."""
    return Faults(strikes=(Strike(kind="error", status=503, methods=_ALL, probability=share),), latency_ms=latency_ms)


def resent(entries: list[Entry]) -> int:
    """Count the writes of customers who had been written to before."""
    return len(entries) - len({each.reference for each in entries})


def moment(entry: Entry) -> datetime:
    """Tell when a request came."""
    return datetime.fromisoformat(entry.time)


@pytest.mark.parametrize("kind", APIS)
def test_l15_one_request_in_ten_fails(kind: str, tmp_path: Path) -> None:
    """Everybody arrives, nobody is refused, and the journal shows at most a fifth more writes than customers.

    Where a target creates, each failure costs look-ups as well: what failed may have been written.
    """
    with target_runs(tmp_path, kind, speed=100) as runs:
        runs.records(*(f"Ada {number}" for number in range(G)))
        runs.app.faults = failing(0.1)
        summary = runs.run(give_up_seconds=6000.0)
        assert (summary.exit_code, runs.held, runs.rejects) == (ExitCode.DONE, runs.wanted, []), summary
        writes, asked = runs.writes(), len(runs.entries()) - len(runs.writes())
        failed = sum(each.status == 503 for each in runs.entries())
        print(f"L15 {kind}: {G} customers, {failed} failures, {len(writes)} writes, {asked} look-ups")
        assert failed > G / 20
        assert len(writes) <= 1.2 * G
        assert runs.api.creates or len(runs.entries()) <= 1.2 * G


class Trouble:
    """Half of the requests fail for five minutes, counted from the first one."""

    def __init__(self, runs: TargetRuns) -> None:
        self.runs = runs
        self.until: datetime | None = None
        runs.app.faults = failing(0.5, latency_ms=200)
        runs.tap.before = self.look

    def look(self, _: Request) -> None:
        """Look at the time whenever a request comes."""
        now = self.runs.time.now()
        self.until = self.until or now + timedelta(minutes=5)
        if now > self.until:
            self.runs.heal()


@pytest.mark.parametrize("kind", APIS)
def test_l15_half_of_the_requests_fail_for_five_minutes(kind: str, tmp_path: Path) -> None:
    """Retries stay within their budget, fewer requests are in flight, and reruns bring everybody there once."""
    with target_runs(tmp_path, kind, speed=100) as runs:
        runs.records(*(f"Ada {number}" for number in range(G)))
        trouble = Trouble(runs)
        summary = runs.run()
        assert trouble.until is not None
        bad = [each for each in runs.writes() if moment(each) <= trouble.until]
        tried = len({each.reference for each in bad})
        late = [each.in_flight for each in bad if moment(each) > trouble.until - timedelta(minutes=2)]
        print(
            f"L15 {kind}: {len(bad)} writes to {tried} customers, {resent(bad)} of them retries; {summary.exit_code!r}"
        )
        assert resent(bad) <= 20 + 0.2 * tried + 300
        assert sum(late) / max(1, len(late)) <= runs.concurrency / 2
        assert set(runs.held) | {each.reference for each in runs.rejects} <= set(runs.wanted)
        runs.heal()
        while summary.exit_code is not ExitCode.DONE:
            runs.clock.forward(hours=2)
            summary = runs.run()
        assert (runs.held, runs.rejects) == (runs.wanted, [])
