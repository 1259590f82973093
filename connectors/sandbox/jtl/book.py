"""Keeps JTL-Wawi's customers in memory, by id and by number; enforces no rule about what is in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Customer:
    """One version of a customer: the object that answers show, which nobody may change."""

    content: Mapping[str, Any]

    @property
    def id(self) -> int:
        """The customer's own id."""
        return int(self.content["Id"])

    @property
    def number(self) -> str:
        """The customer's number, its reference."""
        return str(self.content["Number"])


class CustomerBook:
    """Customers in the order of their ids; `revision` grows with every change.

    With a lag, reads see a customer as it was before its writes of the last `lag_seconds`; writes and uniqueness see
    the truth, and a deletion is seen at once.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._by_id: dict[int, Customer] = {}
        self._numbers: dict[str, set[int]] = {}
        self._hidden: dict[int, tuple[float, Customer | None]] = {}
        self._last_id = 0
        self.revision = 0

    def next_id(self) -> int:
        """Hand out a customer id that was never used."""
        self._last_id += 1
        return self._last_id

    def by_id(self, customer_id: int) -> Customer | None:
        """Find the present version by id."""
        return self._by_id.get(customer_id)

    def takes(self, number: str, customer_id: int | None) -> bool:
        """Say whether a customer other than `customer_id` bears the number, case and all."""
        return bool(self._numbers.get(number, set()) - {customer_id})

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
        versions = [self.seen(customer, lag_seconds) for customer in self._by_id.values()]
        return [version for version in versions if version is not None]

    def numbered(self, number: str, lag_seconds: float) -> Sequence[Customer]:
        """List what reads see under a number, in the order of ids, without going through all customers."""
        ids = set(self._numbers.get(number, ()))
        if lag_seconds:
            ids |= self._hidden.keys()
        versions = [self.seen(self._by_id[customer_id], lag_seconds) for customer_id in sorted(ids)]
        return [version for version in versions if version is not None and version.number == number]

    def put(self, customer: Customer, lag_seconds: float) -> None:
        """Save a new customer, or a new version of one."""
        before = self._by_id.get(customer.id)
        if lag_seconds:
            # A write within the lag of another stays hidden with it, until the last of them has grown old enough.
            shown = before if before is None else self.seen(before, lag_seconds)
            self._hidden[customer.id] = (self._monotonic(), shown)
        if before is not None:
            self._forget_number(before)
        self._by_id[customer.id] = customer
        self._numbers.setdefault(customer.number, set()).add(customer.id)
        self.revision += 1

    def remove(self, customer: Customer) -> None:
        """Delete a customer; its id is not used again."""
        del self._by_id[customer.id]
        self._hidden.pop(customer.id, None)
        self._forget_number(customer)
        self.revision += 1

    def clear(self) -> None:
        """Forget all customers; ids and revisions go on."""
        self._by_id.clear()
        self._numbers.clear()
        self._hidden.clear()
        self.revision += 1

    def _forget_number(self, customer: Customer) -> None:
        bearers = self._numbers[customer.number]
        bearers.discard(customer.id)
        if not bearers:
            del self._numbers[customer.number]
