"""Reads customers from Valomnia in the order of their last update; writes nothing.

The list is asked for anew from the last second shown instead of at ever greater offsets (`connectors.valomnia.paging`).
Every customer is documented to have a `lastUpdated`, with seconds. Not documented, and not relied on: the order within
a second, an upper limit of `max` above 100, filters in `paging.next`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import quote

from connectors.moment import read_moment
from connectors.protocol import (
    BrokenSourceError,
    ConfigurationError,
    CredentialsError,
    Page,
    PermanentError,
    UnavailableError,
    WatermarkError,
)
from connectors.transport import Transport
from connectors.valomnia.answer import NOT_FOUND, Action, action_for, error_code, failure
from connectors.valomnia.client import Client
from connectors.valomnia.inquiry import Patience
from connectors.valomnia.listing import Entry, Listing, Query, UnfitError, parse_exactly, read_listing, server_time
from connectors.valomnia.paging import Walk
from connectors.valomnia.record import Form, cursor_after
from connectors.valomnia.settings import ValomniaSourceSettings

_ABSENT = {(404, NOT_FOUND), (400, "invalid_param_type")}  # the latter: no id at all (vendor page 11.2)
_AT_ONCE = 8  # single customers asked for at the same time
_CLOCK_TOLERANCE = timedelta(minutes=1)  # several servers behind one address have as many clocks

T = TypeVar("T")


class ValomniaSource:
    """The customers of one organisation as a source; its keys are the ids, its versions and cursors `lastUpdated`.

    The target's client works on an event loop of our own, which runs only while a request is under way: calls may
    come from different threads, one at a time, and not from a thread in which a loop is running.

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
        self._client = Client(settings, transport)
        self._patience = Patience(sleep)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._turn = threading.Lock()  # held while something is asked, not between two questions
        self._form = Form()

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
        self.close()
        self._loop = asyncio.new_event_loop()
        try:
            self._run(self._patience.ask(self._client.__aenter__))
            first = self._list(Query(max=1))
        except BrokenSourceError as error:
            raise UnavailableError(str(error)) from None
        except (CredentialsError, UnavailableError):
            raise
        except PermanentError as error:
            raise ConfigurationError(f"{error} (source.base_url, source.api_version)") from None
        self._form = Form(entry.record for entry in first.entries)
        return self._form.columns

    def pages(self, after: str | None, size: int) -> Iterator[Page]:
        """Read what was updated at or after a moment, to the second, in pages of `size`, the last one smaller.

        A customer that changes meanwhile comes again. Raises UnavailableError, BrokenSourceError, CredentialsError.
        """
        start = None if after is None else read_moment(after)
        walk = Walk(partial(self._list_after, start), self._pause)
        entries = (entry for listed in walk.read(start) for entry in listed)
        while chosen := self._expect_api(lambda: list(islice(entries, size))):
            notice = "; ".join(walk.notices) or None
            walk.notices.clear()
            yield self._form.page(chosen, cursor_after(chosen, walk.conclusive), notice)

    def read_keys(self, keys: Sequence[str], size: int) -> Iterator[Page]:
        """Show single customers by their ids (vendor page 11.2); one that is gone is left out."""
        found: list[Entry] = []
        for start in range(0, len(keys), _AT_ONCE):
            shown = self._expect_api(partial(self._run, self._show_all(keys[start : start + _AT_ONCE])))
            found += [entry for entry in shown if entry is not None]
            while len(found) >= size:
                yield self._form.page(found[:size], None)
                del found[:size]
        if found:
            yield self._form.page(found, None)

    def close(self) -> None:
        """Let go of the connections and the loop; what another thread waits for meanwhile is ended."""
        if (loop := self._loop) is None:
            return
        if (task := self._task) is not None:
            loop.call_soon_threadsafe(task.cancel)
        with self._turn:
            if self._loop is not None:
                self._loop.run_until_complete(self._client.__aexit__())
                self._loop.close()
                self._loop = None

    def _list_after(self, start: datetime | None, query: Query) -> Listing:
        listing = self._list(query)
        if start is not None and listing.answered is not None and start > listing.answered + _CLOCK_TOLERANCE:
            raise WatermarkError("valomnia: list: the watermark lies after the server's own time; run with --full")
        return listing

    def _list(self, query: Query) -> Listing:
        target = query.target(self._client.customers)

        async def ask() -> Listing:
            return read_listing(await self._client.ask("GET", target, "list"), query, self._client.origin)

        return self._run(self._patience.ask(ask))

    async def _show_all(self, keys: Sequence[str]) -> list[Entry | None]:
        tasks = [asyncio.ensure_future(self._show(key)) for key in keys]
        try:
            return await asyncio.gather(*tasks)
        finally:  # where one failed, the others are of no use any more
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _show(self, key: str) -> Entry | None:
        target = f"{self._client.customers}/{quote(key, safe='')}"

        async def ask() -> Entry | None:
            reply = await self._client.ask("GET", target, "show")
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

        return await self._patience.ask(ask)

    def _expect_api(self, read: Callable[[], T]) -> T:
        """Read; an answer that this API does not give, in the middle of it, means that the source is broken."""
        try:
            return read()
        except (CredentialsError, UnavailableError, BrokenSourceError, WatermarkError):
            raise
        except PermanentError as error:
            raise BrokenSourceError(str(error)) from None

    def _pause(self, seconds: float) -> None:
        async def pause() -> None:
            await self._patience.sleep(seconds)

        self._run(pause())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        with self._turn:
            if self._loop is None:
                work.close()
                raise UnavailableError("valomnia: the source is closed")
            task = self._task = self._loop.create_task(work)
            try:
                result: T = self._loop.run_until_complete(task)
            except asyncio.CancelledError:
                raise UnavailableError("valomnia: the reading was ended") from None
            finally:
                self._task = None
            return result
