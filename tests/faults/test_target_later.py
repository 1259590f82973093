"""A target that takes customers in and decides about them later (FAULTS.md L19).

Only tradevest does: a new customer is RECEIVED, then validated or found INVALID, and nothing but a look-up tells. The
other three have written a customer when they answer.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.sandbox.exchange import Reply, Request
from flows.summary import ExitCode
from tests.faults.target_api import TRADEVEST
from tests.faults.target_run import target_runs

KIND = TRADEVEST.kind


def test_l19_it_counts_once_it_is_decided(tmp_path: Path) -> None:
    """A customer counts as created when it is validated: no sooner, and after one creation."""
    with target_runs(tmp_path, KIND, validation_seconds=7.0) as runs:
        runs.records(*(f"Ada {number}" for number in range(20)))
        began = runs.time.clock()
        summary = runs.run()
        assert (summary.exit_code, summary.counts.created) == (ExitCode.DONE, 20), summary
        assert runs.time.clock() - began >= 7.0
        assert (runs.held, len(runs.writes())) == (runs.wanted, 20)
        assert {each["customerStatus"] for each in runs.app.vendor.customers("")} == {"CREATED"}


def test_l19_an_update_counts_once_it_shows(tmp_path: Path) -> None:
    """An update that is answered 202 is one when the customer shows it."""
    with target_runs(tmp_path, KIND, validation_seconds=7.0) as runs:
        runs.records("Ada")
        runs.run()
        runs.records("Berta")
        began = runs.time.clock()
        assert (runs.run().counts.updated, len(runs.writes())) == (1, 1)
        assert runs.time.clock() - began >= 7.0
        assert runs.held == runs.wanted


def test_l19_it_fails_later(tmp_path: Path) -> None:
    """A customer that is found INVALID after a 200 is a reject with that word; its neighbours are created."""
    invalid = frozenset({TRADEVEST.reference(1)})
    with target_runs(tmp_path, KIND, validation_seconds=3.0, invalid_entities=invalid) as runs:
        runs.records("Ada", "Bert", "Cleo")
        summary = runs.run()
        assert (summary.exit_code, summary.counts.created, summary.counts.rejected) == (ExitCode.REJECTS, 2, 1)
        assert (len(runs.writes(1)), runs.codes) == (1, [("K-001", "INVALID")])
        assert runs.rejects[0].reference == runs.ref(1)


def test_l19_an_answer_that_was_lost_and_a_customer_turned_down(tmp_path: Path) -> None:
    """Where the create's answer is lost as well, who is found INVALID is a reject all the same, and nobody is doubled.

    One who is INVALID already when he is looked for is as good as not there, so that he may be created once more.
    """
    invalid = frozenset({TRADEVEST.reference(1)})
    with target_runs(tmp_path, KIND, validation_seconds=3.0, invalid_entities=invalid) as runs:
        runs.records("Ada", "Bert", "Cleo")
        runs.force(0, 1, drop=True, after_commit=True, times=1)
        summary = runs.run()
        assert (summary.exit_code, summary.counts.rejected) == (ExitCode.REJECTS, 1), summary
        assert [key for key, _ in runs.codes] == ["K-001"]
        assert [len(runs.writes(number)) for number in (0, 2)] == [1, 1]
        assert sum(reference == runs.ref(1) for reference in runs.creations()) <= 2
        valid = [each for each in runs.app.vendor.customers("") if each["customerStatus"] != "INVALID"]
        assert sorted(runs.api.read(each)[1] for each in valid) == ["Ada", "Cleo"]


def test_l19_never_decided_in_time_is_no_success(tmp_path: Path) -> None:
    """Whoever is still RECEIVED after the job's patience is no success; the run that is due finds it decided."""
    with target_runs(tmp_path, KIND, validation_seconds=300.0) as runs:
        runs.records("Ada", "Bert")
        summary = runs.run()
        assert (summary.exit_code, summary.counts.created, summary.counts.rejected) == (ExitCode.REJECTS, 0, 2), summary
        assert runs.codes == [("K-000", "unconfirmed"), ("K-001", "unconfirmed")]
        assert len(runs.writes()) == 2
        runs.time.forward(300.0)
        runs.clock.forward(minutes=6)
        assert runs.run().exit_code is ExitCode.DONE
        assert (runs.held, runs.rejects) == (runs.wanted, [])
        assert not any(each.method == "POST" for each in runs.writes())


@pytest.mark.parametrize("answer", [Reply(404), Reply(503, b"{}"), Reply(200, b"<html>Maintenance</html>"), Reply(429)])
def test_l19_asking_for_the_decision_fails_for_a_while(answer: Reply, tmp_path: Path) -> None:
    """What goes wrong with the question is no decision: the customer is asked for again, and not created again."""
    with target_runs(tmp_path, KIND, validation_seconds=3.0) as runs:
        runs.records("Ada", "Bert")
        failures = iter(range(4))

        def fail(request: Request) -> Reply | None:
            asked = request.method == "GET" and runs.app.vendor.reference(request) == runs.ref(1)
            return answer if asked and next(failures, None) is not None else None

        runs.tap.before = fail
        summary = runs.run()
        assert (summary.exit_code, runs.held, runs.rejects) == (ExitCode.DONE, runs.wanted, []), summary
        assert (len(runs.creations()), next(failures, None)) == (2, None)
