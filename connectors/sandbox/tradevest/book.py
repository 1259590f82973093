"""Keeps tradevest's customers in memory, with every version and the time from which it holds; enforces no rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

INVALID = "INVALID"


@dataclass(frozen=True, slots=True)
class Version:
    """What can change about a customer; it holds from `at` on, in monotonic seconds, which may be still to come.

    Of a `lagging` one, reads may know later.
    """

    status: str
    labels: tuple[str, ...]
    modified: str | None
    at: float
    lagging: bool = False


@dataclass(slots=True)
class Customer:
    """What stays the same about a customer, and its `history`, the oldest version first, never empty.

    `number` counts the creations; from `gone_at` on, in monotonic seconds, the customer does not exist.
    """

    number: int
    id: str
    entity_id: str
    entity_type: str
    ref_accounts: Sequence[Mapping[str, str | None]]
    created: str | None
    history: list[Version]
    gone_at: float | None = None

    @property
    def latest(self) -> Version:
        """The version that was accepted last, whether it holds already or not."""
        return self.history[-1]


class CustomerBook:
    """Customers in the order of their creation, by id and by entity.

    With a lag, reads see a customer as it was before its writes of the last `lag_seconds`; writes and uniqueness see
    the truth.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._customers: list[Customer] = []
        self._by_id: dict[str, Customer] = {}
        self._by_entity: dict[str, list[Customer]] = {}

    def next_number(self) -> int:
        """Tell the number of the next creation."""
        return len(self._customers)

    def append(self, customer: Customer) -> None:
        """Take in a customer of the next number."""
        self._customers.append(customer)
        self._by_id[customer.id] = customer
        self._by_entity.setdefault(customer.entity_id, []).append(customer)

    def find(self, customer_id: str) -> Customer | None:
        """Find a customer by its id, lag or not; None where it is gone."""
        customer = self._by_id.get(customer_id)
        return None if customer is None or self.seen(customer) is None else customer

    def entity_of(self, customer_id: str) -> str | None:
        """Tell whose id this is or was."""
        customer = self._by_id.get(customer_id)
        return None if customer is None else customer.entity_id

    def holds(self, entity_id: str) -> bool:
        """Say whether the entity is a customer, lag or not; one that turned out invalid is none."""
        versions = (self.seen(customer) for customer in self._by_entity.get(entity_id, ()))
        return any(version is not None and version.status != INVALID for version in versions)

    def seen(self, customer: Customer, lag_seconds: float = 0.0) -> Version | None:
        """Give the version that a read sees; None where the customer seems not to exist, yet or any more."""
        now = self._monotonic()
        if customer.gone_at is not None and now >= customer.gone_at:
            return None
        for version in reversed(customer.history):
            if now >= version.at + (lag_seconds if version.lagging else 0.0):
                return version
        return None

    def after(self, number: int, entity_id: str | None = None) -> Iterator[Customer]:
        """Walk through the customers behind a number, all or those of one entity."""
        if entity_id is not None:
            yield from (customer for customer in self._by_entity.get(entity_id, ()) if customer.number > number)
            return
        for index in range(number + 1, len(self._customers)):
            yield self._customers[index]

    def clear(self) -> None:
        """Forget all customers."""
        self._customers.clear()
        self._by_id.clear()
        self._by_entity.clear()
