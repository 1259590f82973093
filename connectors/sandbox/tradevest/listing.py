"""Reads tradevest's list requests, and picks the page that one asks for.

Inferred: customers come in the order of their creation; `labels` is a repeated key; an empty cursor asks for the first
page; a cursor that is not ours, or is of other filters, is a 400; `customerType` has the words of `entityType`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from connectors.sandbox.tradevest.book import Customer, CustomerBook, Version
from connectors.sandbox.tradevest.cursor import CursorMint
from connectors.sandbox.tradevest.refusal import Problem, invalid
from connectors.sandbox.tradevest.setting import TradevestSettings
from connectors.sandbox.tradevest.value import ENTITY_TYPES, absent, check_labels, check_uuid, one_of, unknown

DEFAULT_LIMIT = 20
STATUSES = (
    *("CREATED", "PENDING", "ACTIVE", "REVIEW", "REJECTED", "ESTATE", "SUSPENDED", "SUSPENDED_COMPLIANCE"),
    *("RECEIVED", "INVALID", "INACTIVE"),
)
"""The words that were seen somewhere; the vendor's full enum was not."""
_PARAMETERS = ("cursor", "limit", "entityId", "customerStatus", "customerType", "labels")
_INTEGER = re.compile(r"-?[0-9]{1,9}")

Seen = tuple[Customer, Version]


@dataclass(frozen=True, slots=True)
class Query:
    """One list request: so many customers behind the one of a number, of what the filters leave."""

    limit: int
    after: int
    entity_id: str | None
    status: str | None
    type: str | None
    labels: frozenset[str]

    @property
    def filters(self) -> str:
        """What decides about the whole list, whichever page of it is asked for."""
        return json.dumps([self.entity_id, self.status, self.type, sorted(self.labels)])

    def admits(self, customer: Customer, version: Version) -> bool:
        """Say whether the filters leave this customer in, with all the labels that were asked for."""
        return (
            (self.entity_id is None or customer.entity_id == self.entity_id)
            and (self.status is None or version.status == self.status)
            and (self.type is None or customer.entity_type == self.type)
            and self.labels.issubset(version.labels)
        )


class QueryReader:
    """Reads the query of a list request; raises ApiError with all that is wrong with it."""

    def __init__(self, settings: TradevestSettings, mint: CursorMint) -> None:
        self._settings = settings
        self._mint = mint
        statuses = dict.fromkeys((*STATUSES, *settings.status.values()))
        self._checks = {
            "entityId": check_uuid,
            "customerStatus": one_of(tuple(statuses)),
            "customerType": one_of(ENTITY_TYPES),
        }

    def read(self, query_string: str) -> Query:
        """Read a query; of a name that is there twice the last counts, save for labels."""
        given = parse_qs(query_string, keep_blank_values=True)
        last = {name: values[-1] for name, values in given.items()}
        labels = given.get("labels", [])
        limit = self._read_limit(last.get("limit"))
        problems = limit if isinstance(limit, list) else []
        for name, check in self._checks.items():
            problems += check(name, last[name]) if name in last else []
        problems += check_labels("labels", labels)
        if self._settings.unknown_query == "refuse":
            problems += [unknown(name) for name in given if name not in _PARAMETERS]
        if problems or isinstance(limit, list):
            raise invalid(problems)
        return self._place(last, limit, frozenset(labels))

    def _place(self, given: Mapping[str, str], limit: int, labels: frozenset[str]) -> Query:
        entity_id = given["entityId"].lower() if "entityId" in given else None
        status, kind = given.get("customerStatus"), given.get("customerType")
        first = Query(limit, -1, entity_id, status, kind, labels)
        if not given.get("cursor"):
            return first
        after = self._mint.read(given["cursor"], first.filters)
        if after is None:
            raise invalid([Problem("cursor", "CURSOR", "is not a cursor of this list")])
        return Query(limit, after, entity_id, status, kind, labels)

    def _read_limit(self, text: str | None) -> int | list[Problem]:
        if text is None:
            return [absent("limit")] if self._settings.limit_required else DEFAULT_LIMIT
        if not _INTEGER.fullmatch(text):
            return [Problem("limit", "TYPE", "must be of type integer", "integer")]
        limit, most = int(text), self._settings.limit_maximum
        if limit < 1:
            return [Problem("limit", "MIN", "must be greater than or equal to 1", "1")]
        if limit > most:
            return [Problem("limit", "MAX", f"must be less than or equal to {most}", str(most))]
        return limit


def pick(book: CustomerBook, query: Query, lag_seconds: float) -> tuple[list[Seen], bool]:
    """Pick the customers of a page as reads see them, and say whether there are more behind it."""
    page: list[Seen] = []
    for customer in book.after(query.after, query.entity_id):
        version = book.seen(customer, lag_seconds)
        if version is None or not query.admits(customer, version):
            continue
        if len(page) == query.limit:
            return page, True
        page.append((customer, version))
    return page, False
