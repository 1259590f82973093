"""Writes whose answer is lost, into each of the four APIs (FAULTS.md L01, L02, L03, L20).

L20 has nothing to do with Valomnia: it upserts by reference, and nothing is looked up before it is sent again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox.fault import Strike
from flows.summary import ExitCode
from tests.faults.target_api import APIS, CREATING
from tests.faults.target_run import TargetRuns, target_runs

N = 100
_PATIENT = 6000.0  # half a minute of ours: a busy machine is no target that stays away


@pytest.fixture(params=APIS)
def runs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TargetRuns]:
    """Give a job into each API in turn; a reference that is created twice is there twice."""
    with target_runs(tmp_path, request.param, **APIS[request.param].twins) as made:
        yield made


@pytest.fixture(params=CREATING)
def creating(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TargetRuns]:
    """Give a job into each API in turn that has a request which only creates, and lets it create twice."""
    with target_runs(tmp_path, request.param, **APIS[request.param].twins) as made:
        yield made


def names(word: str) -> list[str]:
    """Name all customers."""
    return [f"{word} {number}" for number in range(N)]


def test_l01_applied_and_then_dropped(runs: TargetRuns) -> None:
    """A hundred creations and a hundred updates lose their answers: a hundred customers, each with its last name.

    The journal shows one creation for each: what arrived is found again, and not sent once more.
    """
    for word in ("First", "Second"):
        runs.records(*names(word))
        runs.force(*range(N), drop=True, after_commit=True, times=1)
        summary = runs.run(give_up_seconds=_PATIENT)
        assert (summary.exit_code, runs.held) == (ExitCode.DONE, runs.wanted), summary
        assert runs.rejects == []
        assert sum(each.ending == "dropped" for each in runs.writes()) == N
        if word == "First":
            assert sorted(map(str, runs.creations())) == sorted(runs.wanted)
            assert not runs.api.creates or len(runs.writes()) == N
    runs.heal()
    assert runs.run().requests == 0


@pytest.mark.parametrize("kind", ["reset", "drop"])
def test_l02_broken_before_it_is_applied(runs: TargetRuns, kind: str) -> None:
    """Connections that break before anything is written cost another try, and nobody is lost or doubled."""
    for word in ("First", "Second"):
        runs.records(*names(word)[:40])
        runs.strike(kind, skip=5, next=15)
        summary = runs.run()
        assert (summary.exit_code, runs.held, runs.rejects) == (ExitCode.DONE, runs.wanted, []), summary
        assert sum(each.fault == kind for each in runs.writes()) == 15
        applied = [each.reference for each in runs.writes() if each.applied]
        assert sorted(map(str, applied)) == sorted(runs.wanted)


@pytest.mark.parametrize("after_commit", [True, False])
def test_l03_a_500_before_or_after(runs: TargetRuns, after_commit: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A 500 says nothing about whether it was written: each customer is there once in the end."""
    for word in ("First", "Second"):
        runs.records(*names(word)[:30])
        runs.force(*range(30), status=500, error="x", after_commit=after_commit, times=1)
        summary = runs.run()
        assert (summary.exit_code, runs.held, runs.rejects) == (ExitCode.DONE, runs.wanted, []), summary
        if word == "First":
            assert sorted(map(str, runs.creations())) == sorted(runs.wanted)


def test_l03_a_500_that_is_replayed_for_ever(runs: TargetRuns) -> None:
    """A target that has written the customer and answers 500 each time is believed by what it shows."""
    runs.records("Ada", "Bert", "Cleo")
    runs.force(1, status=500, error="x", after_commit=True)
    summary = runs.run()
    assert (summary.exit_code, runs.held, runs.rejects) == (ExitCode.DONE, runs.wanted, []), summary
    assert len(runs.writes(1)) <= (1 if runs.api.creates else 5)


def test_l03_a_500_for_ever_and_nothing_written(runs: TargetRuns) -> None:
    """Five tries, then the one customer is a reject; once the target is well again, the next due run writes it."""
    runs.records("Ada", "Bert", "Cleo")
    runs.force(1, status=500, error="x")
    assert runs.run().exit_code is ExitCode.REJECTS
    assert (len(runs.writes(1)), runs.codes) == (5, [("K-001", "server_error")])
    assert runs.ref(1) not in runs.held
    runs.heal()
    runs.clock.forward(minutes=6)
    assert runs.run().exit_code is ExitCode.DONE
    assert (runs.held, runs.rejects, len(runs.writes())) == (runs.wanted, [], 1)


def test_l20_reads_lag_behind_creations_whose_answers_are_lost(creating: TargetRuns) -> None:
    """A look-up that does not show a new customer for five seconds makes nobody create it once more, in 100 trials."""
    creating.records(*names("First"))
    creating.force(*range(N), drop=True, after_commit=True, times=1)
    creating.app.faults = type(creating.app.faults)(forced=creating.app.faults.forced, read_lag_seconds=5.0)
    summary = creating.run(give_up_seconds=_PATIENT)
    assert (summary.exit_code, creating.held, creating.rejects) == (ExitCode.DONE, creating.wanted, []), summary
    assert sorted(map(str, creating.creations())) == sorted(creating.wanted)


def test_l20_a_lag_and_a_creation_that_never_arrived(creating: TargetRuns) -> None:
    """Where nothing shows up within the target's own time, the customer is created after all."""
    creating.records("Ada", "Bert", "Cleo")
    creating.fail(read_lag_seconds=5.0, strikes=(Strike(kind="drop", methods=("POST",), next=2),))
    summary = creating.run()
    assert (summary.exit_code, creating.held, creating.rejects) == (ExitCode.DONE, creating.wanted, []), summary
    assert len(creating.creations()) == 3
