"""Reads customers from Valomnia in the order of their last update; writes nothing.

The list is asked for anew from the last second shown instead of at ever greater offsets (`connectors.valomnia.paging`).
Every customer is documented to have a `lastUpdated`, with seconds. Not documented, and not relied on: the order within
a second, an upper limit of `max` above 100, filters in `paging.next`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from urllib.parse import quote

from connectors.api.action import Action
from connectors.api.body import parse_exactly
from connectors.api.clock import expect_past
from connectors.api.inquiry import UnfitError
from connectors.api.runner import Runner
from connectors.api.transport import Transport, server_time
from connectors.moment import read_moment
from connectors.protocol import Page, PermanentError
from connectors.valomnia.answer import NOT_FOUND, action_for, error_code, failure
from connectors.valomnia.client import api_path, make_client
from connectors.valomnia.listing import Entry, Listing, Query, identity, read_listing
from connectors.valomnia.paging import Walk
from connectors.valomnia.record import Records, cursor_after
from connectors.valomnia.settings import ValomniaSourceSettings

_ABSENT = {(404, NOT_FOUND), (400, "invalid_param_type")}  # the latter: no id at all (vendor page 11.2)


class ValomniaSource:
    """The customers of one organisation as a source; its keys are the ids, its versions and cursors `lastUpdated`.

    A customer without a readable `lastUpdated` (documented not to exist) is `cursor_missing`. The filter by which
    changes are found cannot see one without any, so only a reading from the beginning finds it.
    """

    incremental = True

    def __init__(
        self,
        settings: ValomniaSourceSettings,
        transport: Transport | None = None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._client = make_client(settings, transport)
        self._customers = f"{api_path(settings, self._client.origin)}/customers"
        self._runner = Runner(self._client, sleep)
        self._records = Records()

    @property
    def address(self) -> str:
        """The kind, and the organisation's server."""
        return self._client.address

    @property
    def overlap(self) -> timedelta:
        """How far back to look again."""
        return self._settings.overlap

    def open(self) -> tuple[str, ...]:
        """Sign in, and return the documented fields and those of one customer.

        Raises ConfigurationError where nobody there speaks this API, CredentialsError, UnavailableError.
        """
        first = self._runner.open(lambda: self._list(Query(max=1)), "source.base_url, source.api_version")
        self._records = Records(entry.record for entry in first.entries)
        return self._records.columns

    def pages(self, after: str | None, size: int) -> Iterator[Page]:
        """Read what was updated at or after a moment, to the second, in pages of `size`, the last one smaller.

        A customer that changes meanwhile comes again. Raises UnavailableError, BrokenSourceError, CredentialsError.
        """
        start = None if after is None else read_moment(after)
        walk = Walk(partial(self._list_after, start), self._runner.pause)
        entries = (entry for listed in walk.read(start) for entry in listed)
        while chosen := self._runner.reading(lambda: list(islice(entries, size))):
            notice = "; ".join(walk.notices) or None
            walk.notices.clear()
            yield self._records.page(chosen, cursor_after(chosen, walk.conclusive), notice)

    def read_keys(self, keys: Sequence[str], size: int) -> Iterator[Page]:
        """Show single customers by their ids (vendor page 11.2); who is gone is left out, as is what can be no id."""
        found = self._runner.ask_each([key for key in keys if identity({"id": key}) == key], self._show)
        while chosen := self._runner.reading(lambda: list(islice(found, size))):
            yield self._records.page(chosen, None)

    def close(self) -> None:
        """Let go of the connections; what another thread waits for meanwhile is ended."""
        self._runner.close()

    def _list_after(self, start: datetime | None, query: Query) -> Listing:
        listing = self._list(query)
        expect_past("valomnia", start, listing.answered)
        return listing

    def _list(self, query: Query) -> Listing:
        target = query.target(self._customers)

        async def ask() -> Listing:
            return read_listing(await self._client.ask("GET", target, "list"), query, self._client.origin)

        return self._runner.ask(ask)

    async def _show(self, key: str) -> Entry | None:
        reply = await self._client.ask("GET", f"{self._customers}/{quote(key, safe='')}", "show")
        content = parse_exactly(reply.body)
        match action_for(reply.status, error_code(content)):
            case Action.ACCEPTED if (
                content is not None and (entry := Entry.of(content, server_time(reply.headers))).key == key
            ):
                return entry
            case Action.ACCEPTED:
                raise UnfitError("valomnia: show: the answer does not show the customer")
            case Action.REFUSAL if (reply.status, error_code(content)) in _ABSENT:
                return None
            case Action.REFUSAL:
                raise PermanentError(f"valomnia: show: status {reply.status}: the request is refused")
            case action:
                raise failure(action, reply, "show")
