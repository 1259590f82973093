"""Where a run tells how it goes and hears that it shall stop; decides nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from flows.desk import Steps
from flows.extraction import Extraction
from flows.ledger.record import Counts


@dataclass(frozen=True, slots=True)
class Hand:
    """A page in hand: its run, its number, how many records its source counted, and the cursor after it."""

    run: int
    page: int
    counted: int
    cursor: str | None = None


EachPage = Callable[[Hand, Callable[[], Awaitable[Counts]]], Awaitable[Counts]]


@dataclass(slots=True)
class Watch:
    """Where a run tells how it goes, and where it can be told to stop; a test or a driver may look on."""

    on_begin: Callable[[Extraction], None] = lambda _extraction: None
    on_page: Callable[[int, Counts], None] = lambda _number, _counts: None
    on_notice: Callable[[str], None] = lambda _text: None
    on_step: Steps = lambda _name: None
    each_page: EachPage | None = None
    stop_asked: bool = False

    def stop(self) -> None:
        """Ask the run to settle what is in flight and end."""
        self.stop_asked = True
