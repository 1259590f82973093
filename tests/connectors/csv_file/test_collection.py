"""Several files by a pattern are one source: in the order of their names, whole, and the same from open to end."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.csv_file import CsvSettings, CsvSource
from connectors.protocol import BrokenSourceError, ConfigurationError, PermanentError
from tests.connectors.csv_file.reading import flaws, opened, pages, rows

PATTERN = "export/customers-*.csv"
BY_UPDATE = {"key": "no", "updated_at": "changed"}


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Give a folder with three files, written in no order, and others that are not meant."""
    folder = tmp_path / "export"
    folder.mkdir()
    for name, text in (("customers-2", "no,name\nC,z\n"), ("customers-10", "name,no\ny,B\n"), ("others", "x\n")):
        (folder / f"{name}.csv").write_text(text)
    (folder / "customers-1.csv").write_text("no,name\nA,x\nA2,x\nA3,x\n")
    (folder / ".customers-0.csv").write_text("half an upload")
    return folder


def write(folder: Path, name: str, lines: list[str], hour: int) -> None:
    """Write a file with last updates; it was last written at an hour of the first of May."""
    path = folder / name
    path.write_text("no,changed\n" + "".join(f"{line}\n" for line in lines))
    moment = datetime(2024, 5, 1, hour, tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))


def test_files_are_read_in_the_order_of_their_names(export: Path) -> None:
    """Columns in another order are put into the first file's; no page has records of two files."""
    source = opened(export.parent, PATTERN, key="no")
    assert source.open() == ("no", "name")
    assert rows(source) == [["A", "x"], ["A2", "x"], ["A3", "x"], ["B", "y"], ["C", "z"]]
    shown = [(page.file, list(page.keys), list(page.lines or ()), page.cursor) for page in pages(source, 2)]
    assert shown == [
        ("customers-1.csv", ["A", "A2"], [2, 3], "2"),
        ("customers-1.csv", ["A3"], [4], "3"),
        ("customers-10.csv", ["B"], [2], "4"),
        ("customers-2.csv", ["C"], [2], "5"),
    ]
    assert [list(page.keys) for page in source.pages("3", 2)] == [["B"], ["C"]]
    (found,) = source.read_keys(["C", "gone"], 10)
    assert (found.file, list(found.keys)) == ("customers-2.csv", ["C"])


def test_a_single_file_is_not_named_with_each_record(export: Path) -> None:
    """Lines are the file's that the job names."""
    assert [page.file for page in pages(opened(export.parent, "export/customers-1.csv"))] == [None]


def test_what_cannot_be_read_is_named_by_line_and_file(export: Path) -> None:
    """Line 2 of one file is another record than line 2 of the next."""
    (export / "customers-1.csv").write_text("no,name\n,x\n")
    (export / "customers-2.csv").write_text("no,name\n1,2,3\n")
    assert flaws(opened(export.parent, PATTERN, key="no")) == [
        ("line 2 of customers-1.csv", "missing_key"),
        ("line 2 of customers-2.csv", "field_count"),
    ]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("no", r"customers-2\.csv: lacks column 2 of customers-1\.csv"),
        ("no,name,secret", r"customers-2\.csv: has columns of its own \(3\) that customers-1\.csv lacks"),
        ("no,secret", r"lacks column 2 of customers-1\.csv and has columns of its own \(2\)"),
        ("no,name,no", "columns 1, 3 of the header have one name|names its columns otherwise"),
        ("", r"customers-2\.csv: is empty"),
    ],
)
def test_a_file_with_other_columns_is_refused(export: Path, header: str, words: str) -> None:
    """It is named, and its columns by their places: they may be a customer's values."""
    (export / "customers-2.csv").write_text(header)
    with pytest.raises(ConfigurationError, match=words) as caught:
        opened(export.parent, PATTERN, key="no")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("path", ["export/none-*.csv", "nowhere/*.csv", "export/customers-?.txt"])
def test_a_pattern_that_matches_nothing_is_refused(export: Path, path: str) -> None:
    """No file is not an empty source."""
    with pytest.raises(ConfigurationError, match=r"source\.path: no file matches"):
        opened(export.parent, path, key="no")


def test_a_bracket_stands_for_itself(export: Path) -> None:
    """Browsers write them into names; `*` and `?` alone stand for others."""
    (export / "customers-[1].csv").write_text("no\nA\n")
    assert rows(opened(export.parent, "export/customers-[1].csv")) == [["A"]]
    assert rows(opened(export.parent, "export/customers-[?].csv", key="no")) == [["A"]]


@pytest.mark.parametrize(
    ("path", "more", "words"),
    [("*.csv", {}, "needs a key"), ("*/customers.csv", {"key": "no"}, "only the last part of the path")],
)
def test_settings_that_cannot_be_kept_are_refused(path: str, more: dict[str, str], words: str) -> None:
    """A line is no name where there are several files, and folders are not searched."""
    with pytest.raises(ValidationError, match=words):
        CsvSettings.model_validate({"kind": "csv", "path": path, **more})


def test_a_pattern_does_not_lead_out_of_the_folder(export: Path) -> None:
    """Neither by its path nor by a link among the files that it matches; an absolute one is meant."""
    inner = export.parent / "job"
    inner.mkdir()
    with pytest.raises(ConfigurationError, match="leads out of the job's folder"):
        opened(inner, "../export/customers-*.csv", key="no")
    (inner / "customers-1.csv").symlink_to(export / "customers-1.csv")
    with pytest.raises(ConfigurationError, match="leads out of the job's folder"):
        opened(inner, "customers-*.csv", key="no")
    assert len(rows(opened(inner, str(export / "customers-*.csv"), key="no"))) == 5


def test_x16_a_name_does_not_write_into_the_log(tmp_path: Path) -> None:
    """X16: a line break, a colour or half a character in a file's name are shown as what they are, in one line."""
    for name in (b"c-\n.csv", b"c-\x1b[31m.csv", b"c-\xff.csv"):
        (tmp_path / os.fsdecode(name)).write_text("no,name\n,x\n")
    found = pages(opened(tmp_path, "c-*.csv", key="no"))
    assert [page.file for page in found] == ["'c-\\n.csv'", "'c-\\x1b[31m.csv'", "'c-\\udcff.csv'"]
    assert found[0].keys == ["line 2 of 'c-\\n.csv'"]


def test_a_folder_that_matches_is_no_file(export: Path) -> None:
    """Nothing is left out in silence."""
    (export / "customers-3.csv").mkdir()
    with pytest.raises(ConfigurationError, match=r"customers-3\.csv: not a regular file"):
        opened(export.parent, PATTERN, key="no")


def appear(folder: Path) -> None:
    """Add a file."""
    (folder / "customers-3.csv").write_text("no,name,changed\nD,w,2024-05-01T00:00:00Z\n")


def vanish(folder: Path) -> None:
    """Take one away."""
    (folder / "customers-2.csv").unlink()


def grow(folder: Path) -> None:
    """Add a record to the last one."""
    with (folder / "customers-2.csv").open("a") as file:
        file.write("D,w,2024-05-01T00:00:00Z\n")


@pytest.mark.parametrize("meddle", [appear, vanish, grow])
@pytest.mark.parametrize("more", [{"key": "no"}, BY_UPDATE], ids=["by key", "by last update"])
@pytest.mark.parametrize("read", [0, 1, 3])
def test_files_that_are_not_those_that_were_opened_end_the_reading(
    tmp_path: Path, meddle: Callable[[Path], None], more: dict[str, str], read: int
) -> None:
    """E29: whether one appears, vanishes or changes, before the first page or the last, read already or not."""
    for number in (1, 2):
        lines = "".join(f"{number}-{n},N,2024-05-01T12:00:00Z\n" for n in range(4))
        (tmp_path / f"customers-{number}.csv").write_text(f"no,name,changed\n{lines}")
    source = opened(tmp_path, "customers-*.csv", **more)
    reading = source.pages(None, 2)
    for _ in range(read):
        next(reading)
    meddle(tmp_path)
    with pytest.raises(BrokenSourceError, match=r"came or went|changed while"):
        list(reading)


def test_several_files_go_as_far_as_the_one_that_lags_most(tmp_path: Path) -> None:
    """North exports at noon, south in the evening: what south brings tonight is older than what north has brought."""
    write(tmp_path, "north.csv", ["N1,2024-05-01T11:00Z", "N2,2024-05-01T08:00Z"], 12)
    write(tmp_path, "south.csv", ["S1,2024-05-01T07:00Z", "S2,2024-05-01T06:00Z"], 8)
    found = pages(opened(tmp_path, "*.csv", **BY_UPDATE), 1)
    assert [page.cursor for page in found] == [None, None, None, "2024-05-01T07:00:00.000000Z"]
    write(tmp_path, "south.csv", ["S1,2024-05-01T07:00Z", "S2,2024-05-01T10:00Z"], 18)
    later = opened(tmp_path, "*.csv", **BY_UPDATE).pages(found[-1].cursor, 10)
    assert [key for page in later for key in page.keys] == ["N1", "N2", "S1", "S2"]


def test_a_file_that_does_not_say_how_far_it_goes_holds_the_others(tmp_path: Path) -> None:
    """An empty file may be full tomorrow, of records older than today's others; and never is a cursor taken back."""
    write(tmp_path, "north.csv", ["N1,2024-05-01T11:00Z"], 12)
    write(tmp_path, "south.csv", [], 12)
    source = opened(tmp_path, "*.csv", **BY_UPDATE)
    assert [page.cursor for page in pages(source)] == [None]
    (page,) = source.pages("2024-05-01T03:00:00.000000Z", 10)
    assert page.cursor == "2024-05-01T03:00:00.000000Z"


def test_each_file_has_its_own_clock(tmp_path: Path) -> None:
    """E08: a record dated after its file was written moves nothing, however new the other files are."""
    write(tmp_path, "a.csv", ["A,2024-05-01T10:00Z", "B,2024-05-01T07:00Z"], 8)
    write(tmp_path, "b.csv", ["C,2024-05-01T11:00Z"], 12)
    *_, last = pages(opened(tmp_path, "*.csv", **BY_UPDATE), 1)
    assert last.cursor == "2024-05-01T07:00:00.000000Z"
    assert last.notice == "1 records are dated after the file was written"


def test_files_that_are_all_older_than_the_watermark_are_refused(tmp_path: Path) -> None:
    """The newest one decides: the others may be parts of it that did not change."""
    write(tmp_path, "a.csv", ["A,2024-05-01T01:00Z"], 2)
    write(tmp_path, "b.csv", ["B,2024-05-01T05:00Z"], 6)
    source = opened(tmp_path, "*.csv", **BY_UPDATE)
    assert [list(page.keys) for page in source.pages("2024-05-01T05:00:00.000000Z", 9)] == [["B"]]
    with pytest.raises(PermanentError, match=r"b\.csv: reading is to begin at"):
        list(source.pages("2024-05-01T07:00:00.000000Z", 9))


def test_a_time_without_a_zone_is_told_on_opening_whichever_file_has_it(tmp_path: Path) -> None:
    """The file is named, and its line."""
    write(tmp_path, "a.csv", ["A,2024-05-01T10:00Z"], 12)
    write(tmp_path, "b.csv", ["B,2024-05-01T10:00"], 12)
    with pytest.raises(ConfigurationError, match=r"b\.csv: line 2: the time says no zone"):
        opened(tmp_path, "*.csv", **BY_UPDATE)


def test_another_set_of_files_is_another_place(tmp_path: Path) -> None:
    """A file that comes late holds records older than the watermark: with it, everything is read."""
    settings = CsvSettings.model_validate({"kind": "csv", "path": "*.csv", **BY_UPDATE})

    def address() -> str:
        return CsvSource(settings, tmp_path).address

    write(tmp_path, "a.csv", ["A,2024-05-01T10:00Z"], 12)
    before = address()
    assert before.startswith(f"csv:{tmp_path}/*.csv (1 files, ")
    write(tmp_path, "a.csv", ["A,2024-05-01T11:00Z"], 12)
    assert address() == before
    write(tmp_path, "b.csv", ["B,2024-05-01T09:00Z"], 12)
    assert address() != before


def test_kinds_may_be_mixed(tmp_path: Path) -> None:
    """Each file is what its first bytes say."""
    (tmp_path / "c-1.csv").write_text("no;name\nA;x\n")
    (tmp_path / "c-2.csv.gz").write_bytes(gzip.compress(b"name,no\ny,B\n"))
    assert rows(opened(tmp_path, "c-*", key="no")) == [["A", "x"], ["B", "y"]]
