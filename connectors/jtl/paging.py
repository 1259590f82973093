"""Walks the list of customers by pages that overlap, so that none is missed whatever changes meanwhile; asks nobody.

The server takes any page number and page size, but knows no place in the list other than their product. The argument:

- Each part begins at or before the last customer met, and the first customer of it must be one already met. If one of
  its customers is as it was when it was met, it kept its place among all others that did. So nobody who was there all
  along stands between what was met before and this part. Else customers moved, and the walk steps back.
- A customer that changes may move from where the walk has not been to where it was. So the reading counts as whole only
  when as many customers were met as the server counts at its end; else the list is read once more.
- That holds where the order of the list depends on nothing but what it shows of the customers, which nobody promises.
  An order that is not kept makes the walk step back without end, and it gives up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from connectors.jtl.listing import LARGEST_PAGE, Entry, Part, Window
from connectors.protocol import BrokenSourceError

_PATIENCE = 40  # steps back that nothing explains, without a customer that was not met before
_ALIKE = 4  # parts in a row that begin with the same customers, which additions at the front may explain
_READINGS = 3


@dataclass(frozen=True, slots=True)
class Met:
    """A customer to be given, and how many customers there are up to it in the list."""

    entry: Entry
    place: int


def part_after(met: int, largest: int) -> Part | None:
    """Choose the part that shows the most behind the first `met` customers, and the last of those once more.

    Sizes between half the largest and the largest are tried, smaller ones where none of them fits; None where no
    product of a page number and a page size does, since all sizes divide `met`.
    """
    for sizes in (range(largest, largest // 2, -1), range(largest // 2, 0, -1)):
        size = max(sizes, key=lambda size: size - (met - 1) % size, default=1)
        if size - (met - 1) % size > 1:
            return Part((met - 1) // size + 1, size)
    return None


class Walk:
    """One reading of the list; `notices` is what was odd.

    What was met is kept as an id and 16 bytes for each customer, some 140 bytes in all. With `again` a customer that
    changed is given again; one with the very same values never is.
    """

    def __init__(self, ask: Callable[[Part], Window], *, again: bool = False) -> None:
        self.notices: list[str] = []
        self._ask = ask
        self._again = again
        self._met: dict[str, bytes] = {}
        self._base = 0  # so many customers were met by an earlier reading
        self._skipped = 0
        self._position = 0  # of the list's customers, so many were met without a gap
        self._largest = LARGEST_PAGE
        self._readings = 1
        self._shown: Window | None = None
        self._alike = 0
        self._total: int | None = None
        self._grown = 0
        self._margin = 0
        self._back = 0
        self._barren = 0

    def read(self, after: int = 0) -> Iterator[Sequence[Met]]:
        """Give all customers behind the first `after`, which is exact where the list has not moved since.

        Raises BrokenSourceError where the answers cannot be those of such a list.
        """
        self._base = self._skipped = self._position = after
        while True:
            part = self._next()
            window = self._ask(part)
            if window.size < part.size:  # the most that the server gives at once
                self._largest = window.size
            shrunk = self._note_total(window.total)
            if not self._joins(window):
                self._step_back(window, explained=shrunk)
                continue
            yield self._take(window)
            if window.is_last:
                if self._is_whole(window.total):
                    return
                self._begin_again()

    def _next(self) -> Part:
        """Choose the next part; once customers have moved, one that overlaps by more than the one last met."""
        if self._position == 0:
            return Part(1, self._largest)
        for met in (self._position - self._margin, self._position):
            part = part_after(met, self._largest) if met > 0 else None
            if part is not None and part.start + part.size > self._position:
                return part
        raise BrokenSourceError(f"jtl: list: pages of {self._largest} do not show whether customers moved")

    def _note_total(self, total: int) -> bool:
        """Note how many customers the server counts; tells whether they have become fewer."""
        former, self._total = self._total, total
        if former is None:
            return False
        self._grown += max(0, total - former)
        return total < former

    def _joins(self, window: Window) -> bool:
        """Say whether there is certainly no gap before a part; raises where it is the former one once more."""
        if window.start <= self._base:
            self._note_sameness(window)
            return True
        if self._note_sameness(window):
            return False
        entries = window.entries
        return (
            bool(entries)
            and entries[0].key in self._met
            and any(self._met.get(entry.key) == entry.digest for entry in entries)
        )

    def _note_sameness(self, window: Window) -> bool:
        """Say whether a part begins with the customers of the former one, at another place; raises where all do."""
        former, self._shown = self._shown, window
        if former is None or not _begin_alike(former, window):
            self._alike = 0
            return False
        if window.start == former.start:
            return False
        self._alike += 1
        if self._alike > _ALIKE:
            raise BrokenSourceError("jtl: list: the same page twice: the server does not keep to pageNumber")
        return True

    def _take(self, window: Window) -> Sequence[Met]:
        """Note who is met, and give those that were not, or not so."""
        given: list[Met] = []
        self._base = min(self._base, window.start)
        self._position, self._back = window.end, 0
        for place, entry in enumerate(window.entries, window.start + 1):
            known = self._met.get(entry.key)
            self._met[entry.key] = entry.digest
            if known is None:
                self._barren = 0
                if place > self._skipped or self._readings > 1:
                    given.append(Met(entry, place))
            elif self._again and known != entry.digest:
                given.append(Met(entry, place))
        return given

    def _step_back(self, window: Window, *, explained: bool) -> None:
        """Go back, further each time; raises where customers moved although none left, again and again."""
        self._barren += not explained
        if self._barren > _PATIENCE:
            raise BrokenSourceError("jtl: list: customers come in another order each time")
        self._margin = self._largest // 4  # the one customer of the overlap may be one who changes all the time
        self._back = 2 * self._back or max(1, self._largest // 2)
        self._position = max(self._base, min(self._position, window.total) - self._back)

    def _is_whole(self, total: int) -> bool:
        """Say whether as many customers were met as the server counts; raises where they never are.

        Customers that joined the list while it was read, where the walk had been, are the next reading's.
        """
        missing = total - self._base - len(self._met)
        if missing <= 0:
            return True
        if self._readings < _READINGS:
            return False
        if missing > self._grown:
            raise BrokenSourceError(
                f"jtl: list: incomplete_extract: {missing} of {total} customers are not shown in {_READINGS} readings"
            )
        self.notices.append(f"{missing} customers were added while the list was read; the next run reads them")
        return True

    def _begin_again(self) -> None:
        """Read the list once more from its beginning."""
        self._readings += 1
        self._position = self._base
        self._shown = None


def _begin_alike(former: Window, window: Window) -> bool:
    digests = [(one.digest, other.digest) for one, other in zip(former.entries, window.entries, strict=False)]
    return len(digests) > 1 and all(one == other for one, other in digests)
