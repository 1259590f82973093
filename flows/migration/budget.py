"""Shares one target's requests in flight, and its rate, among the partitions of a migration, wherever they run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from connectors.delivery.gate import Gate
from flows.failure import StopAskedError
from flows.ledger.ledger import Ledger
from flows.ledger.record import Run
from flows.ledger.share import give_back_share, take_share
from flows.watch import Watch

_PAUSE_SECONDS = 2.0


@dataclass(slots=True)
class Budget:
    """A partition's part of what the job's target may be asked at once; the shares are in the ledger.

    The shares never add up to more than the job allows. Who begins takes what is free and waits where that is nothing;
    the others then go down to an equal part, and give back what they have no longer in flight.
    """

    ledger: Ledger
    run: Run
    lease: str
    gate: Gate
    requests: int  # of the whole migration, in flight at once
    rate: float | None  # of the whole migration, a second

    @asynccontextmanager
    async def held(self, watch: Watch) -> AsyncIterator[None]:
        """Hold a share while the block lasts; waits for one, and raises StopAskedError if the run is to stop first."""
        while not self._adjust() and not watch.stop_asked:  # noqa: ASYNC110 - it waits for what others write
            await asyncio.sleep(_PAUSE_SECONDS / 4)  # the others give back what they have no longer in flight
        if watch.stop_asked:
            give_back_share(self.ledger, self.run.scope, self.lease)
            raise StopAskedError
        adjusting = asyncio.create_task(self._go_on())
        try:
            yield
        finally:
            adjusting.cancel()
            await asyncio.wait([adjusting])
            if not adjusting.cancelled():
                adjusting.exception()  # a lost lease or ledger: the next write meets it as well
            give_back_share(self.ledger, self.run.scope, self.lease)

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            self._adjust()

    def _adjust(self) -> bool:
        share = take_share(self.ledger, self.run.scope, self.lease, self.requests, self.gate.in_flight)
        # Nothing is left where the others took this part for dead: then nothing new may go out.
        self.gate.resize(share, None if self.rate is None or not share else self.rate * share / self.requests)
        return bool(share)
