"""The CSV source with a column of the last update: what is left out, where it may be read on from, what is refused."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.csv_file import CsvSettings, CsvSource
from connectors.csv_file.timing import read_times
from connectors.moment import versions
from connectors.protocol import BrokenSourceError, ConfigurationError, Page

ZURICH = ZoneInfo("Europe/Zurich")
WRITTEN = datetime(2024, 5, 2, tzinfo=UTC)


def source(folder: Path, body: str, *, written: datetime = WRITTEN, **more: str) -> CsvSource:
    """Write a file of numbers and last updates, and open a source over it."""
    path = folder / "customers.csv"
    path.write_bytes(f"no,changed\n{body}".encode())
    os.utime(path, (written.timestamp(), written.timestamp()))
    settings = {"kind": "csv", "path": "customers.csv", "key": "no", "updated_at": "changed", **more}
    made = CsvSource(CsvSettings.model_validate(settings), folder)
    made.open()
    return made


def shown(pages: list[Page]) -> list[tuple[list[str], list[str], str | None]]:
    """List keys, versions and cursor of each page."""
    return [(list(page.keys), list(page.versions or ()), page.cursor) for page in pages]


def test_only_the_last_page_says_how_far_the_file_was_read(tmp_path: Path) -> None:
    """The greatest moment may stand anywhere in the file, so that no other page has a cursor."""
    made = source(tmp_path, "A,2024-05-01T10:00Z\nB,2024-05-01T12:00+01:00\nC,2024-05-01T09:00:00.5Z\n")
    assert shown(list(made.pages(None, 1))) == [
        (["A"], ["2024-05-01T10:00:00.000000Z"], None),
        (["B"], ["2024-05-01T11:00:00.000000Z"], None),
        (["C"], ["2024-05-01T09:00:00.500000Z"], "2024-05-01T11:00:00.000000Z"),
    ]


def test_records_of_earlier_times_are_left_out_and_count_for_the_cursor(tmp_path: Path) -> None:
    """What remains fills whole pages, keeps its lines, and ends with the greatest moment of all records."""
    body = "".join(f"C{n},2024-05-01T10:{n:02}:00Z\n" for n in (5, 1, 9, 2, 7, 3, 8))
    pages = list(source(tmp_path, body).pages("2024-05-01T10:05:00.000000Z", 2))
    assert [list(page.keys) for page in pages] == [["C5", "C9"], ["C7", "C8"]]
    assert [list(page.lines or ()) for page in pages] == [[2, 4], [6, 8]]
    assert [page.cursor for page in pages] == [None, "2024-05-01T10:09:00.000000Z"]
    assert list(source(tmp_path, body).pages("2024-05-01T10:09:00.000001Z", 2)) == []


def test_a_reading_never_ends_before_it_began(tmp_path: Path) -> None:
    """A file of what is unreadable or to come alone gives no cursor before the one that it was read from."""
    made = source(tmp_path, "A,2024-05-01T10:00Z\nB,\n")
    (page,) = made.pages("2024-05-01T11:00:00.000000Z", 5)
    assert (list(page.keys), page.cursor) == (["B"], "2024-05-01T11:00:00.000000Z")
    (page,) = source(tmp_path, "B,\n").pages(None, 5)
    assert page.cursor is None


def test_an_unreadable_record_keeps_its_first_fault(tmp_path: Path) -> None:
    """Too many fields, undecodable bytes and no key are told before the missing time, which keeps the key."""
    made = source(tmp_path, "A,2024-05-01T10:00Z,x\n,\nC,soon\n\nD,2024-05-01T10:00Z\n")
    (page,) = made.pages("2024-05-01T23:00:00.000000Z", 9)
    assert list(page.keys) == ["line 2", "line 3", "C"]
    assert [page.unreadable[n].code for n in range(3)] == ["field_count", "missing_key", "cursor_missing"]
    assert page.unreadable[2].field == "changed"
    assert "soon" not in page.unreadable[2].description
    assert list(page.versions or ()) == ["", "", ""]


@pytest.mark.parametrize(
    ("after", "kept"),
    [
        ("2024-10-27T00:30:00.000000Z", True),
        ("2024-10-27T01:30:00.000000Z", True),
        ("2024-10-27T01:30:00.000001Z", False),
    ],
)
def test_an_ambiguous_time_is_left_out_only_where_both_readings_are_before(
    tmp_path: Path, after: str, *, kept: bool
) -> None:
    """E10: half past two in the repeated hour may be 00:30 or 01:30 UTC; it orders nothing, and moves by its first."""
    made = source(
        tmp_path, "A,2024-10-27 02:30:00\n", written=datetime(2024, 10, 28, tzinfo=UTC), time_zone="Europe/Zurich"
    )
    found = list(made.pages(after, 5))
    assert [list(page.versions or ()) for page in found] == ([[""]] if kept else [])
    (whole,) = made.pages(None, 5)
    assert whole.cursor == "2024-10-27T00:30:00.000000Z"


def test_records_dated_after_the_file_are_told_once(tmp_path: Path) -> None:
    """E08: they come, the last page's notice counts them, and the cursor is the greatest moment before."""
    made = source(tmp_path, "A,2999-01-01T00:00Z\nB,2024-05-01T10:00Z\nC,2024-05-02T00:00:01Z\n")
    pages = list(made.pages("2024-05-01T00:00:00.000000Z", 1))
    assert [page.notice for page in pages] == [None, None, "2 records are dated after the file was written"]
    assert pages[-1].cursor == "2024-05-01T10:00:00.000000Z"
    assert [page.notice for page in made.read_keys(["C"], 5)] == [None]


def test_single_records_are_found_whatever_their_time(tmp_path: Path) -> None:
    """`read_keys` gives versions and no cursor."""
    made = source(tmp_path, "A,2024-05-01T10:00Z\nB,\nC,2024-05-01T11:00Z\n")
    assert shown(list(made.read_keys(["B", "C", "gone"], 5))) == [
        (["B", "C"], ["", "2024-05-01T11:00:00.000000Z"], None)
    ]


def test_a_file_that_grows_at_its_end_gives_no_last_page(tmp_path: Path) -> None:
    """E29: the cursor is not given for a file that is another one by now, though all of its records were read."""
    made = source(tmp_path, "A,2024-05-01T10:00Z\nB,2024-05-01T11:00Z\n")
    pages = made.pages(None, 1)
    next(pages)
    with (tmp_path / "customers.csv").open("a") as file:
        file.write("C,2024-05-01T12:00Z\n")
    with pytest.raises(BrokenSourceError, match="changed while"):
        next(pages)


@pytest.mark.parametrize(
    ("body", "more", "words"),
    [
        ("A,x\n", {"updated_at": "modified"}, r"there is no column 'modified' \(source\.updated_at\)"),
        ("\nA,2024-05-01 10:00\n", {}, r"line 3: the time says no zone; set source\.time_zone"),
        ("A,2024-05-01\n", {}, r"source\.time_zone"),
    ],
)
def test_what_is_wrong_with_the_column_is_told_on_opening(
    tmp_path: Path, body: str, more: dict[str, str], words: str
) -> None:
    """A missing column, and a first record whose time has no zone, are faults of the job."""
    with pytest.raises(ConfigurationError, match=words):
        source(tmp_path, body, written=WRITTEN, **more)


@pytest.mark.parametrize("body", ['"x', "A\n", "A,\n", "", "\n\n", "A,soon\n"])
def test_a_first_record_that_cannot_be_read_does_not_hinder_opening(tmp_path: Path, body: str) -> None:
    """Its turn comes with its page, where its line is named."""
    assert source(tmp_path, body).address.endswith("customers.csv")


def test_a_last_update_needs_a_key() -> None:
    """Lines are other records in the next file, so that a record could not be told again."""
    with pytest.raises(ValidationError, match="updated_at needs a key"):
        CsvSettings(kind="csv", path="customers.csv", updated_at="changed")


def test_a_file_without_last_updates_has_no_overlap(tmp_path: Path) -> None:
    """Ten minutes by default, where there is something to overlap."""
    assert source(tmp_path, "").overlap == timedelta(minutes=10)
    assert not CsvSource(CsvSettings(kind="csv", path="customers.csv"), tmp_path).overlap


ODD = [
    "", " ", "soon", "2024-05-01", "2024-05-01T10", "20240501", "2024-W18-3", "2024-05-01T10:00:00Z", "0000-01-01",
    " 2024-05-01T10:00:00Z ", "2024-05-01T10:00:00.1234567Z", "2024-05-01T10:00:60Z", "2024-05-01T24:00:00Z",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2024-05-01T10:00:00,5+02:00", "2024-10-27 02:30:00",
    "2024-03-31 02:30:00", "2024-05-01x10:00:00", "2024-05-01t10:00:00z", "2024-02-30", "\udcff", "+2024-05-01",
    "2024-05-01T10:00-00:30", "1800-01-01T00:00:00", "2024-05-01T10:00:00.1", "2024-05-01T10:00:00+00:60",
    "2024-05-01T10:00:00+25:00",
]  # fmt: skip
ORDERLY = st.datetimes(timezones=st.none() | st.sampled_from([UTC, ZURICH])).map(datetime.isoformat)


@given(
    texts=st.lists(ORDERLY | st.sampled_from(ODD), max_size=4), zone=st.sampled_from([None, ZoneInfo("UTC"), ZURICH])
)
def test_times_read_at_once_are_those_read_one_by_one(texts: list[str], zone: ZoneInfo | None) -> None:
    """Whatever stands beside a time, and whatever reads it, its version is that of `connectors.moment`."""
    assert read_times(texts, zone).versions() == versions(texts, zone)
    for text in texts:
        assert read_times([text], zone).versions() == versions([text], zone)
