"""Brings mapped columns to the type of their target field. What is not canonical stays, for the checks to name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

import numpy as np
import pandas as pd

from mappings.column import Failures, apply
from mappings.description import SystemField
from mappings.image import ImagePlace
from mappings.moment import as_date, as_datetime
from mappings.value import EXACT_FLOAT_INTEGERS, ConversionError, canonical_text, exact_decimal, is_text

CANONICAL_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,63}")
CANONICAL_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,63})(?:\.[0-9]{1,64})?")
BOOLEANS: Mapping[str, bool] = {"true": True, "false": False}


def typed_text(value: object) -> object:
    """Write typed values as canonical text; what has none stays."""
    try:
        return canonical_text(value)
    except ConversionError:
        return value


def typed_boolean(value: object) -> object:
    """Read `true` and `false`; other words are for the converter `boolean`."""
    if isinstance(value, str):
        return BOOLEANS.get(value, value)
    return bool(value) if isinstance(value, np.bool_) else value


def typed_integer(value: object) -> object:
    """Read plain digits without leading zeros, and whole numbers of other types."""
    match value:
        case str() if CANONICAL_INTEGER.fullmatch(value):
            return int(value)
        case float() if value.is_integer() and abs(value) < EXACT_FLOAT_INTEGERS:
            return int(value)
        case Decimal() if value.is_finite() and value == value.to_integral_value():
            return int(value)
        case np.integer():
            return int(value)
        case _:
            return value


def typed_decimal(value: object) -> object:
    """Read canonical decimal text; floats of a typed source become the decimal that they print as."""
    match value:
        case str() if CANONICAL_DECIMAL.fullmatch(value):
            return Decimal(value)
        case int() if not isinstance(value, bool):
            return Decimal(value)
        case float() if np.isfinite(value):
            return exact_decimal(value)
        case _:
            return value


CASTERS: Mapping[str, Callable[[object], object]] = {
    "text": typed_text,
    "boolean": typed_boolean,
    "integer": typed_integer,
    "decimal": typed_decimal,
    "date": as_date,
    "datetime": as_datetime,
}


def cast(column: pd.Series, field: SystemField, images: ImagePlace) -> tuple[pd.Series, Failures]:
    """Type a column for its field; only images fail here (from elsewhere). Nulls stay null."""
    if is_text(column) and field.type == "text":
        return column, {}
    return apply(column, caster(field, images))


def caster(field: SystemField, images: ImagePlace) -> Callable[[object], object]:
    """Choose how one value becomes what the field takes."""
    if field.type == "list":
        item = typed_integer if field.items == "integer" else typed_text
        return lambda value: [item(part) for part in value] if isinstance(value, list | tuple) else value
    if field.type == "file":
        return images.find
    return CASTERS[field.type]
