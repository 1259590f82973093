"""Gives the final state of a flow run: what the ledger says, in a name and a message that people understand."""

from __future__ import annotations

from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed, Failed

from flows.failure import explain_failure
from flows.phrase import counted, tally
from flows.report import headline
from flows.summary import ExitCode, Summary


def state_of(summary: Summary) -> State[Any]:
    """Turn a run's summary into a state."""
    message = f"{'dry run: ' if summary.dry_run else ''}{_told(summary)}"
    match summary.exit_code:
        case ExitCode.DONE:
            return Completed(message=message)
        case ExitCode.REJECTS:
            rejects = counted(summary.counts.invalid + summary.counts.rejected, "reject")
            return Completed(name=f"Completed with {rejects}", message=message)
        case ExitCode.GUARD:
            return Failed(name="Stopped by a guard", message=message)
        case ExitCode.STOPPED:
            return Cancelled(message=message)
        case _:
            return Failed(message=message)


def _told(summary: Summary) -> str:
    """Tell what the state's name does not: what became of the customers, and what else ended the run."""
    if summary.status == "completed":
        return tally(summary.counts)
    ended = headline(summary)
    return f"{ended} (until then: {tally(summary.counts)})" if summary.counts.extracted else ended


def state_of_failure(error: BaseException) -> State[Any]:
    """Turn what ended a run before it had a summary into a state; a newcomer that was turned away has not failed."""
    code, message = explain_failure(error)
    if code is ExitCode.HELD:
        return Cancelled(name="Skipped: another run is writing", message=message)
    return Cancelled(message=message) if code is ExitCode.STOPPED else Failed(message=message)
