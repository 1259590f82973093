"""Sorts columns by what their driver says of them, and turns keys into text and back; knows no statement."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal, TypeAlias
from uuid import UUID

from connectors.database.address import Dialect

# instant: knows its zone; local: wall clock; day: a date; dynamic: each value has a type of its own (SQLite);
# unordered: what is read does not compare as the column is sorted (MariaDB's ENUM goes by number, its text does not)
Kind: TypeAlias = Literal[
    "instant", "local", "day", "integer", "decimal", "text", "uuid", "bytes", "other", "dynamic", "unordered"
]

# pg_type.dat, whose numbers never change
_POSTGRESQL: dict[int, Kind] = {
    1184: "instant", 1114: "local", 1082: "day", 20: "integer", 21: "integer", 23: "integer", 26: "integer",
    1700: "decimal", 700: "unordered",
    25: "text", 1042: "text", 1043: "text", 19: "text", 2950: "uuid", 17: "bytes",
}  # fmt: skip
_POSTGRESQL_KEYS = {16, 18, 790}  # boolean, "char", money; and what a database defines itself (enums, citext):
_POSTGRESQL_OWN = 16384  # the first number of these. Else (floats, addresses, ranges, json) text and value part ways.
# https://mariadb.com/kb/en/result-set-packets/#field-types; a TIMESTAMP is kept in UTC, a DATETIME as it was written
_MYSQL: dict[int, Kind] = {
    7: "instant", 12: "local", 10: "day", 14: "day", 1: "integer", 2: "integer", 3: "integer", 8: "integer",
    9: "integer", 13: "integer", 4: "unordered", 5: "unordered", 11: "unordered", 16: "unordered",
    0: "decimal", 246: "decimal", 15: "text", 253: "text", 254: "text", 252: "text",
    249: "text", 250: "text", 251: "text",
}  # fmt: skip
_MYSQL_ENUM, _MYSQL_SET = 256, 2048  # flags: both come as text
_HEX = "0x"
_UNREAD = {"text", "dynamic", "other", "unordered"}  # kinds whose text stands for itself
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class BrokenText(bytes):
    """Text of SQLite's that is no UTF-8, as its bytes; as a parameter it would compare as the BLOB that it is not."""

    __slots__ = ()


def kind_of(dialect: Dialect, type_code: object, flags: int = 0) -> Kind:
    """Sort a column by its type code in the cursor's description, and by MariaDB's flags beside it."""
    match dialect:
        case "sqlite":
            return "dynamic"
        case "postgresql":
            code = int(str(type_code))
            return _POSTGRESQL.get(
                code, "other" if code in _POSTGRESQL_KEYS or code >= _POSTGRESQL_OWN else "unordered"
            )
        case "mysql":
            if flags & (_MYSQL_ENUM | _MYSQL_SET):
                return "unordered"
            return _MYSQL.get(int(str(type_code)), "other")


def key_texts(columns: Sequence[Sequence[object]]) -> list[str | None]:
    """Name each record by the values of its key columns; None where they do not name it."""
    if len(columns) > 1:
        parts = [_texts(column) for column in columns]
        return [None if None in texts else _encode(texts) for texts in zip(*parts, strict=True)]
    return _texts(columns[0])


def _texts(column: Sequence[object]) -> list[str | None]:
    if set(map(type, column)) == {int}:
        return list(map(str, column))
    return [_text(value) for value in column]


def _text(value: object) -> str | None:
    match value:
        case str():
            return value if value.strip() and "\0" not in value else None
        case bytes() | bytearray() | memoryview():
            return _HEX + bytes(value).hex()
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def cursor_of_keys(values: Sequence[object]) -> str:
    """Write the key of a record as a cursor; numbers stay numbers, and bytes stand in a list of their own."""
    return _encode([_written(value) for value in values])


def exact_cursor(values: Sequence[object], kinds: Sequence[Kind]) -> str | None:
    """Write the key of a record as a cursor; None where it would be read as another (infinite dates, broken text)."""
    cursor = cursor_of_keys(values)
    try:
        again = keys_of_cursor(cursor, kinds)
    except ValueError:
        return None
    return cursor if again == tuple(values) else None


def _written(value: object) -> object:
    match value:
        case BrokenText():
            return None
        case bool() | int() | float() | str():
            return value
        case bytes() | bytearray() | memoryview():
            return [bytes(value).hex()]
        case _:
            return _text(value)


def keys_of_cursor(cursor: str, kinds: Sequence[Kind]) -> tuple[object, ...]:
    """Read what `cursor_of_keys` wrote; raises ValueError for anything else."""
    values = json.loads(cursor)
    if not isinstance(values, list) or len(values) != len(kinds):
        raise ValueError("not a cursor of ours")
    return tuple(_read(kind, value) for kind, value in zip(kinds, values, strict=True))


def _read(kind: Kind, value: object) -> object:
    match value:
        case bool() | int() | float():
            return value
        case [str() as digits]:
            return bytes.fromhex(digits)
        case str():
            return value if kind in _UNREAD else candidates(kind, value)[0]
        case _:
            raise ValueError("not a cursor of ours")


def parts_of(text: str, count: int) -> list[str] | None:
    """Take the text of a key apart; None where it is no key of that many columns."""
    if count == 1:
        return [text]
    try:
        parts = json.loads(text)
    except ValueError:
        return None
    fits = isinstance(parts, list) and len(parts) == count and all(isinstance(part, str) for part in parts)
    return parts if fits else None


def candidates(kind: Kind, text: str) -> list[object]:
    """List the values that may stand in a column where its key reads like this, so that an index finds them.

    Raises ValueError where none can.
    """
    if "\0" in text:
        raise ValueError("no key holds NUL")
    if kind in {"text", "dynamic"}:
        return [text, *_also(kind, text)]
    return [_READ[kind](text)]


def _also(kind: Kind, text: str) -> list[object]:
    """Think of values that are no text, where a column's type does not tell."""
    found: list[object] = []
    if kind == "dynamic" and text.lstrip("-").isdecimal() and str(int(text)) == text and abs(int(text)) < 2**63:
        found.append(int(text))
    if text.startswith(_HEX):
        with suppress(ValueError):
            found.append(bytes.fromhex(text.removeprefix(_HEX)))
    return found


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("not a number") from None


_READ: Mapping[Kind, Callable[[str], object]] = {
    "integer": int,
    "decimal": _decimal,
    "uuid": UUID,
    "day": date.fromisoformat,
    "instant": datetime.fromisoformat,
    "local": datetime.fromisoformat,
    "bytes": lambda text: bytes.fromhex(text.removeprefix(_HEX)),
    "other": str,
    "unordered": str,
}
