"""Reads customers from JTL-Wawi, all of them or those changed since a moment; writes nothing.

Inferred: that lists keep an order (none is documented), and the filter `lastChangeFrom`, which only a public client
uses and which is left alone unless `last_change_filter` says that the server has it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice

from connectors.api.action import Action
from connectors.api.body import parse_exactly
from connectors.api.clock import expect_past
from connectors.api.inquiry import UnfitError
from connectors.api.runner import Runner
from connectors.api.transport import Transport, server_time
from connectors.jtl.answer import action_for, failure
from connectors.jtl.client import address, customers_path, make_client
from connectors.jtl.form import is_key
from connectors.jtl.listing import Entry, Part, Window, read_window
from connectors.jtl.paging import Met, Walk
from connectors.jtl.record import Records
from connectors.jtl.settings import JtlSourceSettings
from connectors.moment import moment_text, read_moment
from connectors.protocol import BrokenSourceError, Page, PermanentError

_NO_FILTER = "jtl: list: the server does not keep to lastChangeFrom; set source.last_change_filter to false"


class JtlSource:
    """The customers of one ERP as a source; its keys are their ids.

    Without `last_change_filter` every reading is whole, its cursors count customers, and a customer that changes while
    it is read is not given twice: no version would tell which showing is the newer. With it, versions are `LastChange`,
    and the one cursor is the server's own time when the reading began, at the end of its last page.
    """

    def __init__(
        self,
        settings: JtlSourceSettings,
        transport: Transport | None = None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._client = make_client(settings, transport)
        self._customers = customers_path(settings, self._client.origin)
        self._runner = Runner(self._client, sleep)
        self._records = Records(dated=self.incremental)

    @property
    def address(self) -> str:
        """The kind, the server, and the tenant where there is one."""
        return address(self._settings, self._client)

    @property
    def incremental(self) -> bool:
        """Whether the server can be asked for what changed."""
        return self._settings.last_change_filter

    @property
    def overlap(self) -> timedelta:
        """How far back to look again."""
        return self._settings.overlap if self.incremental else timedelta()

    def open(self) -> tuple[str, ...]:
        """Sign in, and return the documented columns and those of one customer.

        Raises ConfigurationError where nobody there speaks this API, CredentialsError, UnavailableError.
        """
        keys = "source.base_url, source.path, source.api_version"
        first = self._runner.open(lambda: self._list(Part(1, 1), None), keys)
        self._records = Records((entry.record for entry in first.entries), dated=self.incremental)
        return self._records.columns

    def pages(self, after: str | None, size: int) -> Iterator[Page]:
        """Read in pages of `size`, the last one smaller: all customers, or those changed at or after a moment.

        Raises UnavailableError, BrokenSourceError, CredentialsError, and WatermarkError for a moment to come.
        """
        return self._changed(after, size) if self.incremental else self._whole(after, size)

    def read_keys(self, keys: Sequence[str], size: int) -> Iterator[Page]:
        """Show single customers by their ids; one that is gone is left out."""
        found = self._runner.ask_each([key for key in keys if is_key(key)], self._show)
        while chosen := self._runner.reading(lambda: list(islice(found, size))):
            yield self._records.page(chosen, None)

    def close(self) -> None:
        """Let go of the connections; what another thread waits for meanwhile is ended."""
        self._runner.close()

    def _whole(self, after: str | None, size: int) -> Iterator[Page]:
        walk = Walk(lambda part: self._list(part, None))
        met = chain.from_iterable(walk.read(int(after or 0)))
        while chosen := self._runner.reading(lambda: list(islice(met, size))):
            yield self._page(chosen, str(chosen[-1].place), walk)

    def _changed(self, after: str | None, size: int) -> Iterator[Page]:
        start = None if after is None else read_moment(after)
        began = self._runner.reading(lambda: self._list(Part(1, 1), None)).answered  # before anything is read
        expect_past("jtl", start, began)
        conclusive = began is not None and (start is None or began >= start)
        walk = Walk(lambda part: self._list(part, start), again=True)
        met = (each for part in walk.read() for each in part if not _is_before(each.entry, start))
        ahead = self._runner.reading(lambda: list(islice(met, 1)))
        while ahead:
            chosen = ahead + self._runner.reading(lambda: list(islice(met, size - 1)))
            ahead = self._runner.reading(lambda: list(islice(met, 1)))
            yield self._page(chosen, moment_text(began) if began and conclusive and not ahead else None, walk)

    def _page(self, chosen: Sequence[Met], cursor: str | None, walk: Walk) -> Page:
        notice = "; ".join(walk.notices) or None
        walk.notices.clear()
        return self._records.page([each.entry for each in chosen], cursor, notice)

    def _list(self, part: Part, since: datetime | None) -> Window:
        target = part.target(self._customers, since)

        async def ask() -> Window:
            reply = await self._client.ask("GET", target, "list")
            if since is not None and action_for(reply) is Action.REFUSAL:
                raise BrokenSourceError(_NO_FILTER)
            return read_window(reply, part)

        window = self._runner.ask(ask)
        if since is not None:
            _expect_filter(window, since)
        return window

    async def _show(self, key: str) -> Entry | None:
        reply = await self._client.ask("GET", f"{self._customers}/{key}", "show")
        match action_for(reply):
            case Action.ACCEPTED:
                content = parse_exactly(reply.body)
                entry = None if content is None else Entry.of(content, server_time(reply.headers))
                if entry is None or entry.key != key:
                    raise UnfitError("jtl: show: the answer does not show the customer")
                return entry
            case Action.ABSENT:
                return None
            case Action.REFUSAL | Action.CONFLICT:
                raise PermanentError(f"jtl: show: status {reply.status}: the request is refused")
            case action:
                raise failure(action, reply, "show")


def _is_before(entry: Entry, start: datetime | None) -> bool:
    """Say whether a customer is shown only because the server counts whole seconds."""
    return start is not None and entry.updated is not None and entry.updated < start


def _expect_filter(window: Window, since: datetime) -> None:
    """Raise where the server shows what changed before the second that it was asked for."""
    second = since.replace(microsecond=0)
    if any(entry.updated is not None and entry.updated < second for entry in window.entries):
        raise BrokenSourceError(_NO_FILTER)
