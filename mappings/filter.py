"""A job's filter: which records take part, by the raw values of source columns. Converts and checks nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mappings.value import ABSENT, ConversionError, Mask, canonical_text, is_text, nulls


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions that must all hold: per column the values of which the record's must be one.

    `allowed` holds canonical texts, and None where null (or an absent cell) is allowed.
    """

    allowed: Mapping[str, frozenset[str | None]]

    @classmethod
    def from_job(cls, conditions: Mapping[str, object] | None) -> Filter:
        """Read `{column: value}` and `{column: [values]}`; raises ValueError where a value has no plain text."""
        return cls({column: _allowed(column, values) for column, values in (conditions or {}).items()})

    @property
    def source_columns(self) -> frozenset[str]:
        """The columns that the source must have."""
        return frozenset(self.allowed)

    def mask(self, records: pd.DataFrame) -> Mask:
        """Mark the records that take part."""
        taken = np.ones(len(records), dtype=bool)
        for column, allowed in self.allowed.items():
            taken &= _matches(records[column], allowed)
        return taken


def _allowed(column: str, values: object) -> frozenset[str | None]:
    listed: Sequence[object] = values if isinstance(values, list | tuple) else [values]
    if not listed:
        raise ValueError(f"the filter of {column} allows no value, so that no record takes part")
    try:
        return frozenset(None if value is None else canonical_text(value) for value in listed)
    except ConversionError as error:
        raise ValueError(f"a value in the filter of {column} {error}") from None


def _matches(column: pd.Series, allowed: frozenset[str | None]) -> Mask:
    texts = [text for text in allowed if text is not None]
    if is_text(column):
        hits = column.isin(texts).to_numpy(dtype=bool)
        return hits | nulls(column) if None in allowed else hits
    cells = zip(column.tolist(), nulls(column), strict=True)
    return np.fromiter((_key(cell, gone=gone) in allowed for cell, gone in cells), bool, len(column))


def _key(cell: object, *, gone: bool) -> str | None:
    if gone or cell is ABSENT:
        return None
    try:
        return canonical_text(cell)
    except ConversionError:  # a list or bytes is equal to nothing that a filter can say
        return "\x00"
