"""Refusals, answers without proof, and what is asked again and again, in each API (L08, L09, L18, L23, L26, L30)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox.fault import Faults, Forced, Strike
from flows.summary import ExitCode
from tests.faults.target_api import APIS
from tests.faults.target_run import TargetRuns, target_runs

R = 53
KEYPRO = 400, "validation_failed"  # it documents no 422, and has words for what is wrong, but no codes
SECRET = "Grimble"
BODIES = {
    "an unknown code": '{"error": "no_such_code", "error_description": "Grimble"}',
    "no code": '{"message": "Grimble"}',
    "not JSON": "<html>Grimble</html>",
    "half of it": '{"error": "Grimb',
    "a list": "[]",
    "empty": "",
}


@pytest.fixture(params=APIS)
def runs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TargetRuns]:
    """Give a job into each API in turn."""
    with target_runs(tmp_path, request.param) as made:
        yield made


def names(count: int) -> list[str]:
    """Name so many customers."""
    return [f"Ada {number}" for number in range(count)]


def refusal(runs: TargetRuns) -> tuple[int, str]:
    """Give the status with which the API refuses a customer, and the code that a reject then has."""
    return KEYPRO if runs.api.kind == "keypro" else (422, "odd_code_42")


def test_l08_refused_with_the_targets_own_code(runs: TargetRuns) -> None:
    """53 of 120 customers are refused: 53 rejects with code, words and status, one write each; the others arrive."""
    status, code = refusal(runs)
    runs.records(*names(120))
    runs.force(*range(R), status=status, error="odd_code_42", error_description="The moon is in the wrong house.")
    summary = runs.run()
    assert (summary.exit_code, summary.counts.rejected, summary.counts.created) == (ExitCode.REJECTS, R, 120 - R)
    assert {finding.code for entry in runs.rejects for finding in entry.findings} == {code}
    assert all("wrong house" in str(entry.findings) for entry in runs.rejects)
    assert {entry.http_status for entry in runs.rejects} == {status}
    assert {len(runs.writes(number)) for number in range(120)} == {1}
    assert set(runs.held) == {runs.ref(number) for number in range(R, 120)}
    assert (runs.run().counts.rejected, runs.writes()) == (R, [])


@pytest.mark.parametrize("form", BODIES)
def test_l09_refused_in_a_way_that_tells_nothing(runs: TargetRuns, form: str) -> None:
    """A 400 of unknown or no form is the one customer's: a reject that keeps the status, and shows no value."""
    runs.records("Ada", SECRET, "Cleo")
    runs.force(1, status=400, body=BODIES[form])
    summary = runs.run()
    assert (summary.exit_code, summary.message) == (ExitCode.REJECTS, None), summary
    (entry,) = runs.rejects
    assert (entry.source_key, entry.http_status, len(runs.writes(1))) == ("K-001", 400, 1)
    assert all(finding.code for finding in entry.findings)
    assert SECRET not in str(entry.findings)
    assert set(runs.held) == {runs.ref(0), runs.ref(2)}


@pytest.mark.parametrize("after_commit", [False, True], ids=["not written", "written"])
@pytest.mark.parametrize("kind", ["empty", "html", "stranger"])
def test_l18_a_success_that_proves_nothing(runs: TargetRuns, kind: str, *, after_commit: bool) -> None:
    """200 with nothing, HTML or somebody else's customer is not believed: all are there once in the end."""
    if kind == "stranger" and runs.api.kind == "tradevest":
        pytest.skip("the answer to a creation names nobody")
    runs.records(*names(30))
    runs.strike(kind, skip=3, next=12, after_commit=after_commit, status=200)
    summary = runs.run(give_up_seconds=6000.0)
    assert (summary.exit_code, runs.held, runs.rejects) == (ExitCode.DONE, runs.wanted, []), summary
    assert sum(bool(each.fault) for each in runs.writes()) == 12
    assert sorted(map(str, runs.creations())) == sorted(runs.wanted)


@pytest.mark.parametrize("kind", ["empty", "html"])
def test_l18_nobody_counts_as_loaded_without_proof(runs: TargetRuns, kind: str) -> None:
    """A target that always says 200 and writes nothing is not believed once; when it is well again, all arrive."""
    runs.records(*names(30))
    runs.strike(kind, status=200)
    summary = runs.run(tries=2, give_up_seconds=20.0)
    assert summary.exit_code is not ExitCode.DONE
    assert (summary.counts.created + summary.counts.updated, runs.held) == (0, {})
    runs.heal()
    runs.clock.forward(hours=1)
    assert runs.run().exit_code is ExitCode.DONE
    assert (runs.held, runs.rejects) == (runs.wanted, [])


def test_l23_a_target_that_stores_values_in_its_own_form(runs: TargetRuns) -> None:
    """What the target makes of a value is its own affair: what was sent counts, and a second run sends nobody."""
    runs.records(*names(40))
    runs.run()
    for number, name in enumerate(names(40)):
        runs.api.rename(runs.app, runs.ref(number), name.lower().replace(" ", ""))
    assert "Ada 1" not in runs.held.values()
    again = runs.run()
    assert (again.exit_code, again.counts.unchanged, again.requests) == (ExitCode.DONE, 40, 0)
    assert runs.writes() == []


@pytest.mark.parametrize("forced", [Forced(status=500, error="x"), Forced(status=503, body=""), Forced(drop=True)])
def test_l26_a_customer_that_fails_for_ever(runs: TargetRuns, forced: Forced) -> None:
    """One layer retries: exactly five writes in the run, and none in the next one while the reject's pause lasts."""
    runs.records(*names(20))
    runs.app.faults = Faults(forced={runs.ref(1): forced})
    assert runs.run().exit_code is ExitCode.REJECTS
    assert (len(runs.writes(1)), [key for key, _ in runs.codes]) == (5, ["K-001"])
    assert runs.run().counts.rejected == 1
    assert runs.writes() == []
    runs.clock.forward(minutes=6)
    runs.run()
    assert len(runs.writes(1)) == len(runs.writes()) == 5


def test_l30_nothing_has_changed(runs: TargetRuns) -> None:
    """A second run asks the target nothing, about the rejected neither, and says that all is unchanged."""
    runs.records(*names(120))
    runs.force(*range(7), status=refusal(runs)[0], error="odd_code_42")
    first = runs.run()
    assert (first.counts.created, first.counts.rejected) == (113, 7)
    again = runs.run()
    assert (again.counts.unchanged, again.counts.rejected, again.requests) == (113, 7, 0)
    assert runs.writes() == []


def test_l18_l26_failures_leave_a_strangers_customer_alone(runs: TargetRuns) -> None:
    """Whatever fails on the way, a customer whom nobody asked for stays as it is."""
    runs.put(90, "Somebody")
    runs.records(*names(10))
    runs.app.faults = Faults(strikes=(Strike(kind="empty", methods=("POST",), next=5, after_commit=True),))
    runs.run()
    assert runs.held == {**runs.wanted, runs.ref(90): "Somebody"}
