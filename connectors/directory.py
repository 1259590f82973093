"""Finds out which references a target holds, with as few requests as it can; it writes nothing.

One request shows one customer by its reference, or a part of the list with many of them. So the list is read as long as
that costs less than asking for each, and what it showed is kept for the run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from connectors.gate import Clock
from connectors.protocol import Roll

_TRUSTED_SECONDS = 300.0  # then somebody else may have created a customer that the list did not show
_MOST_KEPT = 250_000  # ids, at about 200 bytes each


class Directory:
    """What is known of a target's customers; `ask` shows a part of its list."""

    def __init__(self, ask: Callable[[str | None], Awaitable[Roll]], clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._ids: dict[str, tuple[str, ...]] = {}
        self._cursor: str | None = None
        self._parts = 0
        self._met = 0
        self._total: int | None = None
        self._steady = True
        self._began = 0.0
        self._ended = False

    async def consult(self, references: Collection[str]) -> None:
        """Read on in the list, as long as that may cost less than asking for each reference that is not known yet."""
        unknown = [reference for reference in references if reference not in self._ids]
        allowance = len(unknown) // 2 + 1  # a list that does not tell its length must not cost more than it can save
        while not self._ended and allowance and self._parts_left() < len(unknown):
            self._take(await self._ask(self._cursor))
            allowance -= 1
            unknown = [reference for reference in unknown if reference not in self._ids]

    def ids(self, reference: str) -> tuple[str, ...]:
        """Give the ids under which the list showed a reference."""
        return self._ids.get(reference, ())

    def excludes(self, reference: str) -> bool:
        """Say whether the target certainly does not hold a reference: the whole list was read, lately, without it."""
        fresh = self._clock() - self._began < _TRUSTED_SECONDS
        return self._ended and fresh and (self._steady or self._parts == 1) and reference not in self._ids

    def note(self, reference: str, target_id: str) -> None:
        """Keep what an answer told."""
        if self._ids or self._ended:
            self._ids[reference] = (target_id,)

    def forget(self, reference: str) -> None:
        """Drop what has proved wrong."""
        self._ids.pop(reference, None)

    def _parts_left(self) -> int:
        if self._met > _MOST_KEPT:
            return _MOST_KEPT
        if not self._parts or self._total is None:
            return 1
        size = max(1, self._met // self._parts)
        return -(-max(1, self._total - self._met) // size)

    def _take(self, roll: Roll) -> None:
        if not self._parts:
            self._began = self._clock()
        self._parts += 1
        for reference, ids in roll.ids.items():
            known = self._ids.get(reference, ())
            self._ids[reference] = (*known, *(each for each in ids if each not in known))
            self._met += len(ids)
        self._total, self._cursor, self._ended = roll.total, roll.cursor, roll.cursor is None
        self._steady &= roll.steady
