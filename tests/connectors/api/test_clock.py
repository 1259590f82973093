"""What an API shows is judged by the clock of its server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.api.clock import expect_past, is_ahead, read_update
from connectors.protocol import WatermarkError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("shown", "moment"),
    [
        ("2026-03-01T13:00:00+01:00", NOON),
        ("2026-03-01T12:00:00.25Z", NOON + timedelta(milliseconds=250)),
        ("2026-03-01T12:00:00", None),
        ("0001-01-01T00:00:00+01:00", None),
        ("9999-12-31T23:59:59-01:00", None),
        ("yesterday", None),
        (None, None),
        (1772366400, None),
    ],
)
def test_a_last_update_is_read_in_utc(shown: object, moment: datetime | None) -> None:
    """What names no zone, or leaves the calendar on the way to UTC, is none."""
    assert read_update(shown) == moment
    assert moment is None or read_update(shown).tzinfo is UTC  # type: ignore[union-attr]  # it is a moment, as just seen


def test_an_update_of_the_present_second_is_not_ahead() -> None:
    """HTTP tells whole seconds, so only a later second is."""
    assert not is_ahead(NOON + timedelta(milliseconds=999), NOON)
    assert is_ahead(NOON + timedelta(seconds=1), NOON)
    assert not is_ahead(None, NOON)
    assert not is_ahead(NOON, None)


def test_a_watermark_of_the_future_is_refused() -> None:
    """Beyond a minute, by which the clocks of several servers may differ; without a clock nobody can tell."""
    expect_past("acme", NOON + timedelta(minutes=1), NOON)
    expect_past("acme", NOON, None)
    expect_past("acme", None, NOON)
    with pytest.raises(WatermarkError, match=r"acme: list: the watermark .* --full"):
        expect_past("acme", NOON + timedelta(minutes=1, seconds=1), NOON)
