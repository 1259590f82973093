"""Tradevest's rules for customers and the life that they lead after the answer. Knows no HTTP.

A create is answered at once and validated later: RECEIVED, then CREATED or INVALID, and an INVALID one is removed. An
update is accepted at once and seen after as long (inferred from its empty answer); of a customer that turned out
INVALID it never comes about (inferred). Inferred too: an INVALID customer does not keep its entity from becoming one
again, each version moves `modifiedOn`, and a PATCH without labels changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from connectors.sandbox.clock import Clock
from connectors.sandbox.tradevest.answer import stamp
from connectors.sandbox.tradevest.body import CustomerData
from connectors.sandbox.tradevest.book import INVALID, Customer, CustomerBook, Version
from connectors.sandbox.tradevest.refusal import Problem, already_exists, invalid
from connectors.sandbox.tradevest.setting import TradevestSettings
from connectors.sandbox.tradevest.value import check_labels

RECEIVED = "RECEIVED"
CREATED = "CREATED"


class CustomerDesk:
    """Makes customers and their next versions, dated by the sandbox's clock."""

    def __init__(self, settings: TradevestSettings, book: CustomerBook, clock: Clock) -> None:
        self._settings = settings
        self._book = book
        self._clock = clock

    def create(self, data: CustomerData, *, lagging: bool) -> Customer:
        """Make a customer that is validated in time; raises ApiError."""
        self._check(data)
        settings, seconds = self._settings, self._settings.validation_seconds
        fails = data.entity_id in settings.invalid_entities
        settled = INVALID if fails else settings.status.get(data.entity_id, CREATED)
        customer = self._new(data, RECEIVED if seconds else settled, lagging=lagging)
        if seconds:
            self._append(customer, settled, data.labels, lagging=lagging)
        if fails:
            customer.gone_at = customer.latest.at + settings.invalid_kept_seconds
        self._book.append(customer)
        return customer

    def add(self, data: CustomerData, given: Mapping[str, Any]) -> None:
        """Make a customer that is what it is at once, with the dates and the status that are given; raises ApiError."""
        self._check(data)
        status = given.get("customerStatus", self._settings.status.get(data.entity_id, CREATED))
        customer = self._new(data, str(status), lagging=False)
        customer.created = given.get("createdOn", customer.created)
        customer.history = [replace(customer.latest, modified=given.get("modifiedOn", customer.latest.modified))]
        self._book.append(customer)

    def label(self, customer: Customer, labels: tuple[str, ...], *, lagging: bool) -> bool:
        """Replace a customer's labels in time, or add to them; say whether that will come about. Raises ApiError."""
        if self._settings.labels_merge:
            labels = tuple(dict.fromkeys((*customer.latest.labels, *labels)))
            problems = check_labels("labels", list(labels))
            if problems:
                raise invalid(problems)
        return self.relabel(customer, labels, lagging=lagging)

    def relabel(self, customer: Customer, labels: tuple[str, ...], *, lagging: bool) -> bool:
        """Replace a customer's labels in time; say whether that will come about."""
        if customer.latest.status == INVALID:
            return False
        self._append(customer, customer.latest.status, labels, lagging=lagging)
        return True

    def _check(self, data: CustomerData) -> None:
        known = self._settings.entities
        if known is not None and known.get(data.entity_id) != data.entity_type:
            raise invalid([Problem("entityId", "ENTITY", f"is not the id of a {data.entity_type}", data.entity_type)])
        if self._settings.duplicate_entity == "409" and self._book.holds(data.entity_id):
            raise already_exists()

    def _new(self, data: CustomerData, status: str, *, lagging: bool) -> Customer:
        number = self._book.next_number()
        created = stamp(self._clock.now(), number)
        return Customer(
            number=number,
            id=str(uuid.uuid4()),
            entity_id=data.entity_id,
            entity_type=data.entity_type,
            ref_accounts=data.ref_accounts,
            created=created,
            history=[Version(status, data.labels, created, self._clock.monotonic(), lagging)],
        )

    def _append(self, customer: Customer, status: str, labels: tuple[str, ...], *, lagging: bool) -> None:
        seconds = self._settings.validation_seconds
        modified = stamp(self._clock.now() + timedelta(seconds=seconds), customer.number)
        customer.history.append(Version(status, labels, modified, self._clock.monotonic() + seconds, lagging))
