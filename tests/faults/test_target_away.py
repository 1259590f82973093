"""A target that is not there, or does not let us in: nobody's fault but its own (FAULTS.md L10, L11, L28).

A name that stands for no machine, a certificate that nobody vouches for, and a server that goes away in mid-run.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from connectors.sandbox.fault import Faults, Strike
from connectors.sandbox.journal import Entry
from flows.summary import ExitCode
from tests.connectors.api.test_transport import _certificate
from tests.faults.target_api import APIS
from tests.faults.target_run import TargetRuns, target_runs
from tests.faults.target_wire import elsewhere

N = 120
DONE_BEFORE = 45
GONE = Faults(strikes=(Strike(kind="reset", probability=1.0),), strike_login=True)


@pytest.fixture(params=APIS)
def runs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TargetRuns]:
    """Give a job into each API in turn, on several pages."""
    with target_runs(tmp_path, request.param) as made:
        made.page_size = 30
        made.records(*(f"Ada {number}" for number in range(N)))
        yield made


def moment(entry: Entry) -> datetime:
    """Tell when a request came."""
    return datetime.fromisoformat(entry.time)


@pytest.mark.parametrize("status", [401, 403])
def test_l10_nobody_is_let_in_any_more(runs: TargetRuns, status: int) -> None:
    """The run ends after what was in flight, nobody is rejected, and with a good key a rerun brings everybody."""
    runs.after_writes(DONE_BEFORE, lambda: runs.fail(refuse_credentials=status))
    summary = runs.run()
    assert (summary.exit_code, runs.rejects) == (ExitCode.FAILED, []), summary
    refused = [each for each in runs.entries() if each.status == status]
    assert 1 <= len(refused) <= runs.concurrency + 1
    assert runs.entries()[-len(refused) :] == refused
    assert 0 < len(runs.held) < N
    heal(runs)


def heal(runs: TargetRuns) -> None:
    """Let all be well: a rerun brings everybody there, once, and does not write again who was answered."""
    before = set(runs.held)
    runs.tap.before = lambda _: None
    runs.heal()
    summary = runs.run()
    assert (summary.exit_code, runs.held, runs.rejects) == (ExitCode.DONE, runs.wanted, []), summary
    again = [each for each in runs.writes() if each.reference in before]
    assert len(again) <= runs.page_size


def test_l11_the_target_goes_down_in_mid_run(runs: TargetRuns) -> None:
    """Those who were not written are no rejects but not yet done, and a rerun brings everybody."""
    runs.after_writes(DONE_BEFORE, lambda: setattr(runs.app, "faults", GONE))
    summary = runs.run(give_up_seconds=20.0)
    assert (summary.exit_code, runs.rejects) == (ExitCode.FAILED, []), summary
    assert summary.unfinished > 0
    assert 0 < len(runs.held) < N
    assert summary.counts.created <= len(runs.held)
    heal(runs)


def test_l11_a_name_that_stands_for_no_machine(runs: TargetRuns) -> None:
    """The run ends, nobody is rejected, nothing is asked of the real target, and the right name brings everybody."""
    elsewhere_sent(runs, "https://no-such-host.invalid")


def test_l11_a_port_where_nobody_listens(runs: TargetRuns) -> None:
    """The same."""
    with elsewhere() as place:
        port = place.port
    elsewhere_sent(runs, f"http://127.0.0.1:{port}")


def test_l11_a_certificate_that_nobody_vouches_for(runs: TargetRuns, tmp_path: Path) -> None:
    """The same; and the server hears no byte of what would be sent."""
    with elsewhere(_certificate(tmp_path)) as place:
        elsewhere_sent(runs, place.url)
        assert (place.visits > 0, bytes(place.heard)) == (True, b"")


def elsewhere_sent(runs: TargetRuns, url: str) -> None:
    """Run with an address that leads nowhere, then with the right one."""
    proper = dict(runs.section)
    runs.section = {key: str(value).replace(runs.url, url) for key, value in proper.items()}
    summary = runs.run(give_up_seconds=20.0)
    assert summary.exit_code in {ExitCode.FAILED, ExitCode.JOB}, summary  # 2 where nothing was read yet
    assert (runs.rejects, runs.tap.requests) == ([], [])
    assert (summary.counts.created, summary.counts.rejected) == (0, 0)
    runs.section = proper
    assert runs.run().exit_code is ExitCode.DONE
    assert (runs.held, runs.rejects) == (runs.wanted, [])


@pytest.mark.parametrize("hours", [-1, 1])
def test_l28_the_wall_clock_jumps_in_a_pause(runs: TargetRuns, hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause of 60 seconds lasts 60 seconds, whatever becomes of the time of day meanwhile; nobody is lost."""
    real, offset = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: real() + offset[0])

    def jump(step: str) -> None:
        if step == "intended":
            runs.clock.forward(hours=hours)
            offset[0] += hours * 3600

    runs.page_size = N
    runs.strike("error", status=429, retry_after="60", skip=20, next=1)
    summary = runs.run(on_step=jump)
    assert (summary.exit_code, runs.held, runs.rejects) == (ExitCode.DONE, runs.wanted, []), summary
    (asked,) = [moment(each) for each in runs.writes() if each.status == 429]
    later = [moment(each) for each in runs.entries() if moment(each) > asked + timedelta(seconds=15)]
    assert asked + timedelta(seconds=59) <= min(later) <= asked + timedelta(seconds=160)
