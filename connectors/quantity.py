"""Reads the quantities of a job file (`50/s`, `30s`) into plain numbers; knows no connector."""

from __future__ import annotations

import math
import re
from typing import Annotated

from pydantic import BeforeValidator, Field

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_RATE = re.compile(r"(?P<count>\d+(\.\d+)?)\s*/\s*(?P<unit>s|min|m|h)")
_DURATION = re.compile(r"(?P<count>\d+(\.\d+)?)\s*(?P<unit>ms|s|min|m|h)")


def rate_per_second(value: object) -> float:
    """Read `50/s`, `3000/min` or `90000/h` as requests per second; raises ValueError, without the value."""
    if isinstance(value, str) and (match := _RATE.fullmatch(value.strip())):
        return float(match["count"]) / _SECONDS[match["unit"]]
    raise ValueError("write a rate as 50/s, 3000/min or 90000/h")


def duration_seconds(value: object) -> float:
    """Read `30s`, `500ms`, `2m` or a plain number as seconds; raises ValueError, without the value."""
    if isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
        return float(match["count"]) * _SECONDS[match["unit"]]
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise ValueError("write a duration as 30s, 500ms, 2m or a number of seconds")


Rate = Annotated[float, BeforeValidator(rate_per_second), Field(gt=0)]
Seconds = Annotated[float, BeforeValidator(duration_seconds), Field(gt=0)]
