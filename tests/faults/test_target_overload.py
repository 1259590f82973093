"""A target that fails now for one customer, now for another, or asks us to slow down (FAULTS.md L12 to L15)."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
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


@pytest.mark.parametrize("kind", APIS)
def test_l12_bursts_of_429(kind: str, tmp_path: Path) -> None:
    """Retry-After is kept but for a probe, then less is in flight, and soon as much as before; nobody is refused."""
    with target_runs(tmp_path, kind, speed=20) as runs:
        runs.page_size = G
        runs.records(*(f"Ada {number}" for number in range(G)))
        burst = {"kind": "error", "status": 429, "retry_after": "7", "methods": ("POST", "PATCH"), "next": 8}
        strikes = tuple(Strike(**burst, skip=skip) for skip in (80, 200))  # type: ignore[arg-type]  # fields of several types
        runs.app.faults = Faults(strikes=strikes, latency_ms=1000)
        summary = runs.run()
        assert (summary.exit_code, runs.held, runs.rejects) == (ExitCode.DONE, runs.wanted, []), summary
        throttled = [each for each in runs.writes() if each.status == 429]
        assert len(throttled) == 16
        for last in (throttled[7], throttled[15]):
            asked = moment(last) + timedelta(seconds=1)  # the answer takes as long
            waiting = [each for each in runs.entries() if asked < moment(each) < asked + timedelta(seconds=5)]
            after = [each.in_flight for each in runs.writes() if moment(each) > asked + timedelta(seconds=5)]
            assert len(waiting) <= 1
            assert max(after[:3]) <= 4
            assert max(after) >= 0.8 * runs.concurrency


@pytest.mark.parametrize("kind", APIS)
def test_l13_429_for_ever(kind: str, tmp_path: Path) -> None:
    """After a quarter of an hour of nothing else the run ends, after few requests; a rerun brings everybody."""
    with target_runs(tmp_path, kind, speed=1000) as runs:
        runs.records(*(f"Ada {number}" for number in range(60)))
        runs.after_writes(20, lambda: runs.fail(rate_limit=0, retry_after_seconds=60))
        summary = runs.run()
        assert (summary.exit_code, runs.rejects) == (ExitCode.FAILED, []), summary
        assert "rate limited" in str(summary.message)
        assert 5 <= sum(each.status == 429 for each in runs.entries()) <= 15 + runs.concurrency
        runs.heal()
        assert runs.run().exit_code is ExitCode.DONE
        assert (runs.held, runs.rejects) == (runs.wanted, [])


@pytest.mark.parametrize("kind", APIS)
def test_l14_503_for_ten_minutes(kind: str, tmp_path: Path) -> None:
    """The circuit opens: one probe every half minute, and the run ends after five; the rerun brings everybody."""
    with target_runs(tmp_path, kind, speed=150) as runs:
        runs.records(*(f"Ada {number}" for number in range(60)))
        runs.after_writes(20, lambda: runs.fail(strikes=failing(1.0).strikes, latency_ms=300))
        summary = runs.run(probe_seconds=30.0)
        assert (summary.exit_code, runs.rejects) == (ExitCode.FAILED, []), summary
        moments = [moment(each) for each in runs.entries() if each.status == 503]
        probes = [later for before, later in pairwise(moments) if later - before > timedelta(seconds=25)]
        print(f"L14 {kind}: {len(moments)} requests while the target was away, {len(probes)} of them probes")
        assert 5 <= len(probes) <= 11
        assert sum(each > moments[-1] - timedelta(minutes=4) for each in moments) <= 10
        assert len(moments) <= 10 * 5 + runs.concurrency + len(probes)  # ten customers open it, in five tries at most
        runs.heal()
        assert runs.run().exit_code is ExitCode.DONE
        assert (runs.held, runs.rejects) == (runs.wanted, [])
