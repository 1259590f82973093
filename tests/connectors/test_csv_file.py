"""The CSV source: pages of text, nothing shifted, nothing swallowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.csv_file import CsvSettings, CsvSource
from connectors.protocol import BrokenSourceError, ConfigurationError, Page


def source(folder: Path, content: str | bytes, **more: str) -> CsvSource:
    """Write a file and open a source over it."""
    data = content if isinstance(content, bytes) else content.encode()
    (folder / "customers.csv").write_bytes(data)
    made = CsvSource(CsvSettings.model_validate({"kind": "csv", "path": "customers.csv", **more}), folder)
    made.open()
    return made


def read(made: CsvSource, size: int = 2) -> list[Page]:
    """Read all pages."""
    return list(made.pages(None, size))


def rows(made: CsvSource) -> list[list[object]]:
    """Read all records as lists, null as None."""
    return [
        [None if value != value else value for value in row]  # noqa: PLR0124 - NaN is the null of text columns
        for page in read(made)
        for row in page.records.to_numpy().tolist()
    ]


def test_pages_have_keys_lines_and_a_count_of_their_own(tmp_path: Path) -> None:
    """Records come in pages of the size asked for, each with its key and its line."""
    pages = read(source(tmp_path, "no,name\nA,x\nB,y\nC,z\n", key="no"))
    assert [list(page.keys) for page in pages] == [["A", "B"], ["C"]]
    assert [list(page.lines or ()) for page in pages] == [[2, 3], [4]]
    assert [page.counted for page in pages] == [2, 1]
    assert [page.cursor for page in pages] == ["2", "3"]


def test_values_stay_the_text_that_they_are(tmp_path: Path) -> None:
    """E25: leading zeros, plus signs, NA, long integers and exponents arrive byte for byte."""
    values = ["007", "01234", "+46701234567", "NA", "9007199254740993", "1e5", "null", " padded "]
    assert rows(source(tmp_path, "v\n" + "\n".join(values) + "\n")) == [[value] for value in values]


def test_an_empty_cell_is_null(tmp_path: Path) -> None:
    """A CSV file has no null of its own, so that its empty cell is one."""
    assert rows(source(tmp_path, 'a,b\n,x\n"",y\n')) == [[None, "x"], [None, "y"]]


def test_a_line_with_another_count_of_fields_is_unreadable_and_shifts_nothing(tmp_path: Path) -> None:
    """E24: too many or too few fields make that record unreadable, with its line; its neighbours are untouched."""
    (page,) = read(source(tmp_path, "no,name\nA,x\nB,y,extra\nC\nD,z\n", key="no"), 10)
    assert {position: refusal.code for position, refusal in page.unreadable.items()} == {
        1: "field_count",
        2: "field_count",
    }
    assert page.unreadable[1].description == "3 fields where the header has 2"
    assert list(page.keys) == ["A", "line 3", "line 4", "D"]
    assert page.records["name"].to_list()[::3] == ["x", "z"]
    assert page.records.iloc[1].isna().all()


def test_every_record_with_an_extra_field_is_unreadable(tmp_path: Path) -> None:
    """E24: even when all lines have one field too many, no column is shifted."""
    (page,) = read(source(tmp_path, "no,name\nA,x,1\nB,y,2\n"), 10)
    assert set(page.unreadable) == {0, 1}


def test_a_record_over_several_lines_keeps_the_line_it_begins_on(tmp_path: Path) -> None:
    """Quoted line breaks and blank lines do not disturb the numbering."""
    made = source(tmp_path, 'no,name\nA,"two\nlines"\n\nB,y\r\nC,"crlf\r\nhere"\nD,z\n', key="no")
    (page,) = read(made, 10)
    assert list(page.keys) == ["A", "B", "C", "D"]
    assert list(page.lines or ()) == [2, 5, 6, 8]
    assert page.counted == 4


def test_a_page_of_blank_lines_is_no_page(tmp_path: Path) -> None:
    """Blank lines are no records, however many there are."""
    pages = read(source(tmp_path, "no\nA\nB\n\n\n\n\n\nC\n", key="no"))
    assert [(list(page.keys), list(page.lines or ())) for page in pages] == [(["A", "B"], [2, 3]), (["C"], [9])]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [("no,name\nA,é\n".encode("utf-8-sig"), "utf-8"), ("no,name\nA,é\n".encode("cp1252"), "cp1252")],
)
def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path, content: bytes, encoding: str) -> None:
    """E27: UTF-8 with BOM and Windows-1252 by setting are read alike."""
    made = source(tmp_path, content, encoding=encoding, key="no")
    assert made.open() == ("no", "name")
    assert rows(made) == [["A", "é"]]


def test_undecodable_bytes_are_that_records_fault_alone(tmp_path: Path) -> None:
    """E27: a byte that the encoding does not know makes its record unreadable, and no other."""
    (page,) = read(source(tmp_path, b"no,name\nA,x\nB,\xff\nC,z\n", key="no"), 10)
    assert {position: refusal.code for position, refusal in page.unreadable.items()} == {1: "undecodable"}
    assert page.records["name"].to_list()[::2] == ["x", "z"]


def test_a_record_without_its_key_is_unreadable(tmp_path: Path) -> None:
    """A record that cannot be named is stopped and named by its line."""
    (page,) = read(source(tmp_path, "no,name\nA,x\n ,y\n,z\n", key="no"), 10)
    assert {position: refusal.code for position, refusal in page.unreadable.items()} == {
        1: "missing_key",
        2: "missing_key",
    }
    assert list(page.keys) == ["A", "line 3", "line 4"]


@pytest.mark.parametrize(
    ("content", "more", "words"),
    [
        ("", {}, "is empty"),
        ("a,b,a\n", {}, "columns 1, 3 of the header have one name"),
        ("a,,c\n", {}, "column 2 of the header has no name"),
        ("a;b\n1;2\n", {"key": "a", "delimiter": ","}, "looks divided by a semicolon"),
        ("a,b\n", {"key": "no"}, "there is no column 'no' (source.key)"),
    ],
)
def test_a_wrong_header_is_refused_before_the_first_record(
    tmp_path: Path, content: str, more: dict[str, str], words: str
) -> None:
    """E28: an empty, repeated or nameless header, or one without the key, is a configuration error that says so."""
    with pytest.raises(ConfigurationError) as caught:
        source(tmp_path, content, **more)
    assert words in str(caught.value)


def test_a_header_in_another_encoding_is_named_as_such(tmp_path: Path) -> None:
    """A Latin-1 header read as UTF-8 is a fault of the setting, told before the first record."""
    with pytest.raises(ConfigurationError, match=r"the header is no utf-8 \(source\.encoding\)"):
        source(tmp_path, b"id,Stra\xdfe\n1,x\n")


@pytest.mark.parametrize("path", ["missing.csv", "."])
def test_a_file_that_is_none_is_refused(tmp_path: Path, path: str) -> None:
    """A missing file and a folder are named as what is wrong."""
    with pytest.raises(ConfigurationError, match=r"source\.path"):
        CsvSource(CsvSettings(kind="csv", path=path), tmp_path).open()


def test_an_unclosed_quote_is_named_by_the_line_it_opens_on(tmp_path: Path) -> None:
    """E26: the parser does not swallow the rest of the file; the message names the record's first line."""
    body = 'no,name\nA,x\nB,"open\n' + "".join(f"{number},y\n" for number in range(10_000))
    with pytest.raises(BrokenSourceError, match="begins on line 3"):
        read(source(tmp_path, body), 100)


def test_pages_before_a_broken_record_stand(tmp_path: Path) -> None:
    """A file found broken later has given its earlier pages."""
    made = source(tmp_path, 'no,name\nA,x\nB,y\nC,"z"z\n')
    pages = made.pages(None, 2)
    assert next(pages).counted == 2
    with pytest.raises(BrokenSourceError, match="line 4"):
        next(pages)


def test_a_file_that_changes_while_it_is_read_is_broken(tmp_path: Path) -> None:
    """E29: a file that grows between two pages is not read on."""
    made = source(tmp_path, "no\nA\nB\nC\n")
    pages = made.pages(None, 2)
    next(pages)
    with (tmp_path / "customers.csv").open("a") as file:
        file.write("D\n")
    with pytest.raises(BrokenSourceError, match="changed while"):
        next(pages)


def test_a_file_replaced_between_header_and_records_is_broken(tmp_path: Path) -> None:
    """Columns that changed places since the header was read are not read under the old names."""
    made = source(tmp_path, "name,phone\nA,1\n")
    (tmp_path / "customers.csv").write_text("phone,name\n1,A\n2,B\n")
    with pytest.raises(BrokenSourceError, match="changed while"):
        read(made)


def test_a_file_cut_off_at_the_end_of_a_page_is_broken(tmp_path: Path) -> None:
    """Its end is only believed if the file is still the one that was opened; a vanished one is broken as well."""
    made = source(tmp_path, "no\nA\nB\n")
    pages = made.pages(None, 2)
    next(pages)
    (tmp_path / "customers.csv").unlink()
    with pytest.raises(BrokenSourceError, match="changed while"):
        next(pages)


def test_a_key_with_a_nul_and_a_very_long_cell_are_those_records_faults(tmp_path: Path) -> None:
    """A NUL cannot be kept by every ledger, and 200 KB in a cell do not stop the file."""
    (page,) = read(source(tmp_path, f"no,name\nA\0,x\nB,{'y' * 200_000}\n", key="no"), 10)
    assert list(page.keys) == ["line 2", "B"]
    assert set(page.unreadable) == {0}


@settings(max_examples=60)
@given(count=st.integers(0, 12), size=st.integers(1, 5), after=st.integers(0, 13))
def test_a_cursor_resumes_exactly(tmp_path_factory: pytest.TempPathFactory, count: int, size: int, after: int) -> None:
    """Reading on after any count of records yields just the rest, in order."""
    made = source(tmp_path_factory.mktemp("csv"), "no\n" + "".join(f"{n}\n" for n in range(count)), key="no")
    rest = [key for page in made.pages(str(after), size) for key in page.keys]
    assert rest == [str(number) for number in range(after, count)]


def test_single_records_are_found_by_key(tmp_path: Path) -> None:
    """`read_keys` scans for the records asked for, and leaves out what is gone."""
    made = source(tmp_path, "no,name\nA,x\nB,y\nC,z\nD,q,extra\n", key="no")
    pages = list(made.read_keys(["C", "A", "gone", "line 5"], 2))
    assert [key for page in pages for key in page.keys] == ["A", "C", "line 5"]
    assert [line for page in pages for line in page.lines or ()] == [2, 4, 5]
    assert pages[-1].unreadable.keys() <= {0, 1}
