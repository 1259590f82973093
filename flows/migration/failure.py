"""Says why a migration's partitions did not come to their end, in words that name no customer."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.protocol import PermanentError
from flows.failure import StopAskedError, explain_failure
from flows.ledger.division import Ending

# What a cluster, or Prefect, raises in the place of a worker that is no more; by name, for neither need be installed.
_DEATHS = frozenset({"CancelledError", "CancelledRun", "CrashedRun", "FutureCancelledError", "KilledWorker"})


def refuse_failed(ended: Sequence[tuple[int, BaseException | None, Ending | None]], *, asked_to_stop: bool) -> None:
    """Raise what ended the partitions that did not come to their end; that somebody asked them to, last of all."""
    errors = []
    for number, raised, outcome in ended:
        if (error := _error_of(number, raised, outcome, asked_to_stop=asked_to_stop)) is not None:
            # one that was not begun any more says nothing of the cause
            errors.append((isinstance(error, StopAskedError), outcome is None, number, error))
    if errors:
        raise min(errors, key=lambda each: each[:3])[-1]


def _error_of(
    number: int, raised: BaseException | None, outcome: Ending | None, *, asked_to_stop: bool
) -> Exception | None:
    """Say as an exception why a partition did not come to its end; the ledger knows better than its worker."""
    match outcome:
        case Ending(status="completed"):
            return None
        case Ending(status="failed"):
            return PermanentError(f"partition {number}: {outcome.message}")
        case Ending(status="interrupted") if asked_to_stop or raised is None:
            return StopAskedError()
        case None if asked_to_stop or isinstance(raised, StopAskedError):
            return StopAskedError()
    if raised is None:
        lost = (
            "its worker lost its lease: another process took the partition over, or the ledger did not answer in time"
        )
        return PermanentError(f"partition {number}: {lost if outcome else 'nobody began it'}")
    return PermanentError(f"partition {number}: {cause_of(raised)}")


def cause_of(raised: BaseException) -> str:
    """Explain what a worker raised, or what was raised in its place."""
    name = type(raised).__name__
    return f"its worker died ({name})" if name in _DEATHS else explain_failure(raised)[1]
