"""A source and a target in memory: the pipeline over protocols alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Self

import pandas as pd

from connectors.protocol import Answer, ConnectorError, Entity, Held, Page, Refusal, Row

Record = tuple[str, str, dict[str, str | None]]  # key, version, values


def frame(records: Sequence[Mapping[str, str | None]], columns: Sequence[str]) -> pd.DataFrame:
    """Make a page's records as sources do: text columns under a fresh index."""
    return pd.DataFrame({name: pd.array([each.get(name) for each in records], dtype="str") for name in columns})


@dataclass
class FakeSource:
    """Records with keys and versions, read in the order of (version, key) where it is incremental."""

    records: list[Record]
    columns: tuple[str, ...] = ("no", "name", "city")
    incremental: bool = False
    ordered: bool = True  # by last update, where it is incremental
    address: str = "fake:source"
    overlap: timedelta = timedelta()
    unreadable: dict[str, Refusal] = field(default_factory=dict)
    reads: list[str | None] = field(default_factory=list)
    keys_read: list[str] = field(default_factory=list)

    def open(self) -> tuple[str, ...]:
        """Tell the columns."""
        return self.columns

    def pages(self, after: str | None, size: int) -> Iterator[Page]:
        """Read from a version on, where the records of that very version come again, or after so many records."""
        self.reads.append(after)
        if self.incremental:
            ordered = sorted(self.records, key=_place) if self.ordered else self.records
            yield from self._pages([each for each in ordered if after is None or each[1] >= after], size)
        else:
            yield from self._pages(self.records, size, int(after or 0))

    def read_keys(self, keys: Sequence[str], size: int) -> Iterator[Page]:
        """Read single records."""
        self.keys_read.extend(keys)
        for page in self._pages([each for each in self.records if each[0] in set(keys)], size):
            yield replace(page, cursor=None)

    def close(self) -> None:
        """Keep nothing open."""

    def _pages(self, records: Sequence[Record], size: int, done: int = 0) -> Iterator[Page]:
        for start in range(done, len(records), size):
            chunk = records[start : start + size]
            yield Page(
                records=frame([values for _, _, values in chunk], self.columns),
                keys=[key for key, _, _ in chunk],
                counted=len(chunk),
                cursor=chunk[-1][1] if self.incremental else str(start + len(chunk)),
                lines=list(range(start + 2, start + 2 + len(chunk))),
                versions=[version for _, version, _ in chunk] if self.incremental else None,
                unreadable={n: self.unreadable[key] for n, (key, _, _) in enumerate(chunk) if key in self.unreadable},
            )


@dataclass
class TypedSource(FakeSource):
    """Gives one column as the typed values that it is told, as databases and APIs do; Ellipsis is an absent one."""

    values: Sequence[object] = field(default_factory=list)
    column: str = "value"

    def _pages(self, records: Sequence[Record], size: int, done: int = 0) -> Iterator[Page]:
        places = {key: place for place, (key, _, _) in enumerate(self.records)}
        for page in super()._pages(records, size, done):
            typed = pd.Series([self.values[places[key]] for key in page.keys], dtype=object)
            yield replace(page, records=page.records.assign(**{self.column: typed}))


def _place(record: Record) -> tuple[str, str]:
    return record[1], record[0]


@dataclass
class FakeTarget:
    """Customers by reference, a journal of what was sent, and answers or failures to order."""

    address: str = "fake:target"
    customers: dict[str, dict[str, object]] = field(default_factory=dict)
    journal: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    refusals: dict[str, Refusal] = field(default_factory=dict)
    failures: dict[str, list[ConnectorError]] = field(default_factory=dict)
    lost_answers: dict[str, list[ConnectorError]] = field(default_factory=dict)
    look_up_failures: dict[str, list[ConnectorError]] = field(default_factory=dict)
    lists: dict[str, list[Entity]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    latency_seconds: float = 0.0

    async def __aenter__(self) -> Self:
        """Connect to nothing."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of nothing."""

    async def send(self, row: Row) -> Answer:
        """Upsert, refuse, or fail as ordered; a lost answer is applied first."""
        self.journal.append(row.reference)
        self.rows.append(row)
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        if planned := self.failures.get(row.reference):
            raise planned.pop(0)
        if refusal := self.refusals.get(row.reference):
            return Answer(400, refusals=(refusal,))
        created = row.reference not in self.customers
        kept = self.customers.setdefault(row.reference, {})
        kept |= row.values
        if planned := self.lost_answers.get(row.reference):
            raise planned.pop(0)
        return Answer(201 if created else 200, f"id-{row.reference}", created)

    async def look_up(self, row: Row) -> Held | None:
        """Find a customer."""
        if planned := self.look_up_failures.get(row.reference):
            raise planned.pop(0)
        held = self.customers.get(row.reference)
        if held is None:
            return None
        differing = sorted(name for name, value in row.values.items() if held.get(name, ...) != value)
        return Held(f"id-{row.reference}", tuple(differing))

    async def entities(self, kind: str) -> list[Entity] | None:
        """List what there is, and note that it was asked for."""
        self.asked.append(kind)
        return self.lists.get(kind)
