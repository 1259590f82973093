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


def find_cycles(parents: Mapping[str, Collection[str]]) -> set[str]:
    """Find the customers that are, through others, their own parents; or that lie between two such circles."""
    upwards = {child: [name for name in named if name in parents] for child, named in parents.items()}
    downwards: dict[str, list[str]] = {child: [] for child in parents}
    for child, named in upwards.items():
        for name in named:
            downwards[name].append(child)
    left = set(parents)
    _peel(left, upwards, downwards)  # who has no parent left, from the eldest down
    _peel(left, downwards, upwards)  # who is nobody's parent, from the youngest up
    return left


def _peel(left: set[str], held_by: Mapping[str, Sequence[str]], holds: Mapping[str, Sequence[str]]) -> None:
    """Take out, one after the other, those whom nobody that is left holds."""
    holders = {name: sum(other in left for other in held_by[name]) for name in left}
    free = [name for name, count in holders.items() if not count]
    while free:
        name = free.pop()
        left.discard(name)
        for other in holds[name]:
            if other in left:
                holders[other] -= 1
                if not holders[other]:
                    free.append(other)


def find_ready(missing: Mapping[str, Collection[str]]) -> set[str]:
    """Find those who wait for nobody, or only for others who wait for nobody, by whom each of them waits for."""
    waiting = {child: len(names) for child, names in missing.items()}
    children: dict[str, list[str]] = {}
    for child, names in missing.items():
        for name in names:
            children.setdefault(name, []).append(child)
    ready: set[str] = set()
    free = [child for child, count in waiting.items() if not count]
    while free:
        name = free.pop()
        ready.add(name)
        for child in children.get(name, ()):
            waiting[child] -= 1
            if not waiting[child]:
                free.append(child)
    return ready
