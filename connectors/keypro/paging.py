"""Walks the list of customers in the order of their ids, so that none is missed or doubled; knows no network.

Each part is asked for behind the last id shown: whoever is created, changed or deleted in between moves nobody else,
and who is new has a greater id. The walk ends where nobody is shown any more, whatever links say.

The ids say nothing about time. So a next reading may rely on this one up to the server's time before its first request:
whoever changes later has a later `dateModified`, whether this walk had passed already or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from connectors.keypro.listing import Part, Query, ids_of
from connectors.keypro.property import Properties
from connectors.keypro.record import Entry
from connectors.protocol import BrokenSourceError


class Walk:
    """One reading of the list; `ask` answers a query with what is certainly behind its id, in the order of ids.

    `began` is the server's time as an answer told it that came before this reading.
    """

    def __init__(self, ask: Callable[[Query], Part], properties: Properties, began: datetime | None) -> None:
        self._ask = ask
        self._properties = properties
        self.conclusive = began

    def read(self, since: datetime | None, *, inhabited: bool = False) -> Iterator[Entry]:
        """Give all customers that were updated at or after a whole second; None gives all.

        `inhabited` says that somebody was shown before, whom this reading is to meet.

        Raises BrokenSourceError where the answers cannot be those of such a list.
        """
        query = Query(since=since)
        expected = inhabited
        while (part := self._part(query, expected=expected)).customers:
            for customer in part.customers:
                yield Entry.of(customer, self._properties, part.answered)
            last = next((identity for identity in reversed(ids_of(part, self._properties)) if identity), None)
            if last is None:
                raise BrokenSourceError("keypro: list: nobody of a whole part has a usable id (source.properties)")
            query, expected = Query(behind=last, since=since), part.more

    def _part(self, query: Query, *, expected: bool) -> Part:
        """Ask, and once more where nobody is shown although somebody was to come: they may all have been deleted."""
        part = self._asked(query)
        if (part.more or expected) and not part.customers:
            part = self._asked(query)
            if part.more and not part.customers:
                raise BrokenSourceError("keypro: list: incomplete_extract: more is said to come, and nobody is shown")
        return part

    def _asked(self, query: Query) -> Part:
        part = self._ask(query)
        if self.conclusive is not None and part.answered is not None:
            self.conclusive = min(self.conclusive, part.answered)  # several servers behind one address, or a clock set
        return part
