"""Files in gzip and zip are read as if they were unpacked, and damaged ones are told."""

from __future__ import annotations

import gzip
import struct
import zipfile
from pathlib import Path

import pytest

from connectors.protocol import BrokenSourceError, ConfigurationError
from tests.connectors.csv_file.reading import opened, pages, rows

TEXT = "no;name\n" + "".join(f"{n};Name {n * n % 997}\n" for n in range(2000))
CUSTOMERS = [[str(n), f"Name {n * n % 997}"] for n in range(2000)]


def zipped(folder: Path, files: dict[str, str], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write an archive."""
    path = folder / "customers.csv"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def gzipped(folder: Path, text: str = TEXT) -> Path:
    """Write a gzip file, under a name that does not say so."""
    path = folder / "customers.csv"
    path.write_bytes(gzip.compress(text.encode()))
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_archive_is_read_through(tmp_path: Path, method: int) -> None:
    """By its first bytes, whatever its name; folders and what macOS adds are no files."""
    zipped(tmp_path, {"out/": "", "__MACOSX/._customers.csv": "x", "out/customers.csv": TEXT}, method)
    assert rows(opened(tmp_path)) == CUSTOMERS


def test_a_gzip_file_is_read_through(tmp_path: Path) -> None:
    """With one member, and with several, as appending makes them."""
    path = gzipped(tmp_path)
    assert rows(opened(tmp_path)) == CUSTOMERS
    path.write_bytes(path.read_bytes() + gzip.compress(b"more;x\n"))
    assert rows(opened(tmp_path)) == [*CUSTOMERS, ["more", "x"]]


def test_lines_and_resuming_are_those_of_the_text_within(tmp_path: Path) -> None:
    """Packed or not, a record has the same line and a cursor the same meaning."""
    gzipped(tmp_path)
    source = opened(tmp_path)
    (page,) = source.pages("1998", 10)
    assert [list(page.lines or ()), page.cursor] == [[2000, 2001], "2000"]


def test_a_packed_file_that_changes_is_told(tmp_path: Path) -> None:
    """The packed file is watched."""
    gzipped(tmp_path)
    source = opened(tmp_path)
    reading = source.pages(None, 10)
    next(reading)
    gzipped(tmp_path, TEXT + "late;x\n")
    with pytest.raises(BrokenSourceError, match="changed while"):
        next(reading)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.csv": TEXT, "b.csv": TEXT}, r"has 2 files \('a\.csv', 'b\.csv'\); it must have one"),
        (
            {f"{n}.csv": TEXT for n in range(7)},
            r"has 7 files \('0\.csv', '1\.csv', '2\.csv', '3\.csv', '4\.csv', \.\.\.\)",
        ),
        ({"a\n\x1b[31m.csv": TEXT, "b.csv": TEXT}, r"has 2 files \('a\\n\\x1b\[31m\.csv', 'b\.csv'\)"),
        ({}, "has no file; it must have one"),
        ({"customers.csv.gz": gzip.compress(TEXT.encode()).decode("latin-1")}, "holds an archive"),
        ({"mimetype": "x", "content.xml": "x"}, r"save it as \.xlsx"),
        ({"[Content_Types].xml": "x", "xl/workbook.bin": "x"}, r"save it as \.xlsx"),
    ],
)
def test_an_archive_without_one_file_of_text_is_refused(tmp_path: Path, files: dict[str, str], words: str) -> None:
    """The message names what is in it."""
    with zipfile.ZipFile(tmp_path / "customers.csv", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=words):
        opened(tmp_path)


def test_an_encrypted_archive_is_told(tmp_path: Path) -> None:
    """The flag is set by hand in both directories: the standard library cannot encrypt."""
    path = zipped(tmp_path, {"customers.csv": TEXT})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(ConfigurationError, match="has a password"):
        opened(tmp_path)


def test_a_method_that_unpacks_without_a_bound_is_refused(tmp_path: Path) -> None:
    """The library unpacks bzip2 and lzma in as large pieces as they come."""
    zipped(tmp_path, {"customers.csv": TEXT}, zipfile.ZIP_LZMA)
    with pytest.raises(ConfigurationError, match="another method"):
        opened(tmp_path)


@pytest.mark.parametrize("cut", [1, 8, 100, 5000])
def test_a_gzip_file_cut_off_is_broken(tmp_path: Path, cut: int) -> None:
    """Without its trailer, or a part of it, or of the records: what was read before it stands, the end is told."""
    path = gzipped(tmp_path)
    path.write_bytes(path.read_bytes()[:-cut])
    source = opened(tmp_path)
    with pytest.raises(BrokenSourceError, match=r"customers\.csv: the archive is damaged, or cut off"):
        pages(source)


def test_a_gzip_file_that_is_damaged_within_or_has_another_checksum_is_broken(tmp_path: Path) -> None:
    """A flipped bit is told by the checksum at the latest."""
    path = gzipped(tmp_path)
    whole = path.read_bytes()
    for place in (len(whole) // 2, len(whole) - 6):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        source = opened(tmp_path)
        with pytest.raises(BrokenSourceError, match=r"damaged, or cut off|cannot be read"):
            pages(source)


def test_a_gzip_file_cut_off_at_its_beginning_is_told_on_opening(tmp_path: Path) -> None:
    """Where not even the header can be read the job is wrong."""
    path = gzipped(tmp_path)
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(ConfigurationError, match="damaged, or cut off"):
        opened(tmp_path)


def test_a_zip_archive_cut_off_is_told_on_opening(tmp_path: Path) -> None:
    """Its directory stands at its end."""
    path = zipped(tmp_path, {"customers.csv": TEXT})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ConfigurationError, match="damaged, or cut off"):
        opened(tmp_path)


def test_a_zip_archive_with_another_checksum_is_broken(tmp_path: Path) -> None:
    """It is told at the end of the records, and the last page does not come."""
    path = zipped(tmp_path, {"customers.csv": TEXT})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 16] ^= 0xFF
    path.write_bytes(data)
    source = opened(tmp_path)
    reading = source.pages(None, 1000)
    assert next(reading).counted == 1000
    with pytest.raises(BrokenSourceError, match="damaged, or cut off"):
        next(reading)


def test_a_zip_archive_whose_directories_do_not_fit_is_told(tmp_path: Path) -> None:
    """The one before the file names another file than the one at the end."""
    path = zipped(tmp_path, {"customers.csv": TEXT})
    path.write_bytes(path.read_bytes().replace(b"customers.csv", b"customerz.csv", 1))
    with pytest.raises(ConfigurationError, match="damaged, or cut off"):
        opened(tmp_path)


def test_what_repeats_itself_is_no_bomb(tmp_path: Path) -> None:
    """Up to 16 MiB may come out of any archive."""
    text = "no\n" + "1\n" * 1_000_000
    path = gzipped(tmp_path, text)
    assert len(text) > 200 * path.stat().st_size
    assert sum(page.counted for page in pages(opened(tmp_path), 100_000)) == 1_000_000


def test_an_archive_that_lies_about_its_size_is_held_to_it(tmp_path: Path) -> None:
    """No more comes out of a zip archive than its directory says."""
    path = zipped(tmp_path, {"customers.csv": TEXT})
    data = bytearray(path.read_bytes())
    place = data.index(b"PK\x01\x02") + 24
    data[place : place + 4] = struct.pack("<I", 100)
    path.write_bytes(data)
    with pytest.raises(ConfigurationError, match="damaged, or cut off"):
        opened(tmp_path)


def test_an_old_workbook_is_told(tmp_path: Path) -> None:
    """So is one with a password, which is of the same kind on the outside."""
    (tmp_path / "customers.csv").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600))
    with pytest.raises(ConfigurationError, match=r"old kind \(\.xls\), or one with a password"):
        opened(tmp_path)


def test_a_file_of_bytes_and_a_line_without_end_are_told(tmp_path: Path) -> None:
    """A line is held in memory before it is cut, so that it may not be of any length."""
    path = tmp_path / "customers.csv"
    path.write_bytes(b"no\nA\n" + b"x" * 17 * 1024**2)
    source = opened(tmp_path, delimiter=",")
    with pytest.raises(BrokenSourceError, match="a line of more than 16 MiB"):
        pages(source)
