"""Workbooks are read as the text that a typed source would give, and what is wrong in a cell is that row's fault."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.styles.numbers import FORMAT_PERCENTAGE

from connectors.csv_file.cell import cell_text
from connectors.protocol import BrokenSourceError, ConfigurationError
from mappings.value import canonical_text
from tests.connectors.csv_file.reading import flaws, opened, pages, rows

PATH = "customers.xlsx"


def save(folder: Path, table: Sequence[Sequence[object]], shape: Callable[[Workbook], None] | None = None) -> Path:
    """Write a workbook with one sheet."""
    book = Workbook()
    for row in table:
        book.worksheets[0].append(list(row))
    if shape:
        shape(book)
    book.save(folder / PATH)
    return folder / PATH


def alter(path: Path, part: str, change: Callable[[str], str]) -> None:
    """Change the XML of a part, as other programs than openpyxl would have written it."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    before = parts[part].decode()
    parts[part] = change(before).encode()
    assert parts[part].decode() != before
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Jäger", "Jäger"),
        ("007", "007"),
        ("#REF!x", "#REF!x"),
        (12, "12"),
        (12.0, "12"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (-0.0, "0"),
        (1234567890123456, "1234567890123456"),
        (1e22, "10000000000000000000000"),
        (True, "true"),
        (False, "false"),
        (dt.date(2024, 5, 1), "2024-05-01"),
        (dt.datetime(2024, 5, 1, 12, 30), "2024-05-01T12:30:00"),  # noqa: DTZ001 - a workbook knows no zone
        (dt.datetime(2024, 5, 1), "2024-05-01T00:00:00"),  # noqa: DTZ001 - the same
        (dt.time(8, 15), "08:15:00"),
        (dt.timedelta(hours=36, minutes=5), "36:05:00"),
        (None, None),
    ],
)
def test_a_value_becomes_its_canonical_text(tmp_path: Path, value: object, text: str | None) -> None:
    """E25: no trailing `.0`, no exponent, ISO 8601, and what is text stays it."""
    save(tmp_path, [["no", "value"], ["A", value]])
    assert rows(opened(tmp_path, PATH)) == [["A", text]]


@given(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    | st.dates() | st.datetimes() | st.times()
)  # fmt: skip # a table: it reads in rows
def test_the_text_of_a_cell_is_that_of_a_typed_source(value: object) -> None:
    """What `mappings.value.canonical_text` would make of it, so that a workbook and a table give the same row."""
    assert cell_text(value) == ("" if value is None else canonical_text(value))


@pytest.mark.parametrize("value", [float("inf"), float("nan"), Decimal(1), b"x"])
def test_what_has_no_text_is_refused(value: object) -> None:
    """A number that is none, and what no cell holds."""
    with pytest.raises(ValueError, match=r"finite|a cell with a"):
        cell_text(value)


def test_a_number_keeps_its_value_whatever_its_format(tmp_path: Path) -> None:
    """A quarter that is shown as 25% is 0.25."""

    def shape(book: Workbook) -> None:
        book.worksheets[0]["B2"].number_format = FORMAT_PERCENTAGE

    save(tmp_path, [["no", "share"], ["A", 0.25]], shape)
    assert rows(opened(tmp_path, PATH)) == [["A", "0.25"]]


def test_empty_rows_and_columns_at_the_edges_are_nothing(tmp_path: Path) -> None:
    """The header is the first row that is not empty; a row that ends early has nulls, and lines are rows."""
    table: list[list[object]] = [
        [],
        ["no", "name", "city", None, ""],
        ["A", "x"],
        [],
        [None, None, None],
        ["B", None, "Bern", "", None],
        [""],
    ]
    save(tmp_path, table)
    source = opened(tmp_path, PATH, key="no")
    assert source.open() == ("no", "name", "city")
    assert rows(source) == [["A", "x", None], ["B", None, "Bern"]]
    (page,) = pages(source)
    assert list(page.lines or ()) == [3, 6]


def test_a_value_beyond_the_header_makes_its_row_unreadable(tmp_path: Path) -> None:
    """E24: nobody knows what it is."""
    save(tmp_path, [["no", "name"], ["A", "x", "y"], ["B", "z"]])
    source = opened(tmp_path, PATH, key="no")
    assert flaws(source) == [("line 2", "field_count")]
    assert rows(source)[1] == ["B", "z"]


def test_merged_cells_count_once(tmp_path: Path) -> None:
    """The value stands in the first of them; a merged header leaves columns without a name, which is told."""
    save(tmp_path, [["no", "name", "city"], ["A", "x", "y"]], lambda book: book.worksheets[0].merge_cells("B2:C2"))
    assert rows(opened(tmp_path, PATH)) == [["A", "x", None]]
    save(tmp_path, [["no", "name", "city"], ["A", "x"]], lambda book: book.worksheets[0].merge_cells("A1:B1"))
    with pytest.raises(ConfigurationError, match="column 2 of the header has no name"):
        opened(tmp_path, PATH)


def test_an_error_in_a_cell_makes_its_row_unreadable(tmp_path: Path) -> None:
    """Its column and the error are told, and its neighbours are untouched."""
    save(tmp_path, [["no", "name"], ["A", "x"], ["B", "#REF!"], ["C", "y"]])
    source = opened(tmp_path, PATH, key="no")
    assert flaws(source) == [("line 3", "cell_error")]
    (page,) = pages(source)
    assert page.unreadable[1].description == "the cell in column 2: #REF!"
    assert page.records["name"].to_list()[::2] == ["x", "y"]


def test_a_date_that_is_none_is_an_error(tmp_path: Path) -> None:
    """A number beyond the calendar that is shown as a date."""

    def shape(book: Workbook) -> None:
        book.worksheets[0]["B2"].number_format = "yyyy-mm-dd"

    save(tmp_path, [["no", "since"], ["A", 99_999_999]], shape)
    assert flaws(opened(tmp_path, PATH, key="no")) == [("line 2", "cell_error")]


def test_a_formula_counts_with_the_value_that_was_saved(tmp_path: Path) -> None:
    """One that was never computed has none, and is not taken for an empty cell; an empty text is one."""
    path = save(tmp_path, [["no", "name"], ["A", "=1+1"], ["B", "=2+2"], ["C", '=""']])

    def computed(xml: str) -> str:
        return (
            xml.replace("<f>1+1</f><v />", "<f>1+1</f><v>2</v>")
            .replace("<f>1+1</f><v></v>", "<f>1+1</f><v>2</v>")
            .replace('<c r="B4">', '<c r="B4" t="str">')
        )

    alter(path, "xl/worksheets/sheet1.xml", computed)
    source = opened(tmp_path, PATH, key="no")
    assert flaws(source) == [("line 3", "cell_error")]
    assert rows(source) == [["A", "2"], [None, None], ["C", None]]


def test_an_unreadable_header_is_told(tmp_path: Path) -> None:
    """There is no going on without one."""
    save(tmp_path, [["no", "#N/A"], ["A", "x"]])
    with pytest.raises(ConfigurationError, match=r"the header cannot be read \(the cell in column 2: #N/A\)"):
        opened(tmp_path, PATH)
    save(tmp_path, [])
    with pytest.raises(ConfigurationError, match="the sheet is empty"):
        opened(tmp_path, PATH)


def test_the_first_sheet_that_is_shown_is_read_or_the_one_that_is_named(tmp_path: Path) -> None:
    """A name that is not there is answered by those that are."""

    def shape(book: Workbook) -> None:
        book.worksheets[0].sheet_state = "hidden"
        for title in ("First", "Second"):
            book.create_sheet(title).append(["no", title])

    save(tmp_path, [["no", "hidden"]], shape)
    assert opened(tmp_path, PATH).open() == ("no", "First")
    assert opened(tmp_path, PATH, sheet="Second").open() == ("no", "Second")
    assert opened(tmp_path, PATH, sheet="Second").address.endswith("customers.xlsx#Second")
    assert opened(tmp_path, PATH, sheet="Sheet").open() == ("no", "hidden")
    with pytest.raises(
        ConfigurationError, match=r"no sheet 'Third' \(source\.sheet\); it has: 'Sheet', 'First', 'Second'"
    ):
        opened(tmp_path, PATH, sheet="Third")


def test_a_sheet_of_a_file_of_text_is_refused(tmp_path: Path) -> None:
    """A setting that says nothing about the file is a mistake."""
    (tmp_path / PATH).write_text("no\nA\n")
    with pytest.raises(ConfigurationError, match=r"is no workbook, and has no sheet 'Second' \(source\.sheet\)"):
        opened(tmp_path, PATH, sheet="Second")


def test_the_size_that_a_sheet_tells_of_itself_is_not_believed(tmp_path: Path) -> None:
    """Some programs write a wrong one, and a reader that believes it loses what is beyond."""
    path = save(tmp_path, [["no", "name"], *([f"C-{n}", "x"] for n in range(50))])
    alter(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace('ref="A1:B51"', 'ref="A1:A2"'))
    assert len(rows(opened(tmp_path, PATH, key="no"))) == 50


def test_last_updates_are_read_from_dates(tmp_path: Path) -> None:
    """A workbook knows no zone, so that the job says it; what was updated earlier is left out."""
    table: list[list[object]] = [["no", "changed"], *([f"C-{n}", dt.datetime(2024, 5, 1, 12, n)] for n in range(9))]  # noqa: DTZ001 - see above
    save(tmp_path, table)
    more = {"key": "no", "updated_at": "changed", "time_zone": "Europe/Zurich"}
    *_, last = opened(tmp_path, PATH, **more).pages("2024-05-01T10:06:00.000000Z", 2)
    assert (list(last.keys), last.cursor) == (["C-8"], "2024-05-01T10:08:00.000000Z")
    with pytest.raises(ConfigurationError, match=r"line 2: the time says no zone"):
        opened(tmp_path, PATH, key="no", updated_at="changed")


def test_several_workbooks_are_one_source(tmp_path: Path) -> None:
    """As several files of text are, and beside them."""
    save(tmp_path, [["no", "name"], ["A", "x"]]).rename(tmp_path / "c-1.xlsx")
    save(tmp_path, [["name", "no"], ["y", 2]]).rename(tmp_path / "c-2.xlsx")
    (tmp_path / "c-3.csv").write_text("no;name\n3;z\n")
    assert rows(opened(tmp_path, "c-*", key="no")) == [["A", "x"], ["2", "y"], ["3", "z"]]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_a_workbook_cut_off_is_told_on_opening(tmp_path: Path, share: float) -> None:
    """Its directory stands at its end."""
    path = save(tmp_path, [["no"], *([n] for n in range(1000))])
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ConfigurationError, match="damaged, or cut off"):
        opened(tmp_path, PATH)


def test_a_sheet_that_breaks_off_is_told_by_its_row(tmp_path: Path) -> None:
    """What was read before it stands."""
    path = save(tmp_path, [["no"], *([n] for n in range(1000))])
    alter(path, "xl/worksheets/sheet1.xml", lambda xml: xml[: xml.index('<row r="501"')] + "<row r=")
    source = opened(tmp_path, PATH, key="no")
    reading = source.pages(None, 400)
    assert next(reading).counted == 400
    with pytest.raises(BrokenSourceError, match="cannot be read any further than row 500"):
        next(reading)


@pytest.mark.parametrize(
    "part", ["[Content_Types].xml", "xl/workbook.xml", "xl/styles.xml", "xl/_rels/workbook.xml.rels"]
)
def test_a_workbook_without_its_parts_is_told(tmp_path: Path, part: str) -> None:
    """Whatever the library raises, the message is ours."""
    path = save(tmp_path, [["no"], ["A"]])
    alter(path, part, lambda _: "<x")
    with pytest.raises(ConfigurationError, match=r"customers\.xlsx: is no workbook that can be read"):
        opened(tmp_path, PATH)


def test_a_workbook_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    """X11: a sheet that unpacks to 200 times its size, before any of it is unpacked."""
    path = save(tmp_path, [["no"], ["A"]])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet2.xml", bytes(100 * 1024**2))
    with pytest.raises(ConfigurationError, match="unpacks to more than 200 times its size"):
        opened(tmp_path, PATH)


def test_a_workbook_that_changes_is_told(tmp_path: Path) -> None:
    """E29: as any other file."""
    save(tmp_path, [["no"], ["A"], ["B"], ["C"]])
    reading = opened(tmp_path, PATH, key="no").pages(None, 1)
    next(reading)
    save(tmp_path, [["no"], ["A"], ["B"], ["C"], ["D"]])
    with pytest.raises(BrokenSourceError, match="changed while"):
        next(reading)


def test_a_zip_archive_with_a_workbook_is_refused(tmp_path: Path) -> None:
    """One wrapping is unpacked, and no more."""
    path = save(tmp_path, [["no"], ["A"]])
    data = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("customers.xlsx", data.getvalue())
    with pytest.raises(ConfigurationError, match="holds an archive or a workbook; unpack it once"):
        opened(tmp_path, PATH)
