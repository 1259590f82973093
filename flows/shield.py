"""Tries records out in a process of its own, and finds those that kill it; the run itself stays alive.

A converter or a library that ends the whole process on one record (out of memory, a fault in machine code) would
otherwise stop every run at that record.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pandas as pd

from connectors.protocol import Page, Refusal

POISON = "poison"
KILLER = Refusal(POISON, "", "work on this record ended the whole process")
_SPAWN = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang


@dataclass(slots=True)
class Shield:
    """A worker process for one job, begun when it is first needed and begun anew when it has died."""

    job: Path
    key: bytes
    _worker: SpawnProcess | None = None
    _line: Connection | None = None
    tried: int = field(default=0)  # how often something was tried out

    def clear(self, page: Page, positions: Sequence[int]) -> Page:
        """Mark those of these records as unreadable that end a process; blocks, so call it in a thread."""
        killers = self._killers(page, [position for position in positions if position not in page.unreadable])
        if not killers:
            return page
        return replace(page, unreadable={**page.unreadable, **dict.fromkeys(killers, KILLER)})

    def close(self) -> None:
        """End the worker."""
        if self._line is not None:
            self._line.close()
        if self._worker is not None:
            self._worker.join()
        self._worker = self._line = None

    def _killers(self, page: Page, positions: Sequence[int]) -> list[int]:
        """Find the records to blame, by halves."""
        if not positions or self._survives(page.records.iloc[list(positions)].reset_index(drop=True)):
            return []
        if len(positions) == 1:
            return list(positions)
        half = len(positions) // 2
        return self._killers(page, positions[:half]) + self._killers(page, positions[half:])

    def _survives(self, records: pd.DataFrame) -> bool:
        self.tried += 1
        line = self._line or self._begin()
        try:
            line.send(records)
            line.recv()
        except (EOFError, OSError):
            self.close()
            return False
        return True

    def _begin(self) -> Connection:
        line, other_end = _SPAWN.Pipe()
        self._worker = _SPAWN.Process(target=_work, args=(other_end, self.job, self.key), daemon=True)
        self._worker.start()
        other_end.close()  # so that the death of either side ends the other's wait
        self._line = line
        return line


def _work(line: Connection, job: Path, key: bytes) -> None:
    """Map and check whatever comes, until nobody is left to ask."""
    from flows.job import load_job
    from flows.plan import compile_job
    from flows.preparation import try_out

    plan = compile_job(load_job(job, os.environ), key)
    with suppress(EOFError):
        while True:
            try_out(line.recv(), plan)
            line.send("alive")
