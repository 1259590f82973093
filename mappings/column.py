"""Applies a function to a column and keeps apart the cells on which it raises. Knows no field and no job."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pandas as pd

from mappings.value import nulls, tidy

Failures: TypeAlias = dict[int, Exception]
"""What was raised, by the position of the record."""


def apply(column: pd.Series, function: Callable[[object], object]) -> tuple[pd.Series, Failures]:
    """Call the function on every distinct value; nulls pass by, and a cell on which it raises becomes null.

    Object columns are taken cell by cell: 1, True and Decimal(1) are equal, and still different values.
    """
    if column.dtype == object:
        held = np.flatnonzero(~nulls(column))
        codes = np.full(len(column), -1)
        codes[held] = np.arange(len(held))
        distinct = column.to_numpy()[held].tolist()
    else:
        codes, found = pd.factorize(column)
        distinct = found.tolist()
    results = np.empty(len(distinct) + 1, dtype=object)  # the last stays None: null cells have the code -1
    broken: Failures = {}
    for code, value in enumerate(distinct):
        try:
            results[code] = function(value)
        except Exception as error:  # noqa: BLE001 - a converter may be the user's; each failure becomes a finding
            broken[code] = error
    failures = {int(at): broken[codes[at]] for at in np.flatnonzero(np.isin(codes, list(broken)))} if broken else {}
    return tidy(results[codes]), failures


def apply_whole(
    cells: pd.Series | pd.DataFrame, function: Callable[[pd.Series | pd.DataFrame], object]
) -> tuple[pd.Series, Failures]:
    """Call the function on all records at once; where it raises, find the records to blame one by one."""
    try:
        return _checked(function(cells), len(cells)), {}
    except Exception:  # noqa: BLE001 - as above; nothing is lost, because each record is tried below
        results = np.empty(len(cells), dtype=object)
        failures: Failures = {}
        for at in range(len(cells)):
            try:
                results[at] = _checked(function(cells.iloc[at : at + 1]), 1).iloc[0]
            except Exception as error:  # noqa: BLE001 - as above
                failures[at] = error
        return tidy(results), failures


def _checked(result: object, length: int) -> pd.Series:
    if not isinstance(result, pd.Series) or len(result) != length:
        raise TypeError("a column converter returns a column of the same length")
    return result.reset_index(drop=True)
