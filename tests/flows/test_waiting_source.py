"""A source that is away keeps nobody waiting who wants to stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from connectors.protocol import Page, UnavailableError
from flows.summary import ExitCode
from tests.flows.bench import Bench, record
from tests.flows.fake import FakeSource


@dataclass
class LostSource(FakeSource):
    """Loses its system after the second page, and waits for it until it is closed."""

    closed: threading.Event = field(default_factory=threading.Event)

    def pages(self, after: str | None, size: int) -> Iterator[Page]:
        """Read two pages, then wait."""
        pages = super().pages(after, size)
        yield next(pages)
        yield next(pages)
        assert self.closed.wait(timeout=20), "nobody told the source to wait no longer"
        raise UnavailableError("database: read: no answer")

    def close(self) -> None:
        """End the wait."""
        self.closed.set()


def test_a_stop_ends_the_wait_for_a_source(bench: Bench) -> None:
    """The run that is asked to stop ends at the page in hand, though the next one will never come."""
    bench.source = LostSource([record(f"C-{n}") for n in range(9)])

    def stop_at_the_first_page(name: str) -> None:
        if name == "confirmed":
            bench.watch.stop()

    summary = bench.run(on_step=stop_at_the_first_page)
    assert summary.exit_code is ExitCode.STOPPED
    assert summary.counts.created == 3
