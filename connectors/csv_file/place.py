"""Finds the file that a job names and opens it as text; lets no relative path lead out of the job's folder."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from connectors.csv_file.settings import CsvSettings
from connectors.moment import moment_text
from connectors.protocol import BrokenSourceError, ConfigurationError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells one state of a file from another."""

    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Mark:
        """Take it from the file system's answer."""
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)

    @property
    def written(self) -> str:
        """The moment when the file was last written: the only clock that a file has."""
        return moment_text(_EPOCH + timedelta(microseconds=self.modified_ns // 1000))


class Place:
    """One file, as the settings name it."""

    def __init__(self, settings: CsvSettings, folder: Path) -> None:
        self._settings = settings
        self._folder = Path(os.path.realpath(folder))
        self.path = Path(os.path.realpath(self._folder / settings.path))  # Path.resolve raises where links go in a ring
        self.name = self.path.name

    def open_text(self) -> TextIO:
        """Open the file at its beginning; raises ConfigurationError where it is not to be read."""
        self._refuse_outside()
        encoding = self._settings.encoding
        known_as_utf8 = encoding.lower().replace("_", "-") in {"utf-8", "utf8"}
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):  # before it is opened: a pipe would wait for its writer
                raise ConfigurationError(f"{self.name}: not a regular file (source.path)")
            return self.path.open(
                encoding="utf-8-sig" if known_as_utf8 else encoding, errors="surrogateescape", newline=""
            )
        except LookupError:
            raise ConfigurationError(f"source.encoding: {encoding!r} is no known encoding") from None
        except OSError as error:
            raise ConfigurationError(f"{self.path}: cannot be read ({error.strerror}) (source.path)") from None

    def refuse_change(self, mark: Mark | None) -> None:
        """Raise BrokenSourceError where the file is not the one that `mark` was taken of.

        Its columns may be others now, or its end may be missing.
        """
        try:
            changed = Mark.of(self.path.stat()) != mark
        except OSError:
            changed = True
        if changed:
            raise BrokenSourceError(f"{self.name}: the file changed while it was being read")

    def _refuse_outside(self) -> None:
        given = Path(self._settings.path)
        if not given.is_absolute() and not self.path.is_relative_to(self._folder):
            raise ConfigurationError(
                "source.path: leads out of the job's folder; only an absolute path is taken as it stands"
            )
