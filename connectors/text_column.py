"""Makes text columns of Arrow's arrays; reads nothing."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
from pandas.arrays import ArrowStringArray

_TEXT = pd.StringDtype(storage="pyarrow", na_value=float("nan"))


def text_column(array: pa.Array) -> ArrowStringArray:
    """Take a `large_string` array as a column of pandas' own text type, without a copy."""
    return ArrowStringArray(array, dtype=_TEXT)  # type: ignore[call-arg]  # the stubs lack it
