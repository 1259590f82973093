"""Finds out which references a target holds, with as few requests as it can; it writes nothing.

One request shows one customer by its reference, or a part of the list with many of them. So the list is read as long as
that costs less than asking for each, and what it showed is kept for the run. Others write to the target too: that
somebody is absent is believed for seconds alone, and proved anew for each page. Past 250,000 ids nothing more is kept,
and nobody is called absent any more: from there on each new customer costs a look-up and a create.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Collection

from connectors.delivery.gate import Clock
from connectors.protocol import Roll, TransientError

_TRUSTED_SECONDS = 30.0  # then somebody else may have created a customer that the list did not show
_DUE_SECONDS = 20.0  # then it is time to read on, before the trust ends
_RECENT_SECONDS = 5.0  # so young a list need not be read again from its beginning
_MOST_KEPT = 250_000  # ids, at about 200 bytes each


class Directory:
    """What is known of a target's customers; `ask` shows a part of its list."""

    def __init__(self, ask: Callable[[str | None], Awaitable[Roll]], clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._ids: dict[str, tuple[str, ...]] = {}
        self._doubted: set[str] = set()
        self._overflowed = False
        self._cursor: str | None = None
        self._tail: str | None = None
        self._parts = 0
        self._met = 0
        self._total: int | None = None
        self._steady = True
        self._consulted_at = -math.inf
        self._proved_at = -math.inf  # of whoever was there then, nobody is missing from a list that has ended
        self._ended = False
        self._unread = 0  # customers whose id or reference could not be read

    async def consult(self, references: Collection[str]) -> None:
        """Read on in the list, as long as that may cost less than asking for each reference that is not known yet.

        A list that has ended is read on behind its end, or again, so that it proves once more who is absent. One that
        cannot be read is no obstacle: each reference can still be asked for.
        """
        self._consulted_at = self._clock()
        unknown = [reference for reference in references if reference not in self._ids]
        if unknown and self._ended and not self._overflowed:
            self._reopen(len(unknown))
        most, spent = len(unknown), 0
        while not self._ended and spent < self._worth(most) and self._parts_left() < len(unknown):
            asked_at = self._clock()
            try:
                self._take(await self._ask(self._cursor), asked_at)
            except TransientError:
                return
            spent += 1
            unknown = [reference for reference in unknown if reference not in self._ids]

    @property
    def is_due(self) -> bool:
        """Say whether the last consultation was so long ago that whoever still relies on it should consult again."""
        return self._clock() - self._consulted_at >= _DUE_SECONDS

    def ids(self, reference: str) -> tuple[str, ...]:
        """Give the ids under which the list showed a reference."""
        return self._ids.get(reference, ())

    def excludes(self, reference: str) -> bool:
        """Say whether the target certainly does not hold a reference: the whole list was read, just now, without it."""
        fresh = self._clock() - self._proved_at < _TRUSTED_SECONDS
        whole = self._ended and self._fits and not self._overflowed and not self._unread
        return whole and fresh and reference not in self._ids and reference not in self._doubted

    def note(self, reference: str, target_id: str) -> None:
        """Keep what an answer told; a list that is read later may not show it yet."""
        if len(self._ids) < _MOST_KEPT or reference in self._ids:
            self._ids[reference] = (target_id,)
            self._doubted.discard(reference)
        else:
            self._overflowed = True

    def forget(self, reference: str) -> None:
        """Drop what has proved wrong, or is uncertain: the list that was read does not tell any more."""
        self._ids.pop(reference, None)
        self._doubted.add(reference)

    @property
    def _fits(self) -> bool:
        """Whether the parts that were read fit together."""
        return self._steady or self._parts == 1

    def _reopen(self, unknown: int) -> None:
        """Go back to where a list that has ended may show somebody new, if that can prove anything and is worth it."""
        if self._steady and self._tail is not None:
            self._cursor, self._ended = self._tail, False
        elif self._fits and self._parts <= unknown and self._clock() - self._proved_at >= _RECENT_SECONDS:
            self._cursor, self._ended, self._steady = None, False, True
            self._parts = self._met = self._unread = 0

    def _worth(self, unknown: int) -> int:
        """Say how many parts may be read for so many references; half, where they may save no question in the end.

        That is a list that does not tell its length, or one whose parts do not prove that anybody is absent.
        """
        return unknown if self._total is not None and self._steady else unknown // 2 + 1

    def _parts_left(self) -> int:
        if len(self._ids) > _MOST_KEPT:
            return _MOST_KEPT
        if not self._parts or self._total is None:
            return 1
        size = max(1, self._met // self._parts)
        return -(-max(1, self._total - self._met) // size)

    def _take(self, roll: Roll, asked_at: float) -> None:
        if not self._parts or roll.tail is not None:  # behind a tail is everybody who came since
            self._proved_at = asked_at
        self._parts += 1
        for reference, ids in roll.ids.items():
            known = self._ids.get(reference, ())
            self._ids[reference] = (*known, *(each for each in ids if each not in known))
            self._met += len(ids)
        self._total, self._cursor, self._tail = roll.total, roll.cursor, roll.tail
        self._ended = roll.cursor is None
        self._steady &= roll.steady
        self._unread += roll.unread
