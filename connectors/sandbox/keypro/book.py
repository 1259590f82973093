"""Keeps Keypro's customers in memory, by id and by the values they are looked up by; enforces no rule about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Customer:
    """One version of a customer; `values` are the writable fields under our names."""

    id: int
    values: Mapping[str, object]
    modified: datetime | None


class CustomerBook:
    """Customers in the order of their ids, found at once by the fields of `indexed`; `revision` grows with each change.

    With a lag, reads see a customer as it was before its writes of the last `lag_seconds`; writes and uniqueness see
    the truth, and a deletion is seen at once.
    """

    def __init__(self, monotonic: Callable[[], float], indexed: Iterable[str]) -> None:
        self._monotonic = monotonic
        self._by_id: dict[int, Customer] = {}
        self._index: dict[str, defaultdict[object, set[int]]] = {name: defaultdict(set) for name in indexed}
        self._hidden: dict[int, tuple[float, Customer | None]] = {}
        self._last_id = 0
        self.revision = 0

    def next_id(self) -> int:
        """Hand out an id that was never used."""
        self._last_id += 1
        return self._last_id

    def by_id(self, customer_id: int) -> Customer | None:
        """Find the present version by id."""
        return self._by_id.get(customer_id)

    def is_indexed(self, name: str) -> bool:
        """Say whether customers are found by this field."""
        return name in self._index

    def by_value(self, name: str, value: object) -> Sequence[Customer]:
        """Find the present versions that have this value in an indexed field, in the order of their ids."""
        return [self._by_id[customer_id] for customer_id in sorted(self._index[name].get(value, ()))]

    def seen(self, customer: Customer, lag_seconds: float) -> Customer | None:
        """Give the version that a read sees; None where the customer seems not to exist yet."""
        if not lag_seconds or customer.id not in self._hidden:
            return customer
        since, before = self._hidden[customer.id]
        if self._monotonic() - since < lag_seconds:
            return before
        del self._hidden[customer.id]
        return customer

    def all(self, lag_seconds: float = 0.0) -> Sequence[Customer]:
        """List what reads see, in the order of ids."""
        if not lag_seconds:
            return list(self._by_id.values())
        versions = (self.seen(customer, lag_seconds) for customer in self._by_id.values())
        return [version for version in versions if version is not None]

    def put(self, customer: Customer, lag_seconds: float) -> None:
        """Save a new customer, or a new version of one."""
        before = self._by_id.get(customer.id)
        if lag_seconds:
            # A write within the lag of another stays hidden with it, until the last of them has grown old enough.
            shown = before if before is None else self.seen(before, lag_seconds)
            self._hidden[customer.id] = (self._monotonic(), shown)
        if before is not None:
            self._forget_values(before)
        self._by_id[customer.id] = customer
        for name, index in self._index.items():
            index[customer.values[name]].add(customer.id)
        self.revision += 1

    def remove(self, customer: Customer) -> None:
        """Delete a customer; its id is not used again."""
        self._forget_values(customer)
        del self._by_id[customer.id]
        self._hidden.pop(customer.id, None)
        self.revision += 1

    def _forget_values(self, customer: Customer) -> None:
        for name, index in self._index.items():
            value = customer.values[name]
            index[value].discard(customer.id)
            if not index[value]:
                del index[value]

    def clear(self) -> None:
        """Forget all customers; ids and revisions go on."""
        self._by_id.clear()
        self._hidden.clear()
        for index in self._index.values():
            index.clear()
        self.revision += 1
