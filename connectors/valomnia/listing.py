"""Reads one answer to a list request, and refuses whatever does not prove what it shows; asks for nothing itself.

`paging.next` is never followed: that it is there says that more comes, and where it points decides nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal
from urllib.parse import urlencode

import httpx

from connectors.api.action import Action
from connectors.api.body import parse_exactly
from connectors.api.clock import is_ahead, read_update
from connectors.api.inquiry import UnfitError
from connectors.api.transport import Origin, Reply, server_time
from connectors.protocol import BrokenSourceError, PermanentError
from connectors.valomnia.answer import action_for, error_code, failure

LARGEST_PAGE = 100  # documented as the default; whether more may be asked for is not


@dataclass(frozen=True, slots=True)
class Query:
    """A part of the list of customers by last update: from `since` on, until before `before`, after `offset` of them.

    Whole seconds are what the filters are documented to know.
    """

    since: datetime | None = None
    before: datetime | None = None
    offset: int = 0
    order: Literal["asc", "desc"] = "asc"
    max: int = LARGEST_PAGE

    def target(self, path: str) -> str:
        """Write path and query (vendor page 11.1)."""
        parameters = {"max": self.max, "offset": self.offset, "sort": "lastUpdated", "order": self.order}
        bounds = {"lastUpdated_gte": self.since, "lastUpdated_lt": self.before}
        filters = {name: second_text(bound) for name, bound in bounds.items() if bound is not None}
        return f"{path}?{urlencode(parameters | filters)}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A customer as listed; `key` names it (its id, where it has one), `digest` is equal where all its values are.

    `ahead` says that its last update lies after the server's own time, and so cannot be true.
    """

    record: Mapping[str, object]
    key: str
    digest: bytes
    identified: bool
    updated: datetime | None
    ahead: bool

    @classmethod
    def of(cls, record: Mapping[str, object], answered: datetime | None = None) -> Entry:
        """Read id and last update; a record without an id is named by what it holds.

        `answered` is the server's time, in whole seconds as HTTP tells it.
        """
        content = json.dumps(record, sort_keys=True, default=str).encode()
        digest = hashlib.blake2b(content, digest_size=16).digest()
        key = identity(record)
        updated = read_update(record.get("lastUpdated"))
        ahead = is_ahead(updated, answered)
        return cls(record, key or f"no id {digest.hex()}", digest, key is not None, updated, ahead)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list request showed: its customers, how many the server counts, whether it says that more come.

    `size` is the most that the server gives at once, `answered` its own time.
    """

    entries: tuple[Entry, ...]
    total: int
    size: int
    more: bool
    answered: datetime | None

    @property
    def dated(self) -> list[datetime]:
        """The last updates, of those customers that have one."""
        return [entry.updated for entry in self.entries if entry.updated is not None]


def second_text(moment: datetime) -> str:
    """Write a moment in UTC as the filters take it, without the fraction of its second."""
    return f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def floor_second(moment: datetime) -> datetime:
    """Give the second that a moment lies in."""
    return moment.replace(microsecond=0)


def next_second(second: datetime) -> datetime | None:
    """Give the second after; None at the end of the calendar."""
    try:
        return second + timedelta(seconds=1)
    except OverflowError:
        return None


def identity(record: Mapping[str, object]) -> str | None:
    """Read a record's id as text; None where it has none that could be asked for.

    `.` and `..` are no names but steps in a path, even percent-encoded.
    """
    value = record.get("id")
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value)
    return text if text.isprintable() and text.strip() not in {"", ".", ".."} else None


def read_listing(reply: Reply, query: Query, origin: Origin) -> Listing:
    """Read the answer to a list request (vendor page 11.1).

    Raises UnfitError where asking again may help (not the documented form, out of order, fewer customers than the
    server itself counts), BrokenSourceError where the list leads to another origin, and what `failure` gives.
    """
    content = parse_exactly(reply.body)
    match action_for(reply.status, error_code(content)):
        case Action.ACCEPTED:
            pass
        case Action.REFUSAL:
            raise PermanentError(f"valomnia: list: status {reply.status}: the request is refused")
        case action:
            raise failure(action, reply, "list")
    match content:
        case {"paging": {"total": int(total), "max": int(size), "next": str() | None as following}, "data": list(data)}:
            pass
        case _:
            raise UnfitError("valomnia: list: the answer is no list")
    if not all(isinstance(record, dict) for record in data):
        raise UnfitError("valomnia: list: the answer is no list of customers")
    _refuse_stranger(following, origin)
    answered = server_time(reply.headers)
    entries = tuple(Entry.of(record, answered) for record in data)
    listing = Listing(entries, total, max(1, min(size, query.max)), following is not None, answered)
    _expect_complete(listing, query)
    if query.order == "asc":
        _expect_order(listing.dated)
    return listing


def _refuse_stranger(following: str | None, origin: Origin) -> None:
    """Raise where the next page would be another scheme's, host's or port's: somebody else is answering."""
    if following is None:
        return
    try:
        home = origin.holds(httpx.URL(origin.root).join(following))
    except httpx.InvalidURL:
        home = False
    if not home:
        raise BrokenSourceError("valomnia: list: paging.next leads to another origin")


def _expect_complete(listing: Listing, query: Query) -> None:
    """Raise where customers are missing that the server counts; a page with none at all is the reader's to judge."""
    left, shown = listing.total - query.offset, len(listing.entries)
    if listing.more and not shown:
        return
    if shown < (min(left, listing.size) if listing.more else left):
        raise UnfitError(
            "valomnia: list: incomplete_extract:"
            f" {shown} customers are shown where {left} are counted{'' if listing.more else ' and no more follow'}"
        )


def _expect_order(moments: Iterable[datetime]) -> None:
    if any(later < sooner for sooner, later in pairwise(moments)):
        raise UnfitError("valomnia: list: the customers are not in the order of lastUpdated")
