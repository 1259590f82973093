"""Keeps Prefect's server from holding up the work: what cannot be told now is kept, and told once the server is back.

Prefect's own clients wait for a server that is away, minutes on end, and once more at the end of the process.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from prefect.client.orchestration import get_client
from prefect.events import utilities
from prefect.events.clients import PrefectEventsClient
from prefect.events.schemas.events import Event
from prefect.events.worker import EventsWorker, emit_events_to_cloud
from prefect.logging.handlers import APILogWorker, set_api_log_sink
from prefect.settings import (
    PREFECT_API_REQUEST_TIMEOUT,
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    temporary_settings,
)

from flows.display.calm import keep_calm
from flows.stop import handling

_PATIENCE_SECONDS = 5.0  # how long one thing may take to tell
_PAUSE_SECONDS = 10.0  # between two attempts to reach a server that is away
_CLOSING_SECONDS = 10.0
_KEPT = 5000  # events and log lines; a run of 1,000 pages has 3,000 events


class Uplink:
    """The line to Prefect's server: whether it is up, and the log lines that wait for it."""

    def __init__(self) -> None:
        self.away = False
        self.on_lost: Callable[[], None] = lambda: None
        self.on_refused: Callable[[str], None] = lambda _kind: None
        self._again_at = 0.0
        self._refused = False
        self._telling = threading.Lock()
        self._lines: deque[dict[str, Any]] = deque(maxlen=_KEPT)

    @property
    def resting(self) -> bool:
        """Whether the server is away, and was asked a moment ago."""
        return self.away and time.monotonic() < self._again_at

    def begin(self, on_lost: Callable[[], None], on_refused: Callable[[str], None]) -> None:
        """Watch over the events and the log lines of the run that begins; Prefect's own cloud looks after itself."""
        keep_calm()
        self.away = False
        self._refused = False
        self.on_lost, self.on_refused = on_lost, on_refused
        self.install()

    def install(self) -> None:
        """Send events and log lines through here from now on.

        Prefect sends the first event, a flow run's sign of life, before the flow begins: a shell, which waits until all
        that send have ended, installs this earlier still.
        """
        url = PREFECT_API_URL.value()
        if url and not emit_events_to_cloud():
            # Prefect sends events through the very classes that it lists there; what derives from them does not count.
            setattr(utilities, "PrefectEventsClient", PatientEventsClient)  # noqa: B010 - mypy knows it as a class
            EventsWorker.set_client_override(PatientEventsClient, api_url=url)
            set_api_log_sink(self._log)

    @staticmethod
    def start_log_worker() -> None:
        """Start what sends log lines with little patience, for a shell waits until it has ended."""
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0, PREFECT_API_REQUEST_TIMEOUT: _PATIENCE_SECONDS}):
            APILogWorker.instance()

    def lost(self) -> None:
        """Note that the server did not answer; the first time it is told."""
        self._again_at = time.monotonic() + _PAUSE_SECONDS
        with self._telling:  # events are sent in a thread of their own
            is_news, self.away = not self.away, True
        if is_news:
            self.on_lost()

    async def blame(self, error: Exception) -> None:
        """Find out what an error in telling means: the server is away, or it is there and did not take this."""
        if isinstance(error, TimeoutError):
            self.lost()
        elif await self.reach() and not self._refused:
            self._refused = True
            self.on_refused(type(error).__name__)

    def found(self) -> None:
        """Note that the server answered, and let it have what waited."""
        self.away = False
        while self._lines:
            APILogWorker.instance().send(self._lines.popleft())

    async def reach(self) -> bool:
        """Ask the server whether it is there; takes no longer than our patience."""
        try:
            with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
                async with asyncio.timeout(_PATIENCE_SECONDS), get_client() as client:
                    failure = await client.api_healthcheck()
        except Exception as error:  # noqa: BLE001 - whatever it is, the server cannot be told anything
            failure = error
        if failure is None:
            self.found()
        else:
            self.lost()
        return failure is None

    async def until_back(self) -> bool:
        """Wait until the server is there, however long it takes; False where a signal ends the waiting.

        Prefect's own client waits a minute. A run whose end the server never hears of keeps its place for ever: all
        that come after it are cancelled.
        """
        if await self.reach():
            return True
        stopped = asyncio.Event()
        with handling(asyncio.get_running_loop(), lambda _number: stopped.set()):
            while self.away and not stopped.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopped.wait(), _PAUSE_SECONDS)
                await self.reach()
        return not self.away

    def _log(self, line: dict[str, Any]) -> None:
        if self.away:
            self._lines.append(line)
        else:
            APILogWorker.instance().send(line)


uplink = Uplink()  # Prefect has one worker for all events of a process, and one for all log lines


class PatientEventsClient(PrefectEventsClient):
    """Sends events while the server listens, and keeps them while it does not."""

    def __init__(self, api_url: str) -> None:
        super().__init__(api_url, reconnection_attempts=1)
        self._waiting: deque[Event] = deque(maxlen=_KEPT)
        self._sending = False

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await super().__aenter__()
        except Exception:  # noqa: BLE001 - see `_emit`
            uplink.lost()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            async with asyncio.timeout(0.5 if uplink.away else _CLOSING_SECONDS):
                if self._waiting and not uplink.away:
                    await self._send_all()
                await super().__aexit__(kind, error, trace)
        except Exception:  # noqa: BLE001 - see `_emit`
            uplink.lost()

    async def _emit(self, event: Event) -> None:
        if self._sending:  # a new connection, which sends again what the old one had not confirmed
            await super()._emit(event)
            return
        self._waiting.append(event)
        if not uplink.resting:
            await self._send_all()

    async def _send_all(self) -> None:
        """Send what waits, in its order, and keep what cannot be sent."""
        self._sending = True
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while self._waiting:
                    await super()._emit(self._waiting[0])
                    self._waiting.popleft()
        except Exception:  # noqa: BLE001 - sockets, time-outs, refusals: an event is a picture of the work, not the work
            uplink.lost()  # that it goes well proves nothing: a frozen server's socket takes much before it is full
        finally:
            self._sending = False

    async def _reconnect(self) -> None:
        unconfirmed = list(self._unconfirmed_events)
        try:
            await super()._reconnect()
        except BaseException:  # a time-out as well: what was about to be sent again stays unconfirmed
            known = {event.id for event in self._unconfirmed_events}
            self._unconfirmed_events[:0] = [event for event in unconfirmed if event.id not in known]
            raise

    def _log_connection_error(self, error: Exception) -> None:
        """Say nothing: who watches over the line says it once."""
