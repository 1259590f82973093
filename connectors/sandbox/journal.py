"""An append-only account of every request that a sandbox got, for a judge who trusts no client's own counters.

Kept in memory, and line by line in a file where one is named. Holds references, never a body.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from connectors.sandbox.exchange import Ending


@dataclass(frozen=True, slots=True)
class Entry:
    """One request and what became of it.

    `status` is None where no status line was sent. `applied` says whether customers changed, whatever was answered.
    `fault` names what the sandbox did wrong on purpose ("" for nothing), `in_flight` counts the requests open at
    the time, this one included.
    """

    number: int
    time: str
    method: str
    path: str
    reference: str | None
    body_sha256: str
    status: int | None
    ending: Ending
    applied: bool
    fault: str
    in_flight: int


class Journal:
    """Appends entries; with a `path`, each is on disk before its answer (`fsync=False` trusts the cache)."""

    def __init__(self, path: Path | None = None, *, fsync: bool = True) -> None:
        self._entries: list[Entry] = []
        self._fsync = fsync
        self._file = None
        if path is not None:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    @property
    def entries(self) -> Sequence[Entry]:
        """Everything since the start or the last `clear`, in order."""
        return self._entries

    def append(self, entry: Entry) -> None:
        """Note a request; raises OSError where the file cannot take the line."""
        self._entries.append(entry)
        if self._file is not None:
            os.write(self._file, json.dumps(asdict(entry), ensure_ascii=False).encode() + b"\n")
            if self._fsync:
                os.fsync(self._file)

    def clear(self) -> None:
        """Forget what is in memory; the file keeps every line."""
        self._entries.clear()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
