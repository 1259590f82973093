"""Puts parents before their children: who of a page can be sent now, who waits for whom, who waits for a later page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet

from connectors.protocol import Row


def parents_of(row: Row, fields: Sequence[str]) -> frozenset[str]:
    """List the references of other customers that a row names."""
    named = (row.values.get(name) for name in fields)
    return frozenset(value for value in named if isinstance(value, str) and value and value != row.reference)


class Lineup:
    """The rows of a page by what they wait for; `present` says which references the target is known to hold."""

    def __init__(
        self,
        rows: Sequence[Row],
        fields: Sequence[str],
        present: Callable[[Collection[str]], AbstractSet[str]],
    ) -> None:
        self.ready: list[int] = []
        self._waiting: dict[int, frozenset[str]] = {}
        self._references = [row.reference for row in rows]
        self._upcoming = set(self._references)
        named = {place: parents_of(row, fields) for place, row in enumerate(rows)} if fields else {}
        held = present(frozenset().union(*named.values())) if any(named.values()) else frozenset()
        for place in range(len(rows)):
            if missing := named.get(place, frozenset()) - held:
                self._waiting[place] = missing
            else:
                self.ready.append(place)

    def hopeless(self) -> list[int]:
        """Take out those who wait, through however many others, for somebody who is not in this page."""
        found: list[int] = []
        while gone := [place for place, missing in self._waiting.items() if not missing <= self._upcoming]:
            for place in gone:
                del self._waiting[place]
                self._upcoming.discard(self._references[place])
            found += gone
        return sorted(found)

    def accept(self, references: Collection[str]) -> list[int]:
        """Note who has arrived; gives those who need wait no longer."""
        arrived = frozenset(references)
        freed = []
        for place, missing in list(self._waiting.items()):
            if left := missing - arrived:
                self._waiting[place] = left
            else:
                del self._waiting[place]
                freed.append(place)
        return freed

    def left(self) -> list[int]:
        """Give those whose parents have not arrived."""
        return sorted(self._waiting)


def find_cycles(parents: Mapping[str, AbstractSet[str]]) -> set[str]:
    """Find the customers that are, through others, their own parents; or that lie between two such circles."""
    left = {child: set(named) & parents.keys() for child, named in parents.items()}
    while True:
        roots = {child for child, named in left.items() if not named}
        named_by_any = set().union(*left.values()) if left else set()
        leaves = left.keys() - named_by_any
        if not (gone := roots | leaves):
            return set(left)
        left = {child: named - gone for child, named in left.items() if child not in gone}
