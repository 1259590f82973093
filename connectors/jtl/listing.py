"""Reads one answer to a list request, and refuses whatever contradicts itself; asks for nothing.

The envelope is documented: TotalItems, PageNumber, PageSize and Items are always there, HasNextPage may be.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from connectors.api.action import Action
from connectors.api.body import parse_exactly
from connectors.api.clock import is_ahead, read_update
from connectors.api.inquiry import UnfitError
from connectors.api.transport import Reply, server_time
from connectors.jtl.answer import action_for, failure, identity
from connectors.jtl.form import write_query
from connectors.jtl.name import pick, respell
from connectors.moment import moment_text

LARGEST_PAGE = 100  # neither a default nor a limit is documented; a server that gives fewer says so


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the list as it is asked for; pages count from 1."""

    number: int = 1
    size: int = LARGEST_PAGE

    @property
    def start(self) -> int:
        """How many customers stand before it."""
        return (self.number - 1) * self.size

    def target(self, path: str, since: datetime | None = None) -> str:
        """Write path and query; `lastChangeFrom` is known from a public client alone."""
        query = write_query(pageNumber=self.number, pageSize=self.size)
        bound = "" if since is None else f"&{write_query(lastChangeFrom=moment_text(since))}"
        return f"{path}?{query}{bound}"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a list request showed: customers as they came, and how many the server counts; `more` is its own word."""

    items: tuple[Mapping[str, object], ...]
    total: int
    number: int
    size: int
    more: bool | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A customer as listed; `key` names it (its id, where it has one), `digest` is equal where all its values are.

    `ahead` says that its last change lies after the server's own time, and so cannot be true.
    """

    record: Mapping[str, object]
    key: str
    digest: bytes
    identified: bool = True
    updated: datetime | None = None
    ahead: bool = False

    @classmethod
    def of(cls, content: Mapping[str, object], answered: datetime | None = None) -> Entry:
        """Read a customer; `answered` is the server's time, in whole seconds as HTTP tells it."""
        record = respell(content)
        text = json.dumps(record, sort_keys=True, default=str).encode()
        digest = hashlib.blake2b(text, digest_size=16).digest()
        key = identity(record)
        updated = read_update(record.get("LastChange"))
        ahead = is_ahead(updated, answered)
        return cls(record, key or f"no id {digest.hex()}", digest, key is not None, updated, ahead)


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the list as it was at one moment: its customers, and where they stood.

    `size` is the most that the server gave at once, `answered` its own time.
    """

    entries: tuple[Entry, ...]
    start: int
    size: int
    total: int
    answered: datetime | None = None

    @property
    def end(self) -> int:
        """How many customers stood before its end."""
        return self.start + len(self.entries)

    @property
    def is_last(self) -> bool:
        """Whether it reaches the end of the list."""
        return self.end >= self.total


def read_envelope(reply: Reply, operation: str) -> Envelope:
    """Read a list's envelope; raises UnfitError where it is none, and what `failure` gives."""
    content = parse_exactly(reply.body)
    match action_for(reply):
        case Action.ACCEPTED:
            pass
        case action:
            raise failure(action, reply, operation)
    names = ("Items", "TotalItems", "PageNumber", "PageSize", "HasNextPage")
    items, *figures, more = (... if content is None else pick(content, name) for name in names)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise UnfitError(f"jtl: {operation}: the answer is no list of customers")
    total, number, size = map(_count, figures)
    if total is None or number is None or size is None or number < 1 or size < 1:
        raise UnfitError(f"jtl: {operation}: the list does not tell its length and its place")
    return Envelope(tuple(items), total, number, size, more if isinstance(more, bool) else None)


def read_window(reply: Reply, part: Part) -> Window:
    """Read the answer to a list request.

    Raises UnfitError where it does not fit what was asked for or its own count of customers, and what `failure` gives.
    """
    envelope = read_envelope(reply, "list")
    answered = server_time(reply.headers)
    entries = tuple(Entry.of(item, answered) for item in envelope.items)
    window = Window(entries, (envelope.number - 1) * envelope.size, envelope.size, envelope.total, answered)
    if envelope.size > part.size:
        raise UnfitError("jtl: list: the server does not keep to the page size that was asked for")
    if envelope.number != part.number and part.start < envelope.total:  # behind the end it may show the last page
        raise UnfitError("jtl: list: the answer is another page than the one that was asked for")
    _expect_complete(window, envelope.more)
    keys = [entry.key for entry in entries if entry.identified]
    if len(set(keys)) < len(keys):
        raise UnfitError("jtl: list: one page shows a customer twice")
    return window


def _expect_complete(window: Window, more: bool | None) -> None:  # noqa: FBT001 - the server's own word
    """Raise where customers are missing that the server counts, or where it says otherwise whether more come."""
    shown, due = len(window.entries), min(window.size, max(0, window.total - window.start))
    if shown != due:
        raise UnfitError(f"jtl: list: incomplete_extract: {shown} customers are shown where {window.total} are counted")
    if more is not None and more is window.is_last:
        raise UnfitError("jtl: list: HasNextPage contradicts TotalItems")


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
