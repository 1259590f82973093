"""Watches over the bytes of a file as they are read, so that none fills the memory and a damaged one is told."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from connectors.protocol import BrokenSourceError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer  # exists for type checkers alone

LARGEST_RATIO = 200  # deflate reaches 1,032 with zeros; exports of customers stay well below 50
FREE_BYTES = 16 * 1024 * 1024  # so much may come out of any archive, whatever its ratio
_LONGEST_LINE = 16 * 1024 * 1024  # a line is held in memory before it is cut into cells


class Readable(Protocol):
    """An open file, or an archive that unpacks as it is read."""

    def read(self, size: int = -1, /) -> bytes:
        """Read at most so many bytes; none at the end."""


class Stream(io.RawIOBase):
    """The bytes of one file, unpacked; raises BrokenSourceError naming it where they cannot be read any further.

    `packed` tells how many bytes of an archive were read so far, or are in it altogether.
    """

    def __init__(self, inner: Readable, name: str, packed: Callable[[], int] | None = None) -> None:
        self._inner = inner
        self._name = name
        self._packed = packed
        self._ahead = b""
        self._count = 0
        self._line = 0
        self._tail = b""

    @property
    def ends_with_line_break(self) -> bool:
        """Whether what was read so far does; in UTF-16 and UTF-32 a line break has zeros beside it."""
        return self._tail.strip(b"\0").endswith((b"\n", b"\r"))

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def first_bytes(self, count: int) -> bytes:
        """Look at the first bytes without taking them."""
        self._ahead = self._read(count)
        return self._ahead

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read the next bytes."""
        view = memoryview(buffer)
        data = self._ahead or self._read(len(view))
        self._ahead = data[len(view) :]
        data = data[: len(view)]
        view[: len(data)] = data
        self._measure(data)
        return len(data)

    def _read(self, count: int) -> bytes:
        try:
            return self._inner.read(count)
        except (EOFError, zlib.error, zipfile.BadZipFile) as error:
            raise BrokenSourceError(f"{self._name}: the archive is damaged, or cut off ({error})") from None
        except OSError as error:  # gzip's own, or a disk or a network that fails; the file itself may be whole
            if error.strerror is None:
                raise BrokenSourceError(f"{self._name}: the archive is damaged, or cut off ({error})") from None
            raise BrokenSourceError(f"{self._name}: cannot be read any further ({error.strerror})") from None

    def _measure(self, data: bytes) -> None:
        self._count += len(data)
        self._tail = (self._tail + data)[-4:]
        if self._packed is not None and self._count > max(FREE_BYTES, LARGEST_RATIO * self._packed()):
            raise BrokenSourceError(f"{self._name}: unpacks to more than {LARGEST_RATIO} times its size")
        end = max(data.rfind(b"\n"), data.rfind(b"\r"))
        self._line = len(data) - end - 1 if end >= 0 else self._line + len(data)
        if self._line > _LONGEST_LINE:
            raise BrokenSourceError(f"{self._name}: a line of more than {_LONGEST_LINE // 1024**2} MiB")
