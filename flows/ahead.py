"""Prepares the next page while the one in hand is being sent; decides about none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from connectors.protocol import Page
from flows.desk import Steps
from flows.extraction import Extraction, Numbered
from flows.preparation import Prepared, kept_positions, prepare
from flows.shield import KILLER, POISON, Shield

_SLOW_PAGE_SECONDS = 0.5


@dataclass(slots=True)
class Ahead:
    """The pages of one run, taken as far as they go without deciding: two are in hand, never more.

    Only the extraction has a thread of its own, because it waits for files and networks. Checks and mapping are
    computing alone: beside the sending thread they cost twice the time, for the interpreter's lock goes back and
    forth at each of their steps (measured: 45 microseconds a customer). Where they take long (images, converters
    of one's own), they get the thread all the same, so that answers are not kept waiting.
    """

    extraction: Extraction
    on_step: Steps
    _busy: frozenset[str] = frozenset()  # the keys of the page before
    _slow: bool = False  # the last page took long to prepare
    _quarantined: dict[str, tuple[bytes | None, str | None]] = field(init=False)
    _shield: Shield = field(init=False)

    def __post_init__(self) -> None:
        extraction = self.extraction
        self._quarantined = extraction.ledger.quarantined(extraction.run.scope, POISON)
        self._shield = Shield(extraction.plan.job.path, extraction.ledger.key)

    async def pages(self) -> AsyncGenerator[Prepared, None]:
        """Yield prepared pages in their order; raises what the extraction raises."""
        numbered = self.extraction.pages()
        upcoming = asyncio.ensure_future(self._take(numbered))
        try:
            while (prepared := await upcoming) is not None:
                upcoming = asyncio.ensure_future(self._take(numbered))
                yield prepared
        finally:
            if not upcoming.done():
                # a thread cannot be cancelled, but a source that waits can be told
                await asyncio.to_thread(self.extraction.source.close)
                await asyncio.wait([upcoming])
            if not upcoming.cancelled():
                upcoming.exception()
            self._shield.close()

    async def _take(self, pages: Iterator[Numbered]) -> Prepared | None:
        numbered = await asyncio.to_thread(next, pages, None)
        if numbered is None:
            return None
        self.on_step("extracted")
        number, page = numbered
        if self.extraction.run.wary or self._quarantined:
            page = await asyncio.to_thread(self._shielded, page)
        recall = partial(self.extraction.ledger.remembered, self.extraction.run.scope)
        work = partial(prepare, number, page, self.extraction.plan, recall, self._busy)
        began = time.monotonic()
        prepared = await asyncio.to_thread(work) if self._slow else work()
        self._slow = time.monotonic() - began > _SLOW_PAGE_SECONDS
        self._busy = frozenset(page.keys)
        return prepared

    def _shielded(self, page: Page) -> Page:
        """Keep away from what ended the process before, and try out what has changed since, or may do it again."""
        known, plan = self._quarantined, self.extraction.plan
        suspects = [position for position, key in enumerate(page.keys) if key in known]
        digests = list(plan.digester.records(page.records)) if suspects else []
        same = [n for n in suspects if known[page.keys[n]] == (digests[n], plan.fingerprint)]
        if self.extraction.selection.tries_at_once:  # what ended the process may have been the machine's state
            same = []
        page = replace(page, unreadable={**page.unreadable, **dict.fromkeys(same, KILLER)})
        tried = kept_positions(page, plan) if self.extraction.run.wary else suspects
        return self._shield.clear(page, tried)
