"""Concludes a run that took everything it had to take: what left the source, and what is still in doubt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from connectors.protocol import Row, TransientError
from flows.desk import Desk
from flows.extraction import Extraction
from flows.guard import GuardError, guard_absence
from flows.phrase import counted


async def conclude(desk: Desk, extraction: Extraction, extracted: int, notify: Callable[[str], None]) -> None:
    """Settle what a run may conclude; a partial one concludes nothing. Raises GuardError and what the ledger raises.

    A replay concludes something of the very customers that it asked for, and of nobody else.
    """
    if extraction.selection.replay:
        _close_left(desk, extraction.gone, notify)
    if extraction.selection.partial:
        return
    await _close_unanswered(desk, notify)
    left = extraction.gone
    if extraction.whole:
        note_whole(desk, extraction, extracted, notify)
        unmet = desk.ledger.unmet(desk.run) if extraction.complete else []
        left = await asyncio.to_thread(extraction.absent, unmet)
    _close_left(desk, left, notify)


def _close_left(desk: Desk, left: Sequence[str], notify: Callable[[str], None]) -> None:
    if left and (closed := desk.ledger.close_left(desk.run, left)):
        whose = "its record is" if closed == 1 else "their records are"
        notify(f"{counted(closed, 'reject')} closed: {whose} no longer in the source")


def note_whole(desk: Desk, extraction: Extraction, extracted: int, notify: Callable[[str], None]) -> None:
    """Note that everything was read, once that was compared with the last whole run; raises GuardError.

    Where too much is missing, what was read is no ground to read on from, and no measure for the next run.
    """
    try:
        told = guard_absence(desk.plan.job.guards, extracted, desk.ledger.last_whole(desk.run))
    except GuardError:
        if extraction.watermark is not None:
            desk.ledger.forget_watermark(desk.run, extraction.watermark)
        raise
    if told:
        notify(told)
    desk.ledger.note_whole(desk.run)


async def _close_unanswered(desk: Desk, notify: Callable[[str], None]) -> None:
    """Look up customers whose answer an earlier run never had and which the source no longer shows."""
    for intent in desk.ledger.unanswered(desk.run):
        try:
            held = await desk.courier.look_up(Row(intent.reference), desk.before_send)
        except TransientError:  # of this one customer: the pages went through
            notify("a customer in doubt could not be looked up; the next run tries again")
            continue
        desk.ledger.close_intent(desk.run, intent, held.target_id if held else None)
