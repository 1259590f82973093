"""Walks the list of customers in the order of their last update so that none is missed, whatever changes meanwhile.

Knows no network: it is given a function that asks. The argument, with seconds as what the filters can tell apart:

- A page asked for without an offset shows everything from its first second on, up to its end, as it is at one moment.
  The next one begins with the last second shown, so nothing lies between them. When it shows a later second, the
  clock has gone past the former: nothing can be added to that any more.
- An offset is used only within one second that fills a page, once that second is over. Customers then only leave it
  (updated, deleted), so a page that begins with a customer already met has no gap before it; else the walk steps back.
- That holds where equal customers keep their order, which nobody promises. So a second counts as read only when as
  many customers were met as it held when its reading began: who left was among them, so nobody who stayed is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile

from connectors.protocol import BrokenSourceError
from connectors.valomnia.listing import Entry, Listing, Query, floor_second, next_second

_SECOND = timedelta(seconds=1)
_PATIENCE = 20  # steps back that nothing explains: the order of equal customers is not kept
_READINGS = 50  # of one second in which somebody leaves unseen each time; each makes the next one shorter


class Walk:
    """One reading of the list; `notices` is what was odd.

    A customer is given again where it has changed; one that shows the very same values in the same second is not.
    """

    def __init__(self, ask: Callable[[Query], Listing], wait: Callable[[float], None]) -> None:
        self.notices: list[str] = []
        self._ask_once = ask
        self._wait = wait
        self._latest: datetime | None = None
        self._bounds: list[datetime | None] = []
        self._seen: dict[str, bytes] = {}  # of the second that the walk is in
        self._undated: dict[str, bytes] = {}

    @property
    def conclusive(self) -> datetime | None:
        """Say up to where a next reading may rely on this one: the server's time when it began, or an empty page.

        None where nothing can be relied on, such as where the server does not tell its time.
        """
        known = [bound for bound in self._bounds if bound is not None]
        return min(known) if known and len(known) == len(self._bounds) else None

    def read(self, after: datetime | None) -> Iterator[Sequence[Entry]]:
        """Give all customers that were updated at or after a moment, to the second; None gives all.

        Customers without a last update are documented not to exist. No filter would find them, so a whole reading
        looks for them at both ends of the unfiltered list, where databases put what has no value.

        Raises BrokenSourceError where the answers cannot be those of such a list.
        """
        if after is not None:
            yield from self._dated(floor_second(after))
            return
        first = yield from self._group(Query())
        if first is not None and first.updated is not None:
            yield from self._group(Query(order="desc"))
            yield from self._dated(floor_second(first.updated))

    def _dated(self, start: datetime) -> Iterator[Sequence[Entry]]:
        query = Query(since=start)
        self._seen.clear()
        while True:
            query, listing = self._ask(query)
            yield self._fresh(listing.entries)
            if not listing.more or not listing.entries:
                return
            if not listing.dated:
                query = replace(query, offset=query.offset + len(listing.entries))
                continue
            first, last = floor_second(listing.dated[0]), floor_second(listing.dated[-1])
            if first == last:
                self._wait_out(last)
                following = next_second(last)
                yield from self._group(Query(since=last, before=following))
                if following is None:
                    return
                self._seen.clear()
                query = Query(since=following)
            else:
                same = [entry for entry in listing.entries if entry.updated and floor_second(entry.updated) == last]
                self._seen = {entry.key: entry.digest for entry in same}
                query = Query(since=last)

    def _group(self, base: Query) -> Generator[Sequence[Entry], None, Entry | None]:
        """Read by offset the customers of one second, or those without a date; give the first behind them, if any."""
        dated = base.since is not None
        place = _Place()
        while True:
            wanted = replace(base, offset=place.offset)
            query, listing = self._ask(wanted)
            leaps = query != wanted
            if not leaps and not place.joins(listing):
                place.step_back(listing)
                continue
            entries = listing.entries
            inside = entries if dated else tuple(takewhile(lambda entry: entry.updated is None, entries))
            yield self._fresh(inside)
            if len(inside) < len(entries):
                return entries[len(inside)]
            place.advance(query.offset, listing, leaps=leaps)
            if not listing.more or not entries or query.offset + len(entries) >= listing.total:
                if not dated or place.holds_all():
                    return None
                place.begin_again(listing)

    def _ask(self, query: Query) -> tuple[Query, Listing]:
        """Ask, and go on past pages that are empty although more comes; gives the request that was answered."""
        listing = self._asked(query)
        if listing.more and not listing.entries:
            listing = self._asked(query)  # was it a hiccup?
        while listing.more and not listing.entries:
            query = replace(query, offset=query.offset + listing.size)
            if query.offset >= listing.total:
                raise BrokenSourceError("valomnia: list: the server says that more comes, behind its own count")
            self.notices.append(f"the list has an empty page before place {query.offset} of {listing.total}")
            self._bounds.append(query.since)
            listing = self._asked(query)
        return query, listing

    def _asked(self, query: Query) -> Listing:
        listing = self._ask_once(query)
        self._latest = listing.answered or self._latest
        self._bounds = self._bounds or [listing.answered]
        for updated in listing.dated:
            too_early = query.since is not None and updated < query.since
            if too_early or (query.before is not None and updated >= query.before):
                raise BrokenSourceError("valomnia: list: the server does not keep to the filters by lastUpdated")
        return listing

    def _fresh(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Leave out what was given already, and note the rest."""
        fresh = []
        for entry in entries:
            seen = self._undated if entry.updated is None else self._seen
            if seen.get(entry.key) != entry.digest:
                seen[entry.key] = entry.digest
                fresh.append(entry)
        return fresh

    def _wait_out(self, second: datetime) -> None:
        """Wait until a second is over by the server's clock, if it is the present one."""
        if self._latest is not None and timedelta() < (left := second - self._latest + _SECOND) <= 3 * _SECOND:
            self._wait(left.total_seconds())


class _Place:
    """Where a walk by offset is: everything before `offset` was met, as long as customers only leave."""

    def __init__(self) -> None:
        self.offset = 0
        self._leapt = False  # over places that the server counts and does not show
        self._passed: set[str] = set()  # since the reading began
        self._most = 0  # that the server counted since then
        self._readings = 1
        self._shown: tuple[Entry, ...] = ()
        self._total: int | None = None
        self._careful = False
        self._back = 0
        self._barren = 0

    def joins(self, listing: Listing) -> bool:
        """Say whether there is certainly no gap before a page; raises where it is the former page once more."""
        entries = listing.entries
        if self.offset and len(entries) > 1 and entries == self._shown:
            raise BrokenSourceError("valomnia: list: the same page twice: the server does not keep to the offset")
        return self.offset == 0 or (bool(entries) and entries[0].key in self._passed)

    def advance(self, offset: int, listing: Listing, *, leaps: bool) -> None:
        """Go on behind a page, or at its end, showing a customer of it again; raises where there would be none."""
        count = len(listing.entries)
        if listing.more and count == 1 < listing.total:
            raise BrokenSourceError("valomnia: list: pages of one customer do not show whether others moved")
        if self.offset == 0:
            self._passed.clear()
            self._most = 0
        self._most = max(self._most, listing.total)
        overlap = count // 2 if self._careful else 1
        self.offset = offset + count - overlap
        self._passed.update(entry.key for entry in listing.entries)
        self._shown, self._total, self._back = listing.entries, listing.total, 0
        self._leapt |= leaps

    def step_back(self, listing: Listing) -> None:
        """Go back, further each time; raises where customers moved although none left, again and again."""
        self._count(listing)
        self._back = 2 * self._back or max(1, listing.size // 2)
        self.offset = max(0, self.offset - self._back)
        self._careful = True
        self._shown, self._total = (), listing.total

    def begin_again(self, listing: Listing) -> None:
        """Read the group once more from its beginning; raises as `step_back`, and where customers leave every time."""
        self._total = self._most
        self._count(listing)
        if self._readings == _READINGS:
            raise BrokenSourceError("valomnia: list: customers leave their second each time that it is read")
        self._readings += 1
        self.offset = 0
        self._shown = ()

    def holds_all(self) -> bool:
        """Say whether as many customers were met as the server counted when the reading began.

        Nobody joins a second that is over. So those met are among those counted, and where they are as many, they
        are the same, whoever of them is gone by now and in whatever order they came.
        """
        return self._leapt or len(self._passed) >= self._most

    def _count(self, listing: Listing) -> None:
        if self._total is None or listing.total >= self._total:
            self._barren += 1
        if self._barren > _PATIENCE:
            raise BrokenSourceError("valomnia: list: customers of the same second come in another order each time")
