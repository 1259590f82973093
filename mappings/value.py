"""The states of a cell (absent, null, a value) and the one canonical text of a value. Knows no system and no job."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from enum import Enum
from types import EllipsisType
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

# Ellipsis, because connectors make absent cells and mappings read them, and neither imports the other.
ABSENT: Final[EllipsisType] = ...

# Beyond this a float no longer holds every integer, so its digits are not the number that was meant.
EXACT_FLOAT_INTEGERS = 2**53


class Clear(Enum):
    """The state of a mapped cell that empties the target's field; a null cell of a row is a field not sent."""

    CLEAR = "clear"


CLEAR: Final = Clear.CLEAR

Mask: TypeAlias = npt.NDArray[np.bool_]


class ConversionError(ValueError):
    """A value does not fit; the text says why and never contains the value."""


def canonical_text(value: object) -> str:
    """Write a value as text in one way only: no exponent, no locale, no trailing `.0` of a whole float.

    Raises ConversionError for infinities and for values that have no plain text (bytes, lists).
    """
    match value:
        case str():
            return value
        case bool() | np.bool_():
            return "true" if value else "false"
        case int() | np.integer():
            return str(int(value))
        case Decimal():
            return format(_finite(value), "f")
        case float() | np.floating():
            return format(exact_decimal(float(value)), "f")
        case dt.date() | dt.time() | uuid.UUID():
            return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)
        case _:
            raise ConversionError("is not text, a number, a boolean or a date")


def exact_decimal(value: float) -> Decimal:
    """Turn a float from a typed source into the decimal that it prints as; 7.0 becomes 7."""
    if value.is_integer() and abs(value) < EXACT_FLOAT_INTEGERS:
        return Decimal(int(value))
    return _finite(Decimal(repr(value)))


def _finite(number: Decimal) -> Decimal:
    if not number.is_finite():
        raise ConversionError("is not a finite number")
    return number


def is_text(series: pd.Series) -> bool:
    """Say whether every value of the column is text by its type alone."""
    return isinstance(series.dtype, pd.StringDtype)


def absences(series: pd.Series) -> Mask:
    """Mark the cells that are ABSENT; only object columns can hold any."""
    if series.dtype != object:
        return np.zeros(len(series), dtype=bool)
    return np.fromiter((value is ABSENT for value in series.array), dtype=bool, count=len(series))


def nulls(series: pd.Series) -> Mask:
    """Mark the null cells (None, NaN, NaT)."""
    return series.isna().to_numpy()


def as_arrow(series: pd.Series) -> pa.Array:
    """Hand a text column to Arrow's string functions."""
    array = pa.array(series, type=pa.large_string(), from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def from_arrow(array: pa.Array) -> pd.Series:
    """Take a text column back from Arrow."""
    return pd.Series(array.to_pandas(), dtype="str")


def tidy(values: npt.NDArray[np.object_]) -> pd.Series:
    """Make a column of plain values, as the fast text type where all of them are text."""
    if set(map(type, values.tolist())) <= {str, type(None)}:
        try:
            return pd.Series(values, dtype="str")
        except UnicodeEncodeError:  # a lone surrogate has no UTF-8 form; the source check names its record
            pass
    return pd.Series(values, dtype=object)
