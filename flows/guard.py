"""The guards of a job: whether a run's figures still look like a day's work, or like something that went wrong."""

from __future__ import annotations

from flows.job import Guards
from flows.ledger.record import Counts

_NOTEWORTHY = 0.2


class GuardError(Exception):
    """A guard of the job stopped the run."""


def guard_rejects(guards: Guards, counts: Counts) -> None:
    """Raise GuardError where a larger share is invalid or rejected than the job allows."""
    limit, failed = guards.max_rejected, counts.invalid + counts.rejected
    if limit is not None and counts.extracted and failed / counts.extracted > limit:
        raise GuardError(
            f"{failed} of {counts.extracted} customers are invalid or rejected, more than the guard"
            f" max_rejected allows ({100 * limit:g}%)"
        )


def guard_absence(guards: Guards, found: int, before: int | None) -> str | None:
    """Compare what a whole run found with what the last one did; gives what is worth a word, if anything is.

    Raises GuardError where more is missing than `max_missing` allows; without that guard, where nothing is left at all.
    """
    if not before:
        return None
    limit, missing = guards.max_missing, 1 - found / before
    told = f"the source shows {found:,} records, where the last whole run found {before:,}"
    if missing > limit if limit is not None else found == 0:
        raise GuardError(f"{told}; to accept that, set guards.max_missing (100% accepts anything)")
    return told if missing > _NOTEWORTHY else None
