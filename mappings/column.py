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
        except BaseException as error:  # noqa: BLE001 - a converter may be the user's; each failure becomes a finding
            broken[code] = _contained(error)
    failures = {int(at): broken[codes[at]] for at in np.flatnonzero(np.isin(codes, list(broken)))} if broken else {}
    return tidy(results[codes]), failures


def apply_records(
    cells: pd.DataFrame, function: Callable[[tuple[str | None, ...]], object]
) -> tuple[pd.Series, Failures]:
    """Call the function once on every distinct combination of texts; nulls are None, and nulls alone pass by."""
    columns = [cells[name].astype(object).where(cells[name].notna(), None).tolist() for name in cells]
    results: dict[tuple[str | None, ...], object] = {(None,) * len(columns): None}
    broken: dict[tuple[str | None, ...], Exception] = {}
    column = np.empty(len(cells), dtype=object)
    failures: Failures = {}
    for at, texts in enumerate(zip(*columns, strict=True)):
        if texts not in results:
            try:
                results[texts] = function(texts)
            except BaseException as error:  # noqa: BLE001 - as above
                results[texts], broken[texts] = None, _contained(error)
        column[at] = results[texts]
        if texts in broken:
            failures[at] = broken[texts]
    return tidy(column), failures


def apply_whole(
    cells: pd.Series | pd.DataFrame, function: Callable[[pd.Series | pd.DataFrame], object]
) -> tuple[pd.Series, Failures]:
    """Call the function on all records at once; where it raises, find the records to blame one by one."""
    try:
        return _checked(function(cells), cells.index), {}
    except BaseException as whole:  # noqa: BLE001 - as above; nothing is lost, because each record is tried below
        _contained(whole)
        results = np.empty(len(cells), dtype=object)
        failures: Failures = {}
        for at in range(len(cells)):
            try:
                alone = cells.iloc[at : at + 1]
                results[at] = _checked(function(alone), alone.index).iloc[0]
            except BaseException as error:  # noqa: BLE001 - as above
                failures[at] = _contained(error)
        return tidy(results), failures


def _contained(error: BaseException) -> Exception:
    """Take `sys.exit` and its like for the converter's failure; only Ctrl-C is not its own."""
    if isinstance(error, KeyboardInterrupt):
        raise error
    return error if isinstance(error, Exception) else RuntimeError(type(error).__name__)


def _checked(result: object, index: pd.Index) -> pd.Series:
    """Bring the records back into their order by their labels; raises TypeError where they cannot be told."""
    if not isinstance(result, pd.Series) or len(result) != len(index):
        raise TypeError("a column converter returns a column of the same length")
    if len(index) > 1 and not result.index.equals(index):
        if not result.index.is_unique or not result.index.isin(index).all():
            raise TypeError("a column converter keeps the labels of its records")
        result = result.reindex(index)
    return result.reset_index(drop=True)
