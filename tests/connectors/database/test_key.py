"""Keys and cells of every kind that databases have: how they read, and that what they name is found again."""

from __future__ import annotations

import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from connectors.database.kind import candidates, cursor_of_keys, key_texts, keys_of_cursor, parts_of
from connectors.database.session import Patience
from connectors.protocol import ConfigurationError
from tests.connectors.database.table import Place, keys
from tests.server import Database

ONE, TWO = UUID("00000000-0000-4000-8000-000000000001"), UUID("ffffffff-0000-4000-8000-000000000002")

KINDS: list[tuple[str, str, list[object], list[str]]] = [
    ("postgresql", "UUID", [ONE, TWO], [str(ONE), str(TWO)]),
    ("postgresql", "NUMERIC(12, 2)", [Decimal("-1.50"), Decimal("12345678.90")], ["-1.50", "12345678.90"]),
    ("postgresql", "BYTEA", [b"\x00\x01", b"\xff"], ["0x0001", "0xff"]),
    ("postgresql", "BOOLEAN", [False, True], ["false", "true"]),
    ("postgresql", "DATE", [date(2026, 1, 1), date(2026, 1, 2)], ["2026-01-01", "2026-01-02"]),
    ("postgresql", "TIMESTAMP", [datetime(2026, 1, 1, 2, 3, 4, 5)], ["2026-01-01 02:03:04.000005"]),  # noqa: DTZ001 - a wall clock's
    ("postgresql", "CHAR(4)", ["ab", "ä"], ["ab  ", "ä   "]),
    ("postgresql", "OID", [1, 2**32 - 1], ["1", "4294967295"]),
    ("mariadb", "DECIMAL(12, 2)", [Decimal("-1.50"), Decimal("12345678.90")], ["-1.50", "12345678.90"]),
    ("mariadb", "BINARY(16)", [ONE.bytes, TWO.bytes], ["0x" + ONE.hex, "0x" + TWO.hex]),
    ("mariadb", "BIGINT UNSIGNED", [1, 2**64 - 1], ["1", "18446744073709551615"]),
    ("mariadb", "DATE", [date(2026, 1, 1), date(2026, 1, 2)], ["2026-01-01", "2026-01-02"]),
    ("postgresql", "letter", ["b", "a"], ["b", "a"]),
    ("mariadb", "UUID", [str(ONE), str(TWO)], [str(ONE), str(TWO)]),
    ("sqlite", "BLOB", [b"\x00\x01", b"\xff"], ["0x0001", "0xff"]),
    ("sqlite", "", [-5, 7, "-5", "07", "x", b"7"], ["-5", "7", "-5", "07", "x", "0x37"]),
    ("sqlite", "REAL", [0.1, 1.5], ["0.1", "1.5"]),
]  # fmt: skip


def fill(database: Database, kind: str, values: list[object]) -> None:
    """Make a table whose key is of a kind."""
    database.execute(f"CREATE TABLE customers (id {kind}, name VARCHAR(20), city VARCHAR(9), updated_at INTEGER)")
    with database.engine.begin() as connection:
        for number, value in enumerate(values):
            connection.execute(
                text("INSERT INTO customers (id, name) VALUES (:id, :name)"), {"id": value, "name": f"N{number}"}
            )


@pytest.mark.parametrize(("database", "kind", "values", "texts"), KINDS, indirect=["database"])
def test_a_key_of_any_kind_names_its_record(place: Place, kind: str, values: list[object], texts: list[str]) -> None:
    """It has one text, by which the record is found again, and after which a read is taken up."""
    if kind == "letter":
        place.database.execute("DROP TYPE IF EXISTS letter", "CREATE TYPE letter AS ENUM ('b', 'a')")
    fill(place.database, kind, values)
    source = place.source(updated_at=None, patience=Patience(stream_seconds=-1))
    pages = list(source.pages(None, 1))
    assert sorted(keys(pages)) == sorted(texts)
    again = [keys(source.pages(page.cursor, 10)) for page in pages]
    assert again == [keys(pages[number + 1 :]) for number in range(len(pages))]
    for wanted in set(texts):
        assert keys(source.read_keys([wanted, "no such key", "0xzz"], 10)) == [each for each in texts if each == wanted]


UNORDERED = [
    ("mariadb", "ENUM('b', 'a')"),
    ("mariadb", "SET('b', 'a')"),
    ("mariadb", "FLOAT"),
    ("mariadb", "DOUBLE"),
    ("mariadb", "TIME"),
    ("postgresql", "REAL"),
    ("postgresql", "DOUBLE PRECISION"),
    ("postgresql", "INET"),
    ("postgresql", "JSONB"),
    ("postgresql", "INT[]"),
    ("postgresql", "INT4RANGE"),
]


@pytest.mark.parametrize(("database", "kind"), UNORDERED, indirect=["database"])
def test_a_key_that_does_not_compare_as_it_is_sorted_is_refused(place: Place, kind: str) -> None:
    """To read on after `b` would lose `a` of an ENUM that has it later; as text it can be read."""
    fill(place.database, kind, [])
    with pytest.raises(ConfigurationError, match=r"'id' is of a kind .*\(source\.key\)"):
        place.source(updated_at=None).open()
    made = "CAST(id AS CHAR(9))" if place.database.kind == "mariadb" else "CAST(id AS VARCHAR(9))"
    query = f"SELECT {made} AS id, name FROM customers"
    assert place.source(table=None, query=query, updated_at=None).open() == ("id", "name")


CELLS: dict[str, tuple[str, list[object]]] = {
    "sqlite": ("SELECT 1 AS id, 1.5 AS a, x'00ff' AS b, '2026-01-02' AS c, NULL AS d, 7 AS e", [
        1.5, b"\x00\xff", "2026-01-02", None, 7,
    ]),
    "postgresql": (
        "SELECT 1 AS id, 1.50::numeric AS a, '\\x00ff'::bytea AS b, date '2026-01-02' AS c, NULL::text AS d, true AS e",
        [Decimal("1.50"), b"\x00\xff", date(2026, 1, 2), None, True],
    ),
    "mariadb": (
        "SELECT 1 AS id, CAST(1.5 AS DECIMAL(5, 2)) AS a, x'00ff' AS b, DATE '2026-01-02' AS c, NULL AS d, 1=1 AS e",
        [Decimal("1.50"), b"\x00\xff", date(2026, 1, 2), None, 1],
    ),
}  # fmt: skip


def test_cells_come_as_the_values_that_the_database_has(place: Place) -> None:
    """Numbers keep their digits, bytes are bytes, days are days, and null is null."""
    query, expected = CELLS[place.database.kind]
    (page,) = place.read(columns="abcde", table=None, query=query, updated_at=None)
    found: list[Any] = [page.records[name].tolist()[0] for name in "abcde"]
    cells = [None if each != each else each for each in found]  # noqa: PLR0124 - text columns show null as NaN
    assert cells == expected
    assert list(map(type, cells)) == list(map(type, expected))


@pytest.mark.parametrize(
    ("columns", "texts"),
    [
        ([[1, 20, -3]], ["1", "20", "-3"]),
        ([["a", "", "  ", "a\0", None]], ["a", None, None, None, None]),
        ([[True, False, 1]], ["true", "false", "1"]),
        ([[bytearray(b"\x01"), memoryview(b"\x02")]], ["0x01", "0x02"]),
        ([[1, 1, None], ['a"', None, "b"]], ['["1","a\\""]', None, None]),
    ],
)
def test_the_text_of_keys(columns: list[list[object]], texts: list[str | None]) -> None:
    """Whole numbers, text, truth values and bytes; nothing, and text that is none, names nobody."""
    assert key_texts(columns) == texts


@pytest.mark.parametrize("values", [(1, "a"), ("7", 7), (2**70, "ü'\""), (b"\x00", 0.1), ("0x00", True)])
def test_a_cursor_of_keys_is_read_as_it_was_written(values: tuple[object, ...]) -> None:
    """Numbers stay numbers and text stays text, where a column's type does not tell."""
    assert keys_of_cursor(cursor_of_keys(values), ("dynamic", "dynamic")) == values


@pytest.mark.parametrize(
    "cursor", ["", "7", '{"a": 1}', "[1]", "[1, 2, 3]", "[null, 1]", '[["x"], 1]', "2026-03-01T12:00:00.000000Z"]
)
def test_what_is_no_cursor_of_keys_is_an_error(cursor: str) -> None:
    """It is refused, not read from somewhere."""
    with pytest.raises(ValueError):  # noqa: PT011 - JSON has words of its own
        keys_of_cursor(cursor, ("integer", "text"))


@pytest.mark.parametrize(
    ("kind", "text"),
    [("integer", "x"), ("integer", ""), ("decimal", "1,5"), ("uuid", "1"), ("bytes", "0x1"), ("text", "a\0")],
)
def test_what_no_record_can_have_as_its_key_is_not_searched_for(kind: Any, text: str) -> None:
    """The database would end the statement over it, and with it the search for all others."""
    with pytest.raises(ValueError):  # noqa: PT011 - each type has words of its own
        candidates(kind, text)


def test_keys_of_several_columns_are_taken_apart() -> None:
    """A list of so many texts, and nothing else."""
    assert parts_of('["1","a"]', 2) == ["1", "a"]
    assert [parts_of(each, 2) for each in ("1", '["1"]', "[1, 2]", '{"a": 1}', "[")] == [None] * 5


def test_a_missing_driver_is_named_with_the_extra_that_brings_it(
    sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever installed the package without it is told what to install, before anything is opened."""
    for url, driver, extra in (
        ("postgresql://somebody:secret@h/d", "psycopg", "postgresql"),
        ("mysql://somebody:secret@h/d", "pymysql", "mysql"),
        ("mariadb://somebody:secret@h/d", "pymysql", "mariadb"),
    ):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, driver, None)
            with pytest.raises(ConfigurationError, match=rf"install rollcall-sync\[{extra}\]") as caught:
                Place(sqlite, tmp_path).source(url=url)
        assert "secret" not in str(caught.value)
