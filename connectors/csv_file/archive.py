"""Tells by its first bytes what a file is, and unpacks gzip and zip as they are read; writes nothing to disk."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import PurePosixPath
from typing import IO, BinaryIO

from connectors.csv_file.place import File, Mark
from connectors.csv_file.stream import FREE_BYTES, LARGEST_RATIO, Readable, Stream
from connectors.protocol import ConfigurationError

_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # with files in it, and without any
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack without a bound on what comes at once
_MANIFEST = "[Content_Types].xml"
_HELD_IN_MEMORY = 128 * 1024 * 1024


class Form(Enum):
    """How a file holds its customers."""

    TEXT = auto()
    GZIP = auto()
    ZIP = auto()
    WORKBOOK = auto()


def form_of(file: File) -> Form:
    """Tell it by the first bytes; raises ConfigurationError for what cannot be read, and says what would help."""
    with file.open() as raw:
        form = _form(_first_bytes(raw, file), file)
        if form is not Form.ZIP:
            return form
        names = set(_unzipped(raw, file).namelist())
    if "xl/workbook.bin" in names or {"mimetype", "content.xml"} <= names:
        raise ConfigurationError(f"{file.name}: a workbook of another kind; save it as .xlsx")
    return Form.WORKBOOK if _MANIFEST in names else Form.ZIP


@contextmanager
def unpacked(file: File, form: Form) -> Iterator[tuple[Stream, Mark]]:
    """Open the bytes of a file of text, unpacked, and take the mark of the very file.

    Raises ConfigurationError where it cannot be opened. Reading raises BrokenSourceError as `Stream` does.
    """
    with file.open() as raw:
        mark = file.mark_of(raw)
        match form:
            case Form.GZIP:
                yield _stream(gzip.GzipFile(fileobj=raw), file, raw.tell), mark
            case Form.ZIP:
                archive = _unzipped(raw, file)
                entry = _only_entry(archive, file)
                yield _stream(_opened(archive, entry, file), file, lambda: entry.compress_size), mark
            case _:
                yield Stream(raw, file.name), mark


def refuse_bomb(raw: BinaryIO, file: File) -> None:
    """Raise ConfigurationError for a workbook that would fill the memory, or has a password."""
    entries = _unzipped(raw, file).infolist()
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise ConfigurationError(f"{file.name}: has a password; save it without one")
    size, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    if size > max(FREE_BYTES, LARGEST_RATIO * packed):
        raise ConfigurationError(f"{file.name}: unpacks to more than {LARGEST_RATIO} times its size")
    # texts and formats stand beside the sheets, and are held in memory while a sheet is read
    beside = [entry for entry in entries if str(PurePosixPath(entry.filename).parent) in {".", "xl", "docProps"}]
    if sum(entry.file_size for entry in beside) > _HELD_IN_MEMORY:
        raise ConfigurationError(f"{file.name}: has more text than a workbook is read with; save its sheet as CSV")
    raw.seek(0)


def _first_bytes(raw: BinaryIO, file: File) -> bytes:
    try:
        return raw.read(8)
    except OSError as error:
        raise ConfigurationError(f"{file.name}: cannot be read ({error.strerror})") from None


def _form(begin: bytes, file: File) -> Form:
    if begin.startswith(_OLD_OFFICE):
        raise ConfigurationError(
            f"{file.name}: a workbook of the old kind (.xls), or one with a password; save it as .xlsx without one"
        )
    if begin.startswith(_GZIP):
        return Form.GZIP
    return Form.ZIP if begin.startswith(_ZIP) else Form.TEXT


def _stream(inner: Readable, file: File, packed: Callable[[], int]) -> Stream:
    """Watch over what comes out of an archive; raises ConfigurationError where that is an archive again."""
    stream = Stream(inner, file.name, packed)
    if stream.first_bytes(8).startswith((_GZIP, *_ZIP, _OLD_OFFICE)):
        raise ConfigurationError(f"{file.name}: holds an archive or a workbook; unpack it once")
    return stream


def _unzipped(raw: BinaryIO, file: File) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(raw)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise ConfigurationError(f"{file.name}: the zip archive is damaged, or cut off") from None


def _opened(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, file: File) -> IO[bytes]:
    try:
        return archive.open(entry)
    except (zipfile.BadZipFile, NotImplementedError):  # its two directories do not fit together
        raise ConfigurationError(f"{file.name}: the zip archive is damaged, or cut off") from None


def _only_entry(archive: zipfile.ZipFile, file: File) -> zipfile.ZipInfo:
    """Find the one file that is no folder and none of those that macOS adds."""
    entries = [each for each in archive.infolist() if not each.is_dir() and not each.filename.startswith("__MACOSX/")]
    if len(entries) != 1:
        names = ", ".join(repr(each.filename) for each in entries[:5]) + (", ..." if len(entries) > 5 else "")  # noqa: PLR2004 - enough to see what it is
        found = f"{len(entries)} files ({names})" if entries else "no file"
        raise ConfigurationError(f"{file.name}: the zip archive has {found}; it must have one")
    (entry,) = entries
    if entry.flag_bits & _ENCRYPTED:
        raise ConfigurationError(f"{file.name}: the zip archive has a password; make one without")
    if entry.compress_type not in _METHODS:
        raise ConfigurationError(f"{file.name}: packed by another method than deflate; make a plain zip archive")
    return entry
