"""Counts the customers that went to the target with a text cut short, by field; keeps none of the texts."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from flows.phrase import counted
from flows.preparation import Candidate
from flows.seen import Seen


@dataclass(slots=True)
class Shortened:
    """How many customers the target took with a field that the job had cut; each counts once a field and run."""

    _counts: dict[str, int] = field(default_factory=dict)
    _seen: dict[str, Seen] = field(default_factory=dict)  # a newer version of a customer is not a further one

    def add(self, taken: Collection[Candidate]) -> None:
        """Count customers that the target took."""
        for name in {name for each in taken for name in each.cut}:
            references = [each.reference for each in taken if name in each.cut]
            met, _ = self._seen.setdefault(name, Seen()).claim(references, references)
            self._counts[name] = self._counts.get(name, 0) + int((~met).sum())

    def told(self) -> Iterator[str]:
        """Say of each field how many customers were cut, fields in their order."""
        for name, count in sorted(self._counts.items()):
            yield f"{name} was cut short for {counted(count, 'customer')}, as the job asks"
