"""Walks the list of customers by the server's cursors, gives each customer once, and always comes to an end.

Knows no network: it is given a function that asks. What the cursor stands for is not documented. Where it names a place
in an order that customers keep (such as that of their creation), nobody is missed, whatever is created, changed or
deleted meanwhile; where it merely counts customers, nobody is missed as long as none is deleted, which the API does not
offer. A customer that comes again, because others came before it, is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from connectors.protocol import BrokenSourceError
from connectors.tradevest.listing import CursorRefusedError, Entry, Listing

_READINGS = 4  # of the list from its beginning, where its cursors are refused in the middle
_PATIENCE = 20  # answers in a row that show nobody new, although more is said to come


@dataclass(frozen=True, slots=True)
class Part:
    """Some customers, all of them new to the walk, and the cursor behind them (None: the list has ended)."""

    entries: Sequence[Entry]
    cursor: str | None


class Walk:
    """One reading of the list; `changed` counts customers that came again with other values, to be read next time."""

    def __init__(self, ask: Callable[[str | None], Listing]) -> None:
        self.changed = 0
        self._ask = ask
        self._given: dict[str, bytes] = {}
        self._asked: set[str | None] = set()
        self._readings = 1
        self._answers = 0
        self._barren = 0
        self._expected = 0  # answers that may show nobody new, since an earlier reading has shown them

    def read(self, start: str | None) -> Iterator[Part]:
        """Give the customers behind a cursor; None gives all.

        A list that was begun from its beginning is begun again where a cursor is refused in the middle. Raises
        BrokenSourceError where that does not help, where it leads in a circle, or where a `start` is refused: what was
        given before it is not known here.
        """
        cursor = start
        while True:
            try:
                listing = self._asked_for(cursor)
            except CursorRefusedError as error:
                self._begin_again(error, start, cursor)
                cursor = None
                continue
            fresh = self._fresh(listing.entries)
            self._expect_progress(listing, fresh)
            yield Part(fresh, listing.cursor)
            if listing.cursor is None:
                return
            cursor = listing.cursor

    def _asked_for(self, cursor: str | None) -> Listing:
        """Ask, and once more where the answer may be a hiccup.

        That is one without anybody although somebody was said to come, or one that leads back.
        """
        self._asked.add(cursor)
        listing = self._ask(cursor)
        void = not listing.entries and (cursor is not None or listing.cursor is not None)
        if void or self._leads_back(listing):
            listing = self._ask(cursor)
        self._answers += 1
        return listing

    def _fresh(self, entries: Sequence[Entry]) -> list[Entry]:
        """Leave out who was given already, and note the rest."""
        fresh = []
        for entry in entries:
            known = self._given.get(entry.key)
            if known is None:
                self._given[entry.key] = entry.digest
                fresh.append(entry)
            else:
                self.changed += known != entry.digest
        return fresh

    def _expect_progress(self, listing: Listing, fresh: Sequence[Entry]) -> None:
        self._barren = 0 if fresh else self._barren + 1
        if self._leads_back(listing):
            raise BrokenSourceError("tradevest: list: the cursors lead in a circle")
        if listing.cursor is not None and self._barren > _PATIENCE + self._expected:
            raise BrokenSourceError("tradevest: list: more customers are said to come, and none do")

    def _leads_back(self, listing: Listing) -> bool:
        return listing.cursor is not None and listing.cursor in self._asked

    def _begin_again(self, error: CursorRefusedError, start: str | None, cursor: str | None) -> None:
        """Forget the cursors; who was given stays given."""
        if start is not None or cursor is None:
            raise BrokenSourceError(f"{error}; only a reading of the whole list can go on") from None
        if self._readings == _READINGS:
            raise BrokenSourceError(f"{error}, in each of {_READINGS} readings") from None
        self._readings += 1
        self._asked.clear()
        self._barren, self._expected = 0, self._answers
