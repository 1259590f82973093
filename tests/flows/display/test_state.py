"""The final state of a flow run says what the ledger says."""

from __future__ import annotations

import pytest
from prefect.client.schemas.objects import StateType

from flows.display.state import state_of, state_of_failure
from flows.document import JobError
from flows.failure import StopAskedError
from flows.ledger.lease import LeaseHeldError
from flows.ledger.record import Counts, Status
from flows.summary import ExitCode, Summary


def ended(status: Status, code: ExitCode, message: str | None = None, rejects: int = 0) -> Summary:
    """Make the summary of a run that ended like this."""
    counts = Counts(extracted=588 + rejects, created=588, rejected=rejects)
    return Summary("7", "crm", status, counts, 1, 0, 1.0, code, message)


@pytest.mark.parametrize(
    ("summary", "kind", "name", "message"),
    [
        (
            ended("completed", ExitCode.DONE),
            StateType.COMPLETED, "Completed", "588 created",
        ),
        (
            ended("completed", ExitCode.REJECTS, rejects=1234),
            StateType.COMPLETED,
            "Completed with 1,234 rejects", "588 created, 1,234 rejected",
        ),
        (
            ended("failed", ExitCode.FAILED, "away"),
            StateType.FAILED, "Failed", "failed: away (until then: 588 created)",
        ),
        (
            ended("stopped", ExitCode.GUARD, "too many"),
            StateType.FAILED, "Stopped by a guard", "stopped: too many (until then: 588 created)",
        ),
        (
            ended("interrupted", ExitCode.STOPPED, "asked"),
            StateType.CANCELLED, "Cancelled", "interrupted: asked (until then: 588 created)",
        ),
    ],
)  # fmt: skip
def test_state_of_a_run(summary: Summary, kind: StateType, name: str, message: str) -> None:
    """The name tells rejects and guards, the message the counts and the cause."""
    state = state_of(summary)
    assert (state.type, state.name, state.message) == (kind, name, message)


def test_a_run_that_fails_before_its_first_customer() -> None:
    """Where nobody was met there are no counts to tell."""
    summary = Summary("7", "crm", "failed", Counts(), 1, 0, 1.0, ExitCode.FAILED, "refused")
    assert state_of(summary).message == "failed: refused"


@pytest.mark.parametrize(
    ("error", "kind", "name", "message"),
    [
        (LeaseHeldError("another run"), StateType.CANCELLED, "Skipped: another run is writing", "another run"),
        (JobError("job.yaml:3: no"), StateType.FAILED, "Failed", "job.yaml:3: no"),
        (StopAskedError(), StateType.CANCELLED, "Cancelled", "stopped; the next run goes on from here"),
        (ValueError("Eva Specht"), StateType.FAILED, "Failed", "an error of our own: ValueError in an unknown place"),
    ],
)
def test_state_of_what_never_became_a_run(error: Exception, kind: StateType, name: str, message: str) -> None:
    """A newcomer that is turned away is no failure; an error of our own keeps its text to itself."""
    state = state_of_failure(error)
    assert (state.type, state.name) == (kind, name)
    assert str(state.message).startswith(message)
    assert "Specht" not in str(state.message)
