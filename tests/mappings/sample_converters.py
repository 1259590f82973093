"""A module of converters as a user writes it."""

from __future__ import annotations

import pandas as pd

from mappings.converter import column_converter, converter, shortening_converter


@converter
def shout(value: str, mark: str) -> str:
    """Put a mark behind the text."""
    return value + mark


@converter
def fragile(value: str) -> str:
    """Raise on `bad`, with a text that carries the value."""
    if "bad" in value:
        raise ValueError(f"cannot take {value}")
    return value


@converter
def kind_of(value: object) -> str:
    """Say of which type the value is that comes to a converter of objects."""
    return type(value).__name__


@column_converter
def fragile_column(column: pd.Series) -> pd.Series:
    """Raise where any value is `bad`."""
    if (column == "bad").any():
        raise RuntimeError("bad")
    return column + "!"


@column_converter
def shortening_column(column: pd.Series) -> pd.Series:
    """Break the promise of an equal length."""
    return column.iloc[:0]


@column_converter
def reordered(column: pd.Series) -> pd.Series:
    """Give the column back in another order, as sorting does."""
    return column.sort_values(ascending=False)


@converter
def leaving(value: str) -> str:
    """Try to end the program."""
    raise SystemExit(value)


@shortening_converter
def initial(column: pd.Series) -> pd.Series:
    """Keep the first letter alone."""
    return column.str[:1]
