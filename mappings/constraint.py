"""Single checks of columns: each marks the cells that break it. Knows no codes, no words and no pandera."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from yarl import URL

from mappings.description import SystemField
from mappings.image import image_format
from mappings.kind import CANONICAL_INTEGER
from mappings.moment import is_date, is_datetime
from mappings.value import CLEAR, Clear, Mask, as_arrow, canonical_text, is_text, nulls

CellTest: TypeAlias = Callable[[object], bool]

TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "date": (str,),
    "datetime": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "decimal": (Decimal,),
    "list": (list,),
    "file": (Path, bytes, URL),
}
# Of these any value of the right type will do, so that a page is mostly judged by its set of types.
SIMPLE_TYPES = frozenset({"text", "boolean", "integer"})
FORMS: dict[str, Callable[[str], bool]] = {"date": is_date, "datetime": is_datetime}


def marked(column: pd.Series, breaks: CellTest) -> Mask:
    """Mark the cells for which the test is true; null and cleared cells have no value to test.

    Of a text column each distinct value is tested once.
    """
    if is_text(column):
        codes, distinct = pd.factorize(column)
        broken = np.zeros(len(distinct) + 1, dtype=bool)  # the last is that of null cells, whose code is -1
        broken[:-1] = [breaks(value) for value in distinct]
        marks: Mask = broken[codes]
        return marks
    empty = nulls(column)
    return np.fromiter(
        (not gone and value is not CLEAR and breaks(value) for value, gone in zip(column, empty, strict=True)),
        dtype=bool,
        count=len(column),
    )


def missing(column: pd.Series) -> Mask:
    """Mark cells without a value: null, cleared, or text of nothing but white space."""
    if is_text(column):
        blank = pc.equal(pc.utf8_trim_whitespace(as_arrow(column)), "")
        return _bools(blank, null=True)
    blanks = (value is CLEAR or (isinstance(value, str) and not value.strip()) for value in column)
    empty: Mask = nulls(column) | np.fromiter(blanks, bool, len(column))
    return empty


def type_mismatches(column: pd.Series, field: SystemField) -> Mask:
    """Mark cells whose value is not of the field's type; decimals must be finite, days and points in time exist."""
    allowed, has_form = TYPES[field.type], FORMS.get(field.type, _any)
    if is_text(column):
        if str not in allowed:
            return ~nulls(column)
        return np.zeros(len(column), dtype=bool) if has_form is _any else other_text(column, has_form)
    if field.type in SIMPLE_TYPES and set(map(type, column.tolist())) <= {*allowed, type(None), Clear}:
        return np.zeros(len(column), dtype=bool)
    item = {"text": str, "integer": int}.get(field.items or "", object)
    # Of lists that belong together one may have nothing in a place, unless it is the one that is always needed.
    gap = type(None) if field.parallel and field.required_with_any is None else item

    def fits(value: object) -> bool:
        if type(value) is list:
            return list in allowed and all(isinstance(part, item | gap) and type(part) is not bool for part in value)
        if isinstance(value, Decimal):
            return Decimal in allowed and value.is_finite()
        if isinstance(value, str):
            return str in allowed and has_form(value)
        return isinstance(value, allowed) and type(value) is not bool if Path in allowed else type(value) in allowed

    return marked(column, lambda value: not fits(value))


def _any(_: str) -> bool:
    return True


def no_ids(column: pd.Series) -> Mask:
    """Mark texts, and lists of texts, that are not plain digits."""
    return other_text(column, lambda text: CANONICAL_INTEGER.fullmatch(text) is not None)


def other_text(column: pd.Series, fits: Callable[[str], bool]) -> Mask:
    """Mark texts that do not fit, and lists with an entry of text that does not."""

    def breaks(value: object) -> bool:
        texts = value if isinstance(value, list) else [value]
        return not all(fits(text) for text in texts if isinstance(text, str))

    return marked(column, breaks)


def undecodable(column: pd.Series) -> Mask:
    """Mark texts with a NUL or a lone surrogate, which no target can store."""
    if is_text(column):
        return found(column, "\x00", pc.match_substring)
    return marked(column, lambda value: isinstance(value, str) and _broken(value))


def _broken(text: str) -> bool:
    return "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text)


def longer(column: pd.Series, limit: int) -> Mask:
    """Mark texts of more characters than the limit, and lists with such an entry."""
    if is_text(column):
        return _bools(pc.greater(pc.utf8_length(as_arrow(column)), limit))
    return other_text(column, lambda text: len(text) <= limit)


def shorter(column: pd.Series, limit: int) -> Mask:
    """Mark texts of fewer characters than the limit, and lists with such an entry."""
    return other_text(column, lambda text: len(text) >= limit)


def more_items(column: pd.Series, limit: int) -> Mask:
    """Mark lists of more entries than the limit."""
    return marked(column, lambda value: isinstance(value, list) and len(value) > limit)


def uneven(column: pd.Series, other: pd.Series) -> Mask:
    """Mark rows in which both columns have a list, and not of one length."""
    pairs = zip(column, other, strict=True)
    lists = (isinstance(left, list) and isinstance(right, list) and len(left) != len(right) for left, right in pairs)
    return np.fromiter(lists, bool, len(column))


def outside(column: pd.Series, minimum: Decimal | None, maximum: Decimal | None) -> Mask:
    """Mark numbers below the minimum or above the maximum."""

    def breaks(value: object) -> bool:
        if not isinstance(value, int | Decimal) or isinstance(value, bool) or not Decimal(value).is_finite():
            return False
        return (minimum is not None and value < minimum) or (maximum is not None and value > maximum)

    return marked(column, breaks)


def other_form(column: pd.Series, pattern: str) -> Mask:
    """Mark texts that the pattern does not match as a whole, and lists with such an entry."""
    compiled = re.compile(pattern)
    return other_text(column, lambda text: compiled.fullmatch(text) is not None)


def no_choice(column: pd.Series, choices: frozenset[str]) -> Mask:
    """Mark values, and lists with an entry, whose canonical text is none of the choices."""

    def breaks(value: object) -> bool:
        parts = value if isinstance(value, list) else [value]
        return any(canonical_text(part) not in choices for part in parts if isinstance(part, str | int))

    return marked(column, breaks)


def equal(column: pd.Series, other: pd.Series) -> Mask:
    """Mark rows in which both columns have the same value."""
    pairs = zip(column, other, nulls(column), strict=True)
    return np.fromiter((not gone and left == right for left, right, gone in pairs), bool, len(column))


def equals(column: pd.Series, value: object) -> Mask:
    """Mark cells that hold exactly this value (true is not 1)."""
    return marked(column, lambda cell: type(cell) is type(value) and cell == value)


def absent_file(column: pd.Series) -> Mask:
    """Mark paths at which no file can be read."""
    return marked(column, lambda value: isinstance(value, Path) and not value.is_file())


def larger_file(column: pd.Series, limit: int) -> Mask:
    """Mark files, and images as bytes, of more bytes than the limit."""

    def breaks(value: object) -> bool:
        if isinstance(value, bytes):
            return len(value) > limit
        return isinstance(value, Path) and value.is_file() and value.stat().st_size > limit

    return marked(column, breaks)


def other_file(column: pd.Series, formats: frozenset[str]) -> Mask:
    """Mark files, and images as bytes, whose content is none of the formats."""

    def breaks(value: object) -> bool:
        if isinstance(value, bytes) or (isinstance(value, Path) and value.is_file()):
            return image_format(value) not in formats
        return False

    return marked(column, breaks)


def found(column: pd.Series, needle: str, match: Callable[[pa.Array, str], pa.Array]) -> Mask:
    """Mark texts in which an Arrow match function finds the needle."""
    return _bools(match(as_arrow(column), needle))


def _bools(array: pa.Array, *, null: bool = False) -> Mask:
    marks: Mask = pc.fill_null(array, null).to_numpy(zero_copy_only=False)
    return marks
