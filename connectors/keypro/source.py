"""Reads customers from Keypro by `dateModified`, in the order of their ids; writes nothing.

Inferred, since no vendor page says: that `dateModified` can be filtered with `__gte` (so goes the general rule),
GET on the item, and every property's name. Not relied on: a total, where links lead, the limit of a part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from connectors.api.action import Action
from connectors.api.body import parse_exactly
from connectors.api.clock import expect_past
from connectors.api.inquiry import UnfitError
from connectors.api.runner import Runner
from connectors.api.transport import Transport, server_time
from connectors.keypro.answer import action_for, failure
from connectors.keypro.client import customers_path, make_client
from connectors.keypro.listing import Part, Query, broken_promise, expect_properties, read_part
from connectors.keypro.paging import Walk
from connectors.keypro.property import Properties, read_id
from connectors.keypro.record import Entry, Records
from connectors.keypro.settings import KeyproSourceSettings
from connectors.moment import moment_text, read_moment
from connectors.protocol import Page

_KEYS = "source.base_url, source.properties"


class KeyproSource:
    """The customers of one Keypro environment as a source; its keys are the ids, its versions `dateModified`.

    Only the last page has a cursor: the server's time before the reading began, in whole seconds. A customer that
    changes meanwhile is met by the next run. A customer without a readable `dateModified` is `cursor_missing`; the
    filter by which changes are found cannot see one without any, so only a reading from the beginning finds it.
    """

    incremental = True

    def __init__(
        self,
        settings: KeyproSourceSettings,
        properties: Mapping[str, str],
        transport: Transport | None = None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._properties = Properties({**properties, **settings.properties})
        self._client = make_client(settings, transport)
        self._customers = customers_path(self._client.origin)
        self._runner = Runner(self._client, sleep)
        self._records = Records()
        self._answered: datetime | None = None  # the server's time, as its last answer to a list request told it
        self._inhabited = False  # somebody was there when it was opened

    @property
    def address(self) -> str:
        """The kind, and the server with the path before `/customers/`."""
        return self._client.address

    @property
    def overlap(self) -> timedelta:
        """How far back to look again."""
        return self._settings.overlap

    def open(self) -> tuple[str, ...]:
        """Prove the token, and return the documented fields and those of one customer.

        Raises ConfigurationError where nobody there speaks this API or the id has another name, CredentialsError,
        UnavailableError.
        """
        first = self._runner.open(self._first, _KEYS)
        self._inhabited = bool(first.customers)
        self._records = Records(self._properties.rename(customer) for customer in first.customers)
        return self._records.columns

    def pages(self, after: str | None, size: int) -> Iterator[Page]:
        """Read what was updated at or after a moment, to the second, in pages of `size`, the last one smaller.

        Raises UnavailableError, BrokenSourceError, CredentialsError, and WatermarkError where the moment lies after the
        server's own time.
        """
        start = None if after is None else read_moment(after).replace(microsecond=0)
        walk = Walk(partial(self._list, start), self._properties, self._answered)
        entries = walk.read(start, inhabited=self._inhabited and start is None)

        def take(count: int) -> list[Entry]:
            return self._runner.reading(lambda: list(islice(entries, count)))

        chosen = take(size)
        while following := take(1) if chosen else []:
            yield self._records.page(chosen, None)
            chosen = following + take(size - 1)
        if chosen:
            yield self._records.page(chosen, _cursor(walk.conclusive, start), _notice(walk.conclusive))

    def read_keys(self, keys: Sequence[str], size: int) -> Iterator[Page]:
        """Show single customers by their ids; one that is gone is left out, as is what can be no id."""
        found = self._runner.ask_each([key for key in keys if read_id(key) is not None], self._show)
        while chosen := self._runner.reading(lambda: list(islice(found, size))):
            yield self._records.page(chosen, None)

    def close(self) -> None:
        """Let go of the connections; what another thread waits for meanwhile is ended."""
        self._runner.close()

    def _first(self) -> Part:
        part = self._list(None, Query(limit=1))
        expect_properties(part.customers, self._properties, "id")
        return part

    def _list(self, start: datetime | None, query: Query) -> Part:
        target = query.target(self._customers, self._properties)

        async def ask() -> Part:
            part = read_part(await self._client.ask("GET", target, "list"))
            expect_past("keypro", start, part.answered)
            if (name := broken_promise(part, query, self._properties)) is not None:
                raise UnfitError(f"keypro: list: the server does not keep to {name}")
            return part

        part = self._runner.ask(ask)
        self._answered = part.answered
        return part

    async def _show(self, key: str) -> Entry | None:
        reply = await self._client.ask("GET", f"{self._customers}{key}/", "show")
        content = parse_exactly(reply.body)
        match action_for(reply.status, content):
            case Action.ACCEPTED:
                entry = Entry.of(content or {}, self._properties, server_time(reply.headers))
                if entry.key != key:
                    raise UnfitError("keypro: show: the answer does not show the customer")
                return entry
            case Action.ABSENT:
                return None
            case action:
                raise failure(action, reply, "show")


def _cursor(conclusive: datetime | None, start: datetime | None) -> str | None:
    """Give the moment up to which a whole reading leads; never one before its start, should the clock go back."""
    if conclusive is None or (start is not None and conclusive < start):
        return None
    return moment_text(conclusive)


def _notice(conclusive: datetime | None) -> str | None:
    return "the server does not tell its time: the next run begins where this one began" if conclusive is None else None
