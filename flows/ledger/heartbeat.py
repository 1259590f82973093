"""Renews a ledger's lease from a thread of its own, so that nothing the run does can keep it from that."""

from __future__ import annotations

import threading

from flows.ledger.knowledge import LedgerError
from flows.ledger.lease import LeaseLostError, beat_seconds
from flows.ledger.ledger import Ledger


class Heartbeat:
    """Shows that a run lives while it waits for a target that says nothing, or computes on its event loop.

    A process that is frozen freezes this thread as well. It uses a connection of its own, and waits for the writer.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def start(self) -> None:
        """Begin; the ledger has a lease."""
        self._thread.start()

    def stop(self) -> None:
        """End, after a renewal that is under way; blocks until then."""
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._ended.wait(beat_seconds()):
            try:
                self._ledger.renew_lease()
            except LeaseLostError:
                return  # the next write or request of the run meets it as well
            except LedgerError:
                continue  # a server may come back before the lease has run out
