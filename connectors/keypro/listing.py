"""Asks for a part of the list of customers, and reads it in any of the forms that it may have; trusts no link.

Documented is an object with Next, Prev and Results; other pages of the vendor show Total, or a bare array, and whether
the capital letters are the keys' own is unknown. A link only says that more comes: it is never followed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from urllib.parse import quote, urlencode

from connectors.api.action import Action
from connectors.api.body import parse
from connectors.api.inquiry import UnfitError
from connectors.api.transport import Reply, server_time
from connectors.keypro.answer import action_for, failure
from connectors.keypro.property import Properties, read_id
from connectors.moment import read_timestamp
from connectors.protocol import PermanentError

LARGEST_PART = 100  # the server's own limit is a setting of its environment; a lower one changes nothing here


@dataclass(frozen=True, slots=True)
class Query:
    """The customers behind an id (None: all), in the order of ids, of those updated at or after a whole second."""

    behind: str | None = None
    since: datetime | None = None
    limit: int = LARGEST_PART

    def target(self, path: str, properties: Properties) -> str:
        """Write path and query."""
        parameters: dict[str, object] = {"orderby": properties.name("id"), "limit": self.limit}
        if self.behind is not None:
            parameters[behind_filter(properties)] = self.behind
        if self.since is not None:
            parameters[since_filter(properties)] = f"{self.since.replace(tzinfo=None).isoformat(timespec='seconds')}Z"
        return f"{path}?{urlencode(parameters, quote_via=quote, safe='')}"


@dataclass(frozen=True, slots=True)
class Part:
    """What a list request showed: customers as they came, whether the server says that more come, its own time."""

    customers: tuple[Mapping[str, object], ...]
    more: bool
    answered: datetime | None


def behind_filter(properties: Properties) -> str:
    """Name the filter by ids."""
    return f"{properties.name('id')}__gt"


def since_filter(properties: Properties) -> str:
    """Name the filter by last updates."""
    return f"{properties.name('dateModified')}__gte"


def read_part(reply: Reply, operation: str = "list") -> Part:
    """Read the answer to a list request; raises UnfitError where it is no list, and what `failure` gives."""
    content = parse(reply.body)
    action = action_for(reply.status, content if isinstance(content, dict) else None)
    if action is not Action.ACCEPTED:
        raise failure(action, reply, operation)
    more = False
    if isinstance(content, dict):
        envelope = {key.lower(): value for key, value in content.items()}
        more = _says_more(envelope, operation)
        content = envelope.get("results")
    if not isinstance(content, list) or not all(isinstance(customer, dict) for customer in content):
        raise UnfitError(f"keypro: {operation}: the answer is no list")
    return Part(tuple(content), more, server_time(reply.headers))


def _says_more(envelope: Mapping[str, object], operation: str) -> bool:
    """Read whether more comes: a link to it, or a count (of all that the filters leave, inferred) beyond an empty part.

    The count alone says nothing where customers are shown: whoever reads goes on until nobody is.
    """
    following, shown = envelope.get("next"), envelope.get("results")
    if following is not None and not isinstance(following, str):
        raise UnfitError(f"keypro: {operation}: the answer is no list")
    counted = envelope.get("total", envelope.get("count"))
    missing = shown == [] and isinstance(counted, int) and counted > 0
    return bool(following) or missing


def broken_promise(part: Part, query: Query, properties: Properties) -> str | None:
    """Name the parameter that the server did not keep to, judged by the customers shown; None where it kept to all.

    Each part is believed on its own evidence alone: ids that rise, from behind the last one, and no older update.
    """
    ids = [int(identity) for identity in ids_of(part, properties) if identity is not None]
    if query.behind is not None and any(identity <= int(query.behind) for identity in ids):
        return behind_filter(properties)
    if any(latter <= former for former, latter in pairwise(ids)):
        return "orderby"
    if query.since is not None and any(moment < query.since for moment in _moments(part, properties)):
        return since_filter(properties)
    return None


def ids_of(part: Part, properties: Properties) -> list[str | None]:
    """List the ids of the customers shown."""
    name = properties.name("id")
    return [read_id(customer.get(name)) for customer in part.customers]


def expect_properties(customers: Sequence[Mapping[str, object]], properties: Properties, *fields: str) -> None:
    """Raise PermanentError where customers are shown, and not one of them has the property that a field is to have."""
    for field in fields:
        if customers and not any(properties.name(field) in customer for customer in customers):
            raise PermanentError(f"keypro: list: the customers have no property {properties.name(field)} ({field})")


def _moments(part: Part, properties: Properties) -> list[datetime]:
    name = properties.name("dateModified")
    moments = (read_timestamp(customer.get(name), None) for customer in part.customers)
    return [moment for moment in moments if moment is not None]
