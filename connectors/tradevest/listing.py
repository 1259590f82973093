"""Reads one answer to a list request, and refuses whatever is no list of customers; asks for nothing itself.

Inferred, since no vendor page says: the end of the list is a cursor that is empty, null or not there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from connectors.api.action import Action
from connectors.api.body import parse_exactly
from connectors.api.inquiry import UnfitError
from connectors.api.transport import Reply
from connectors.protocol import PermanentError
from connectors.tradevest.answer import Operation, action_for, failure
from connectors.tradevest.client import read_uuid


class CursorRefusedError(PermanentError):
    """The server does not take a cursor that it gave (any more): the list can only be begun again."""


@dataclass(frozen=True, slots=True)
class Query:
    """At most `limit` customers of the list behind a cursor (None: from the beginning), of one entity or all."""

    limit: int
    cursor: str | None = None
    entity_id: str | None = None

    def target(self, path: str) -> str:
        """Write path and query; `limit` is documented as required."""
        given = {"limit": self.limit, "cursor": self.cursor, "entityId": self.entity_id}
        return f"{path}?{urlencode({name: value for name, value in given.items() if value is not None})}"


@dataclass(frozen=True)
class Entry:
    """A customer as shown; `customer_id` and `entity_id` are None where they are no UUIDs."""

    record: Mapping[str, object]
    customer_id: str | None
    entity_id: str | None

    @classmethod
    def of(cls, record: Mapping[str, object]) -> Entry:
        """Read the ids."""
        return cls(record, read_uuid(record.get("customerId")), read_uuid(record.get("entityId")))

    @cached_property
    def digest(self) -> bytes:
        """Sum up all values: equal where they are."""
        content = json.dumps(self.record, sort_keys=True, default=str).encode()
        return hashlib.blake2b(content, digest_size=16).digest()

    @property
    def key(self) -> str:
        """Name the customer: by its id, where it has one, else by what it holds."""
        return self.customer_id or f"no id {self.digest.hex()}"


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list request showed: customers, and the cursor behind them (None: there are no more)."""

    entries: tuple[Entry, ...]
    cursor: str | None


def read_listing(reply: Reply, query: Query, operation: Operation = "list") -> Listing:
    """Read the answer to a list request.

    Raises UnfitError where asking again may help (not the documented form, more customers than were asked for),
    CursorRefusedError where a cursor is refused, and what `failure` gives.
    """
    match action_for(reply, operation):
        case Action.ACCEPTED:
            pass
        case Action.REFUSAL if query.cursor is not None:
            raise CursorRefusedError(f"tradevest: {operation}: status {reply.status}: the cursor is refused")
        case action:
            raise failure(action, reply, operation)
    match parse_exactly(reply.body):
        case {"data": list(data), "pagination": {**pagination}} if all(isinstance(each, dict) for each in data):
            listing = Listing(tuple(map(Entry.of, data)), _cursor(pagination.get("cursor"), operation))
        case _:
            raise UnfitError(f"tradevest: {operation}: the answer is no list of customers")
    if len(listing.entries) > query.limit:
        raise UnfitError(f"tradevest: {operation}: the answer holds more customers than were asked for")
    return listing


def _cursor(value: object, operation: Operation) -> str | None:
    """Read a cursor; what could not be stored, or sent back, is none."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not value.isprintable():
        raise UnfitError(f"tradevest: {operation}: the cursor is no text")
    return value
