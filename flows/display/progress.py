"""Shows how far a run has come: an artifact that moves and a log line now and then, both beside the work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from prefect.artifacts import Artifact, MarkdownArtifact, ProgressArtifact, aupdate_progress_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.runtime import flow_run

from connectors.moment import read_moment
from flows.display.artifact import progress_text, rate
from flows.display.name import artifact_key
from flows.display.uplink import uplink
from flows.extraction import Extraction
from flows.ledger.knowledge import LedgerError
from flows.ledger.record import Counts, Status
from flows.phrase import counted, sent_and_rejects
from flows.watch import Hand

_ARTIFACT_SECONDS = 3.0
_LINE_SECONDS = 10.0
_PATIENCE_SECONDS = 5.0


@dataclass(slots=True)
class Progress:
    """How far one run has come, and what of it Prefect shows already."""

    job: str
    say: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    run: int = 0
    counts: Counts = field(default_factory=Counts)
    share: float | None = None  # of what is to be read, where that can be told; from 0 to 1
    started: bool = False  # a page was in hand: by now it is known whether a share can be told
    pages: int = 0
    _extraction: Extraction | None = None
    _expected: int | None = None
    _span: tuple[float, float] | None = None  # the moments between which an incremental run reads
    _read: int = 0
    _said_at: float = field(default_factory=time.monotonic)
    _shown: UUID | None = None
    _as_share: bool = False
    _ended: str | None = None

    def begin(self, extraction: Extraction) -> None:
        """Take in what a run begins with."""
        self._extraction, self.run = extraction, extraction.run.number
        self._expected = extraction.selection.limit

    def take(self, hand: Hand) -> None:
        """Take in that a page is in hand: the source has been read so far."""
        if self._extraction is None:
            return
        if not self.started:
            self.started = True
            self._learn(self._extraction)
            self.share = 0.0 if self._expected or self._span else None
        if hand.page > 0:
            self._read += hand.counted
            self.share = self._told_share(hand)

    def note(self, page: int, counts: Counts) -> None:
        """Take in what became of a page, and say so where nothing was said lately."""
        self.counts = counts
        self.pages += 1
        now = time.monotonic()
        if now - self._said_at >= _LINE_SECONDS:
            self._said_at = now
            pace = f"{rate(counts, now - self.began):,.0f} customers/s"
            self.say(f"{f'page {page} done; ' if page > 0 else ''}so far {_said(counts)}; {pace}")

    async def move(self, stop: Callable[[], None]) -> None:
        """Let the artifact follow the run, and stop a run that was cancelled in the UI; until this is cancelled.

        Only a worker acts on a cancellation: a run that a shell has started would not hear of it.
        """
        moved = -1
        while True:
            await asyncio.sleep(_ARTIFACT_SECONDS)
            if not uplink.resting and await _is_cancelled():
                stop()
            if self.started and moved != self.pages and not uplink.resting:  # what it is at first, it stays
                moved = self.pages
                await self._show_safely()

    async def end(self, status: Status) -> None:
        """Leave the artifact as the run ended; raises what the server answers."""
        self._ended = "done" if status == "completed" else status
        if self._shown is not None:
            if status == "completed":
                self.share = 1.0
            await self._show()

    async def _show_safely(self) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._show()
        except Exception as error:  # noqa: BLE001 - a picture of the work must not hold it up
            await uplink.blame(error)
        else:
            uplink.found()

    async def _show(self) -> None:
        async with get_client() as client:
            if self._shown is None:
                self._as_share = self.share is not None
                self._shown = (await self._artifact().acreate(client)).id
            elif self._as_share:
                await aupdate_progress_artifact(self._shown, self._percent, self._words, client)
            else:
                await client.update_artifact(self._shown, ArtifactUpdate(data=self._text, description=self._about))

    def _artifact(self) -> Artifact:
        key = artifact_key(self.job, "progress")
        if self._as_share:
            return ProgressArtifact(progress=self._percent, key=key, description=self._words)
        return MarkdownArtifact(markdown=self._text, key=key, description=self._about)

    @property
    def _percent(self) -> float:
        return round(100 * (self.share or 0.0), 1)

    @property
    def _about(self) -> str:
        if self._ended is None:
            return "How far the run has come; how much there is, nobody can say yet"
        return f"How far the run came: {self._ended}"

    @property
    def _words(self) -> str:
        ended = "" if self._ended is None else f" ({self._ended})"
        return f"run {self.run}: {_said(self.counts)}{ended}"

    @property
    def _text(self) -> str:
        return progress_text(self.job, self.run, self.counts, time.monotonic() - self.began, self._ended)

    def _learn(self, extraction: Extraction) -> None:
        """Find out how much there is to read: what the last whole run met, or the time since the watermark."""
        try:
            if extraction.whole and self._expected is None:
                self._expected = extraction.ledger.last_whole(extraction.run)
            elif not extraction.whole and extraction.watermark is not None:
                mark = extraction.ledger.watermark(extraction.run.scope, *extraction.watermark)
                begun = extraction.ledger.clock().timestamp()
                self._span = (read_moment(mark.cursor).timestamp(), begun) if mark else None
        except (LedgerError, ValueError):
            pass  # the share stays unknown

    def _told_share(self, hand: Hand) -> float | None:
        if self._expected:
            return min(self._read / self._expected, 0.99)
        if self._span is not None and hand.cursor is not None:
            start, end = self._span
            try:
                at = read_moment(hand.cursor).timestamp()
            except ValueError:
                return self.share
            return min(max((at - start) / (end - start), 0.0), 0.99) if end > start else None
        return self.share


async def _is_cancelled() -> bool:
    """Ask whether somebody has cancelled the flow run under way; a server that does not say has not."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS), get_client() as client:
            state = (await client.read_flow_run(UUID(flow_run.get_id()))).state
    except Exception as error:  # noqa: BLE001 - a question about the work must not hold it up
        await uplink.blame(error)
        return False
    return state is not None and (state.is_cancelling() or state.is_cancelled())


def _said(counts: Counts) -> str:
    return f"{counted(counts.extracted, 'customer')}: {sent_and_rejects(counts)}"
