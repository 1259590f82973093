"""Keeps Valomnia's customers in memory, by id and by reference; enforces no rule about what is in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from connectors.sandbox.valomnia.seed import Entity


@dataclass(frozen=True, slots=True)
class Customer:
    """One version of a customer; `values` are the plain fields under their names in answers."""

    id: int
    reference: str
    values: dict[str, object]
    category: Entity
    segmentation: Entity | None
    user: Entity
    region: Entity | None
    payment_types: tuple[Entity, ...]
    parent_id: int | None
    created: str | None
    updated: str | None


class CustomerBook:
    """Customers in the order of their creation; `revision` grows with every change.

    With a lag, reads see a customer as it was before its writes of the last `lag_seconds`; writes and uniqueness see
    the truth, and a deletion is seen at once.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._by_id: dict[int, Customer] = {}
        self._ids: dict[str, int] = {}
        self._children: Counter[int] = Counter()
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

    def by_reference(self, reference: str) -> Customer | None:
        """Find the present version by reference, case and all."""
        customer_id = self._ids.get(reference)
        return None if customer_id is None else self._by_id[customer_id]

    def has_children(self, customer: Customer) -> bool:
        """Say whether others have this customer as their parent."""
        return self._children[customer.id] > 0

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
        """List what reads see, in the order of creation."""
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
            del self._ids[before.reference]
        self._by_id[customer.id] = customer
        self._ids[customer.reference] = customer.id
        self._count_child(before, -1)
        self._count_child(customer, 1)
        self.revision += 1

    def remove(self, customer: Customer) -> None:
        """Delete a customer; its id is not used again."""
        del self._by_id[customer.id]
        del self._ids[customer.reference]
        self._hidden.pop(customer.id, None)
        self._count_child(customer, -1)
        self.revision += 1

    def _count_child(self, customer: Customer | None, step: int) -> None:
        if customer is not None and customer.parent_id is not None:
            self._children[customer.parent_id] += step

    def clear(self) -> None:
        """Forget all customers; ids and revisions go on."""
        self._by_id.clear()
        self._ids.clear()
        self._children.clear()
        self._hidden.clear()
        self.revision += 1


_COLUMNS: Mapping[str, Callable[[Customer], Any]] = {
    "id": attrgetter("id"),
    "reference": attrgetter("reference"),
    "dateCreated": attrgetter("created"),
    "lastUpdated": attrgetter("updated"),
    "categoryReference": attrgetter("category.reference"),
    "customerSegmentationReference": lambda customer: customer.segmentation and customer.segmentation.reference,
}


def read_value(customer: Customer, name: str) -> Any:
    """Give a value of a customer by its name in answers."""
    column = _COLUMNS.get(name)
    return customer.values.get(name) if column is None else column(customer)
