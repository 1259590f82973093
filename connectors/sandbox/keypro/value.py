"""Reads one value, from the JSON of a write or from the text of a filter, and refuses what is not of its type.

Inferred: JSON types are taken at their word (no "5" for 5, no 1 for true), whole numbers have 32 bits as in the
framework's database, times without a zone are UTC, and filters write booleans as `true` and `false`.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime

from connectors.sandbox.keypro.field import Kind
from connectors.sandbox.keypro.refusal import (
    INVALID_BOOLEAN,
    INVALID_DATE,
    INVALID_INTEGER,
    INVALID_MOMENT,
    INVALID_NUMBER,
    INVALID_TEXT,
    NULL_CHARACTER,
)

_LEAST, _MOST = -(2**31), 2**31 - 1
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


class WrongValueError(ValueError):
    """The value is not of its field's type; the message is what the vendor would say."""


def read_json(kind: Kind, value: object) -> object:
    """Take a value of a JSON body that is not null; raises WrongValueError."""
    match kind:
        case "integer":
            return _read_integer(value)
        case "number":
            # 1e999 is JSON for a number that no answer could show.
            if type(value) not in (int, float) or (isinstance(value, float) and not math.isfinite(value)):
                raise WrongValueError(INVALID_NUMBER)
        case "boolean":
            if type(value) is not bool:
                raise WrongValueError(INVALID_BOOLEAN)
        case "date":
            return _read_date(value)
        case "moment":
            return read_moment(value)
        case "text":
            return _read_text(value)
    return value


def read_parameter(kind: Kind, text: str) -> object:
    """Read the text of a filter as what it is compared with; raises WrongValueError."""
    match kind:
        case "integer":
            return read_whole(text)
        case "number":
            if not _NUMBER.fullmatch(text):
                raise WrongValueError(INVALID_NUMBER)
            return float(text)
        case "boolean":
            return read_flag(text)
        case "date":
            return _read_date(text)
        case "moment":
            return read_moment(text)
        case "text":
            return text


def read_whole(text: str) -> int:
    """Read a whole number; raises WrongValueError."""
    if not _INTEGER.fullmatch(text):
        raise WrongValueError(INVALID_INTEGER)
    return int(text)


def read_flag(text: str) -> bool:
    """Read `true` or `false`; raises WrongValueError."""
    if text not in ("true", "false"):
        raise WrongValueError(INVALID_BOOLEAN)
    return text == "true"


def read_moment(value: object) -> datetime:
    """Read a date and time, or a date for its midnight, as UTC; raises WrongValueError."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise WrongValueError(INVALID_MOMENT)
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise WrongValueError(INVALID_MOMENT) from None


def show_moment(moment: datetime | None) -> str | None:
    """Write a UTC time to the microsecond, with Z."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _read_integer(value: object) -> int:
    if type(value) is not int:
        raise WrongValueError(INVALID_INTEGER)
    if value > _MOST:
        raise WrongValueError(f"Ensure this value is less than or equal to {_MOST}.")
    if value < _LEAST:
        raise WrongValueError(f"Ensure this value is greater than or equal to {_LEAST}.")
    return value


def _read_date(value: object) -> str:
    """Keep the text: days in this form are in the order of their text."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise WrongValueError(INVALID_DATE)
    try:
        date.fromisoformat(value)
    except ValueError:
        raise WrongValueError(INVALID_DATE) from None
    return value


def _read_text(value: object) -> str:
    if not isinstance(value, str):
        raise WrongValueError(INVALID_TEXT)
    if "\0" in value:
        raise WrongValueError(NULL_CHARACTER)
    surrogate = re.search("[\ud800-\udfff]", value)
    if surrogate:
        raise WrongValueError(f"Surrogate characters are not allowed: U+{ord(surrogate[0]):X}.")
    return value
