"""Rates and durations as job files write them."""

from __future__ import annotations

import pytest

from connectors.quantity import duration_seconds, rate_per_second


@pytest.mark.parametrize(("text", "rate"), [("50/s", 50), ("3000/min", 50), ("90000 / h", 25), ("0.5/s", 0.5)])
def test_rate_is_read_as_requests_per_second(text: str, rate: float) -> None:
    """A rate counts per second, minute or hour."""
    assert rate_per_second(text) == pytest.approx(rate)


@pytest.mark.parametrize(("value", "seconds"), [("30s", 30), ("500ms", 0.5), ("2m", 120), (1.5, 1.5), (10, 10)])
def test_duration_is_read_as_seconds(value: object, seconds: float) -> None:
    """A duration has a unit, or is a plain number of seconds."""
    assert duration_seconds(value) == pytest.approx(seconds)


@pytest.mark.parametrize("value", ["fast", "50", "50/day", "-1/s", 50, None, ""])
def test_anything_else_is_no_rate_and_is_not_repeated(value: object) -> None:
    """What is no rate is refused with the forms that are, without the value."""
    with pytest.raises(ValueError, match=r"write a rate as 50/s"):
        rate_per_second(value)


@pytest.mark.parametrize("value", ["soon", "1 day", True, float("inf"), None])
def test_anything_else_is_no_duration(value: object) -> None:
    """What is no duration is refused with the forms that are."""
    with pytest.raises(ValueError, match=r"write a duration as 30s"):
        duration_seconds(value)
