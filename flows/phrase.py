"""Says counts as people do: one customer, two customers."""

from __future__ import annotations

from flows.ledger.record import Counts

OUTCOMES = ("created", "updated", "unchanged", "filtered", "invalid", "rejected", "deferred")


def counted(number: int, noun: str) -> str:
    """Give a number with its noun, in the singular where it is one; -ry becomes -ries, all else takes an s."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun.removesuffix('y')}ies" if noun.endswith("ry") else f"{number:,} {noun}s"


def tally(counts: Counts) -> str:
    """Tell in a few words what became of customers."""
    parts = [f"{count:,} {name}" for name in OUTCOMES if (count := getattr(counts, name))]
    return ", ".join(parts) or "no customer"


def sent_and_rejects(counts: Counts) -> str:
    """Tell what a run has done so far, in the three figures that matter while it goes on."""
    rejects = counted(counts.invalid + counts.rejected, "reject")
    return f"{counts.created + counts.updated:,} sent, {counts.unchanged:,} unchanged, {rejects}"
