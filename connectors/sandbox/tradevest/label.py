"""Tradevest's labels as a resource of their own: counted, renamed, deleted, and put on many customers at once.

Source: https://docs.tradevest.ai/api-reference/roles/customer-labels. Inferred: labels come in alphabetical order, one
that no customer bears does not exist (404), and changes are seen as late as those of a PATCH.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from connectors.sandbox.tradevest.book import INVALID, Customer, CustomerBook
from connectors.sandbox.tradevest.customer import CustomerDesk
from connectors.sandbox.tradevest.refusal import Problem, invalid, not_found
from connectors.sandbox.tradevest.value import LABELS_MOST


class LabelDesk:
    """Reads and changes labels across customers; writes see the truth and say whether they change anything."""

    def __init__(self, book: CustomerBook, desk: CustomerDesk) -> None:
        self._book = book
        self._desk = desk

    def count(self, lag_seconds: float) -> list[dict[str, object]]:
        """Count the customers of each label, as reads see them."""
        seen = (self._book.seen(customer, lag_seconds) for customer in self._book.after(-1))
        counts = Counter(label for version in seen if version is not None for label in set(version.labels))
        return [{"label": label, "customersCount": counts[label]} for label in sorted(counts)]

    def rename(self, label: str, name: str, *, lagging: bool) -> bool:
        """Give a label another name wherever it is borne, once; raises ApiError for a label that is not."""
        return self._replace(label, (name,), lagging=lagging)

    def delete(self, label: str, *, lagging: bool) -> bool:
        """Take a label from all that bear it; raises ApiError for one that nobody bears."""
        return self._replace(label, (), lagging=lagging)

    def put_on(self, label: str, customer_ids: Sequence[str], *, lagging: bool) -> bool:
        """Put a label on all of these customers, or raise ApiError and put it on none."""
        problems: list[Problem] = []
        wanted: dict[str, Customer] = {}
        for index, customer_id in enumerate(customer_ids):
            customer = self._book.find(customer_id)
            if customer is None:
                problems.append(Problem(f"[{index}]", "CUSTOMER", "is not the id of a customer"))
            elif label not in customer.latest.labels:
                wanted[customer_id] = customer
                if len(customer.latest.labels) >= LABELS_MOST:
                    problems.append(Problem(f"[{index}]", "SIZE", f"has {LABELS_MOST} labels", f"0..{LABELS_MOST}"))
        if problems:
            raise invalid(problems)
        changes = [
            self._desk.relabel(customer, (*customer.latest.labels, label), lagging=lagging)
            for customer in wanted.values()
        ]
        return any(changes)

    def _replace(self, label: str, by: tuple[str, ...], *, lagging: bool) -> bool:
        bearers = list(self._bearers(label))
        if not bearers:
            raise not_found("Label")
        for customer in bearers:
            labels = customer.latest.labels
            kept = [word for item in labels for word in (by if item == label else (item,))]
            self._desk.relabel(customer, tuple(dict.fromkeys(kept)), lagging=lagging)
        return True

    def _bearers(self, label: str) -> Iterator[Customer]:
        for customer in self._book.after(-1):
            latest = customer.latest
            if label in latest.labels and latest.status != INVALID:  # only an INVALID one is ever gone
                yield customer
