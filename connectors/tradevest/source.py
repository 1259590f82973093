"""Reads all customers from tradevest by the list's own cursors; writes nothing.

No filter by last update is documented, so every run reads everything. Inferred: what a cursor stands for
(`connectors.tradevest.paging`), how the list ends (`connectors.tradevest.listing`), and 404 for a customer who is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from itertools import islice

from connectors.api.action import Action
from connectors.api.body import parse_exactly
from connectors.api.inquiry import UnfitError
from connectors.api.runner import Runner
from connectors.api.transport import Transport
from connectors.protocol import BrokenSourceError, Page
from connectors.tradevest.answer import action_for, failure
from connectors.tradevest.client import customers_path, make_client, read_uuid
from connectors.tradevest.listing import Entry, Listing, Query, read_listing
from connectors.tradevest.paging import Part, Walk
from connectors.tradevest.record import Records
from connectors.tradevest.settings import TradevestSourceSettings

_BEHIND = "behind "
_END = "end"  # behind the last customer: nothing is asked for
_KEYS = "source.base_url, source.token_url, source.page_limit"


class TradevestSource:
    """The customers of one tradevest platform as a source; its keys are the `customerId`s, and it has no versions.

    A page is made of whole answers, so that its cursor is the server's: reading on from it is exact for as long as the
    server knows the cursor, which is not documented.
    """

    incremental = False
    overlap = timedelta()

    def __init__(
        self,
        settings: TradevestSourceSettings,
        transport: Transport | None = None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._client = make_client(settings, transport)
        self._customers = customers_path(self._client.origin)
        self._runner = Runner(self._client, sleep)
        self._records = Records()

    @property
    def address(self) -> str:
        """The kind, and the server."""
        return self._client.address

    def open(self) -> tuple[str, ...]:
        """Sign in, and return the documented fields and those of the first customers.

        Raises ConfigurationError where nobody there speaks this API, CredentialsError, UnavailableError.
        """
        first = self._runner.open(lambda: self._list(self._settings.page_limit, None), _KEYS)
        self._records = Records(entry.record for entry in first.entries)
        return self._records.columns

    def pages(self, after: str | None, size: int) -> Iterator[Page]:
        """Read the customers behind a page's cursor, each once; pages may be smaller than `size`.

        Raises UnavailableError, CredentialsError, and BrokenSourceError where the list cannot be read on.
        """
        if after == _END:
            return
        limit = min(size, self._settings.page_limit)
        walk = Walk(partial(self._list, limit))
        parts = walk.read(_server_cursor(after))
        told = 0
        while (part := self._runner.reading(partial(_gather, parts, size - limit))).entries:
            cursor = _END if part.cursor is None else f"{_BEHIND}{part.cursor}"
            yield self._records.page(part.entries, cursor, _notice(walk.changed - told))
            told = walk.changed

    def read_keys(self, keys: Sequence[str], size: int) -> Iterator[Page]:
        """Show single customers by their ids; one that is gone is left out, as is what can be no id."""
        found = self._runner.ask_each([key for key in keys if read_uuid(key) == key], self._show)
        while chosen := self._runner.reading(lambda: list(islice(found, size))):
            yield self._records.page(chosen, None)

    def close(self) -> None:
        """Let go of the connections; what another thread waits for meanwhile is ended."""
        self._runner.close()

    def _list(self, limit: int, cursor: str | None) -> Listing:
        query = Query(limit, cursor)

        async def ask() -> Listing:
            return read_listing(await self._client.ask("GET", query.target(self._customers), "list"), query)

        return self._runner.ask(ask)

    async def _show(self, key: str) -> Entry | None:
        reply = await self._client.ask("GET", f"{self._customers}/{key}", "show")
        match action_for(reply, "show"):
            case Action.ACCEPTED:
                entry = Entry.of(parse_exactly(reply.body) or {})
                if entry.customer_id != key:
                    raise UnfitError("tradevest: show: the answer does not show the customer")
                return entry
            case Action.ABSENT:
                return None
            case action:
                raise failure(action, reply, "show")


def _gather(parts: Iterator[Part], room: int) -> Part:
    """Join parts for as long as another whole one has room; where nobody is left, the result is empty."""
    entries: list[Entry] = []
    cursor = None
    for part in parts:
        entries += part.entries
        cursor = part.cursor
        if entries and len(entries) > room:
            break
    return Part(entries, cursor)


def _server_cursor(after: str | None) -> str | None:
    if after is not None and not after.startswith(_BEHIND):
        raise BrokenSourceError("tradevest: list: the cursor is none of this source's")
    return None if after is None else after.removeprefix(_BEHIND)


def _notice(changed: int) -> str | None:
    if not changed:
        return None
    told = "1 customer has" if changed == 1 else f"{changed} customers have"
    return f"{told} changed while the list was read: the next run reads the change"
