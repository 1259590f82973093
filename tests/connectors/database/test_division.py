"""Where ranges of keys end: for keys of every kind, whatever the database's order of them, and for keys of no use."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, make_url

from connectors.database.source import DatabaseSource
from connectors.protocol import ConfigurationError, KeyRange, Page
from tests.connectors.database.table import Place, count_sessions, insert, keys
from tests.connectors.database.table import create as create_table
from tests.connectors.database.test_key import KINDS
from tests.connectors.database.test_key import fill as fill_with_keys
from tests.server import Database

ANY_KEY = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-3, 3),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    st.text("aAäÄ \0", max_size=3),
    st.binary(max_size=3),
)


def read_parts(whole: DatabaseSource, ranges: Iterable[KeyRange], size: int = 2) -> list[list[Page]]:
    """Read the parts of a source, one after the other."""
    found = []
    for each in ranges:
        part = whole.part(each)
        try:
            found.append(list(part.pages(None, size)))
        finally:
            part.close()
    return found


def names(pages: Iterable[Page]) -> list[str]:
    """List the names of records in pages."""
    return [name for page in pages for name in page.records["name"].tolist()]


@pytest.mark.parametrize(("database", "kind", "values", "texts"), KINDS, indirect=["database"])
def test_keys_of_any_kind_divide(place: Place, kind: str, values: list[object], texts: list[str]) -> None:
    """As many parts as records, each with one of them."""
    if kind == "letter":
        place.database.execute("DROP TYPE IF EXISTS letter", "CREATE TYPE letter AS ENUM ('b', 'a')")
    fill_with_keys(place.database, kind, values)
    whole = place.source(updated_at=None)
    ranges = whole.divide(9)
    found = read_parts(whole, ranges)
    assert [len(keys(pages)) for pages in found] == [1] * len(values)
    assert sorted(key for pages in found for key in keys(pages)) == sorted(texts)


def fill_untyped(path: Path, values: Iterable[tuple[object, ...]], columns: str) -> None:
    """Make a SQLite table whose columns have no type, with these keys."""
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE customers ({columns}, name TEXT, updated_at TEXT)")
        marks = ", ".join("?" for _ in columns.split(","))
        rows = [(*key, f"N{number}") for number, key in enumerate(values)]
        connection.executemany(f"INSERT INTO customers VALUES ({marks}, ?, NULL)", rows)
    connection.close()


def check_division(path: Path, values: list[tuple[object, ...]], columns: str, parts: int, size: int) -> None:
    """See that the parts of a table hold each record once, are equally large, and are read on from exactly."""
    fill_untyped(path, values, columns)
    url = f"sqlite:///{path}"
    place = Place(Database("sqlite", url, create_engine(make_url(url))), path.parent)
    whole = place.source(updated_at="updated_at", key=tuple(columns.split(", ")))
    try:
        ranges = whole.divide(parts)
        found = read_parts(whole, ranges, size)
        every = [f"N{number}" for number in range(len(values))]
        assert sorted(name for pages in found for name in names(pages)) == sorted(every)
        assert len(found) == max(1, min(parts, len(values)))
        lengths = [len(names(pages)) for pages in found]
        assert max(lengths) - min(lengths) <= 1
        for each, pages in zip(ranges, found, strict=True):
            for number, page in enumerate(pages, 1):
                assert page.cursor is not None
                rest = place.source(updated_at="updated_at", key=tuple(columns.split(", "))).part(each)
                place.made.append(rest)
                assert names(rest.pages(page.cursor, 3)) == names(pages[number:])
    finally:
        place.close()
        place.database.engine.dispose()


@settings(max_examples=40, deadline=None)
@given(values=st.lists(ANY_KEY, unique=True, max_size=12), parts=st.integers(1, 14), size=st.integers(1, 4))
def test_any_keys_divide(values: list[object], parts: int, size: int) -> None:
    """Numbers, texts and bytes side by side, blank ones too: nobody is left out, nobody is read twice."""
    with TemporaryDirectory() as folder:
        check_division(Path(folder) / "any.db", [(value,) for value in values], "id", parts, size)


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.tuples(st.sampled_from([1, 2, "1", b"1"]), ANY_KEY), unique=True, max_size=12),
    parts=st.integers(1, 14),
    size=st.integers(1, 4),
)
def test_any_keys_of_two_columns_divide(values: list[tuple[object, ...]], parts: int, size: int) -> None:
    """A range may begin and end within the records of one branch."""
    with TemporaryDirectory() as folder:
        check_division(Path(folder) / "any.db", values, "branch, id", parts, size)


def test_keys_that_a_collation_takes_for_one_are_in_one_part(mariadb: Database, tmp_path: Path) -> None:
    """`a`, `A` and `ä` stand at one place in the order of MariaDB: no range ends between them."""
    create_table(mariadb, key="VARCHAR(9) COLLATE utf8mb4_general_ci")
    insert(mariadb, [(key, "N", None) for key in ("a", "A", "ä", "b", "B", "c", "C", "ç")])
    place = Place(mariadb, tmp_path)
    whole = place.source(updated_at=None)
    for parts in range(2, 9):
        found = [set(keys(pages)) for pages in read_parts(whole, whole.divide(parts), size=1)]
        assert sorted(key for each in found for key in each) == sorted(["a", "A", "ä", "b", "B", "c", "C", "ç"])
        assert all(
            same <= each or not same & each for each in found for same in ({"a", "A", "ä"}, {"b", "B"}, {"c", "C", "ç"})
        )
    place.close()


def test_text_that_is_no_utf_8_ends_no_range_and_no_page(sqlite: Database, tmp_path: Path) -> None:
    """As a parameter it would compare as a BLOB, which is above all text: reading on from it would lose the rest."""
    create_table(sqlite, key="TEXT")
    sqlite.execute(
        "INSERT INTO customers (id, name)"
        " VALUES ('a', 'N1'), (CAST(x'62ff' AS TEXT), 'N2'), ('c', 'N3'), (x'62ff', 'N4')"
    )
    place = Place(sqlite, tmp_path)
    whole = place.source(updated_at=None)
    found = read_parts(whole, whole.divide(4), size=1)
    assert [names(pages) for pages in found] == [["N1"], ["N2", "N3"], ["N4"]]
    assert [page.cursor is None for pages in found for page in pages] == [False, True, False, False]
    assert {type(cell) for pages in found for page in pages for cell in page.records["id"]} == {str, bytes}
    place.close()


def test_an_infinite_date_ends_no_range_and_no_page(postgresql: Database, tmp_path: Path) -> None:
    """Python has no such date: it cannot be read on from, and what stands before and behind it is read all the same."""
    create_table(postgresql, key="DATE")
    dates = ["-infinity", "2026-01-01", "2026-01-02", "infinity"]
    insert(postgresql, [(date, "N", None) for date in dates])
    place = Place(postgresql, tmp_path)
    whole = place.source(updated_at=None)
    found = read_parts(whole, whole.divide(4), size=1)
    assert [keys(pages) for pages in found] == [dates[:2], dates[2:3], dates[3:]]
    assert [page.cursor is None for pages in found for page in pages] == [True, False, False, True]
    place.close()


def test_a_part_can_be_divided_again(place: Place) -> None:
    """Its ranges lie within it, and together are it."""
    create_table(place.database)
    insert(place.database, [(number, "N", None) for number in range(1, 13)])
    whole = place.source()
    middle = whole.divide(3)[1]
    part = whole.part(middle)
    place.made.append(part)
    ranges = part.divide(2)
    assert (ranges[0].after, ranges[-1].until) == (middle.after, middle.until)
    assert [keys(pages) for pages in read_parts(part, ranges)] == [["5", "6"], ["7", "8"]]


@pytest.mark.parametrize("text", ["7", '["Meier"]', "[7, 8]", "[null]"])
def test_a_range_of_another_source_is_refused(place: Place, text: str) -> None:
    """What is no key of this one is an error as the part is opened, and is not shown."""
    create_table(place.database)
    for keys_of_range in (KeyRange(text, None), KeyRange(None, text)):
        part = place.source(key=("id",)).part(keys_of_range)
        place.made.append(part)
        if place.database.kind == "sqlite" and text == '["Meier"]':
            assert part.open()  # where any column may hold any text
            continue
        with pytest.raises(ConfigurationError, match="divide it again") as caught:
            part.open()
        assert "Meier" not in str(caught.value)


def test_dividing_and_reading_leaves_no_connection(place: Place) -> None:
    """Each part has one connection at most, and none once it is closed."""
    if place.database.kind == "sqlite":
        pytest.skip("a file counts no connections")
    create_table(place.database)
    insert(place.database, [(number, "N", None) for number in range(1, 9)])
    whole = place.source()
    parts = [whole.part(each) for each in whole.divide(4)]
    place.made += parts
    reading = [part.pages(None, 1) for part in parts]
    for pages in reading:
        next(pages)
    assert count_sessions(place.database) <= 5
    for each in (whole, *parts):
        each.close()
    assert count_sessions(place.database) == 0
