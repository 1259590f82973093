"""The filter of a job."""

from __future__ import annotations

import pandas as pd
import pytest

from mappings.filter import Filter
from mappings.value import ABSENT


def test_without_conditions_all_take_part() -> None:
    """A job without a filter leaves nothing out."""
    assert Filter.from_job(None).mask(pd.DataFrame({"a": ["x", "y"]})).tolist() == [True, True]


def test_all_conditions_must_hold() -> None:
    """Several columns narrow each other down, and one value may stand without a list."""
    chosen = Filter.from_job({"status": ["A", "X"], "country": "DE"})
    records = pd.DataFrame({"status": ["A", "X", "B"], "country": ["DE", "AT", "DE"]})
    assert chosen.mask(records).tolist() == [True, False, False]
    assert chosen.source_columns == {"status", "country"}


def test_values_are_compared_by_their_text() -> None:
    """YAML's true and 1 match a file's texts and a database's values alike, but not each other."""
    chosen = Filter.from_job({"a": [True, 1]})
    assert chosen.mask(pd.DataFrame({"a": ["true", "1", "True"]})).tolist() == [True, True, False]
    assert chosen.mask(pd.DataFrame({"a": [True, 1, 2, [1]]}, dtype=object)).tolist() == [True, True, False, False]
    assert Filter.from_job({"a": 1}).mask(pd.DataFrame({"a": [1.0, None]})).tolist() == [True, False]


@pytest.mark.parametrize("values", [["", None, "x"], ["", ABSENT, "x"]])
def test_null_and_empty_are_two_things(values: list[object]) -> None:
    """Null in the filter takes null and absent cells, and an empty text takes empty ones."""
    records = pd.DataFrame({"a": pd.Series(values, dtype=object)})
    assert Filter.from_job({"a": None}).mask(records).tolist() == [False, True, False]
    assert Filter.from_job({"a": ""}).mask(records).tolist() == [True, False, False]


def test_text_columns_may_be_null() -> None:
    """A file's empty cells are null and can be asked for."""
    records = pd.DataFrame({"a": pd.Series(["x", None], dtype="str")})
    assert Filter.from_job({"a": ["y", None]}).mask(records).tolist() == [False, True]


@pytest.mark.parametrize("conditions", [{"a": []}, {"a": [b"x"]}, {"a": {"b": 1}}])
def test_a_condition_that_cannot_hold_is_refused(conditions: dict[str, object]) -> None:
    """An empty list and values without a text are mistakes of the job."""
    with pytest.raises(ValueError, match="filter of a"):
        Filter.from_job(conditions)
