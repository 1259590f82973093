"""Finds the files that a job names and opens them as bytes; lets no relative path lead out of the job's folder."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

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


@dataclass(frozen=True, slots=True)
class File:
    """One file: where it is, and how messages call it."""

    path: Path
    name: str

    def open(self) -> BinaryIO:
        """Open the file at its beginning; raises ConfigurationError where it is not to be read."""
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):  # before it is opened: a pipe would wait for its writer
                raise ConfigurationError(f"{self.name}: not a regular file (source.path)")
            return self.path.open("rb")
        except OSError as error:
            raise ConfigurationError(f"{self.path}: cannot be read ({error.strerror}) (source.path)") from None

    def mark_of(self, opened: BinaryIO) -> Mark:
        """Take the mark of the file that was opened, which may no longer be the one of that name."""
        return Mark.of(os.fstat(opened.fileno()))

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


class Place:
    """Where the settings say that the customers are: in one file, or in those whose names match a pattern."""

    def __init__(self, settings: CsvSettings, folder: Path) -> None:
        self._given = Path(settings.path)
        self._sheet = settings.sheet
        self._folder = Path(os.path.realpath(folder))  # Path.resolve raises where links go in a ring
        self._pattern = self._given.name if settings.is_pattern else None

    @property
    def address(self) -> str:
        """Name what is read. Another set of files is another place: what is new among them is to be read whole."""
        if self._pattern is None:
            address = os.path.realpath(self._folder / self._given)
        else:
            names = "\0".join(self._names).encode(errors="surrogateescape")
            found = f"{len(self._names)} files, {hashlib.sha256(names).hexdigest()[:12]}"
            address = f"{self._directory / self._pattern} ({found})"
        return f"csv:{address}#{self._sheet}" if self._sheet else f"csv:{address}"

    def files(self) -> list[File]:
        """Give the files in the order of their names; raises ConfigurationError where there is none to be read."""
        if self._pattern is None:
            path = self._inside(self._folder / self._given)
            return [File(path, _printable(path.name))]
        if not self._names:
            raise ConfigurationError(f"source.path: no file matches {self._given}")
        return [File(self._inside(self._directory / name), _printable(name)) for name in self._names]

    def refuse_others(self) -> None:
        """Raise BrokenSourceError where the pattern matches other files than it did at first."""
        if self._pattern is not None and self._match() != self._names:
            raise BrokenSourceError(f"{self._pattern}: a file came or went while they were being read")

    @property
    def _directory(self) -> Path:
        return self._folder / self._given.parent

    @cached_property
    def _names(self) -> list[str]:
        return self._match()

    def _match(self) -> list[str]:
        """List the matching names; `[` stands for itself, and a name that begins with a dot is meant for nobody."""
        pattern = (self._pattern or "").replace("[", "[[]")
        try:
            names = [path.name for path in self._directory.iterdir()]
        except OSError:
            return []
        return sorted(name for name in names if fnmatchcase(name, pattern) and not name.startswith("."))

    def _inside(self, path: Path) -> Path:
        real = Path(os.path.realpath(path))
        if not self._given.is_absolute() and not real.is_relative_to(self._folder):
            raise ConfigurationError(
                "source.path: leads out of the job's folder; only an absolute path is taken as it stands"
            )
        return real


def _printable(name: str) -> str:
    """Write a name into one line: whoever may put files there does not write our log."""
    return name if name.isprintable() else repr(name)
