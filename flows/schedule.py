"""Reads when a job is to run; knows no scheduler, and checks a cron line without loading one."""

from __future__ import annotations

import re
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.quantity import Seconds

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# What a field is called, its least and greatest number, and the names that stand for numbers.
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)
_ITEM = re.compile(r"(?:\*|(?P<first>[0-9a-z]+)(?:-(?P<last>[0-9a-z]+))?)(?:/(?P<step>[0-9]{1,4}))?")
_UNITS = ((3600, "h"), (60, "m"))
_DAYS_OF = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Schedule(BaseModel):
    """When a job runs: by a cron line, or again after a while."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    cron: Annotated[str | None, Field(description="minute, hour, day of the month, month, day of the week")] = None
    every: Annotated[Seconds | None, Field(ge=1, description="the time between two runs, `15m`")] = None
    timezone: Annotated[str, Field(description="the zone that the cron line's hours are of")] = "UTC"

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"cron": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _either(self) -> Schedule:
        if (self.cron is None) == (self.every is None):
            raise ValueError("say either cron or every")
        if self.every is not None and "timezone" in self.model_fields_set:
            raise ValueError("a time zone belongs to cron: what comes every so often knows no hours")
        return self

    @field_validator("cron")
    @classmethod
    def _cron(cls, value: str | None) -> str | None:
        if value is not None:
            check_cron(value)
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):  # OSError: the name of a folder of zones
            raise ValueError("is no time zone of the tz database, such as Europe/Berlin") from None
        return value

    def __str__(self) -> str:
        """Say when in a few words."""
        if self.cron is None:
            return f"every {_shown(self.every or 0)}"
        return f"{self.cron} ({self.timezone})"


def _shown(seconds: float) -> str:
    """Show a while as a job file has it: `15m`, not 900 seconds."""
    size, unit = next((each for each in _UNITS if seconds % each[0] == 0), (1, "s"))
    return f"{seconds / size:.12g}{unit}"


def check_cron(line: str) -> None:
    """Check the five fields of a cron line; raises ValueError naming the field that is wrong.

    It takes numbers, names of months and days, lists, ranges and steps: what every cron means alike.
    """
    texts = line.lower().split()
    if len(texts) != len(_FIELDS):
        raise ValueError("a cron line has five fields: minute, hour, day of the month, month, day of the week")
    for text, (name, least, greatest, names) in zip(texts, _FIELDS, strict=True):
        for item in text.split(","):
            if not _is_item(item, least, greatest, names):
                raise ValueError(f"the cron line's {name} is to be *, or numbers from {least} to {greatest}: {text}")
    if not _ever_comes(texts[2], texts[3], texts[4]):
        raise ValueError("the cron line names a day that no month of it has")


def _is_item(item: str, least: int, greatest: int, names: tuple[str, ...]) -> bool:
    match = _ITEM.fullmatch(item)
    if match is None or (match["step"] is not None and not 1 <= int(match["step"]) <= greatest):
        return False
    if match["first"] is None:
        return True
    numbers = [_number(text, least, names) for text in (match["first"], match["last"]) if text is not None]
    return all(least <= number <= greatest for number in numbers) and numbers == sorted(numbers)


def _number(text: str, least: int, names: tuple[str, ...]) -> int:
    """Read a number or a name; -1 for what is neither."""
    if text in names:
        return names.index(text) + (1 if least else 0)
    return int(text) if re.fullmatch("[0-9]{1,2}", text) else -1


def _ever_comes(days: str, months: str, weekdays: str) -> bool:
    """Say whether a day such as the 30th of February is all that a cron line asks for."""
    if weekdays != "*" or not re.fullmatch(r"[0-9,]+", days) or re.search(r"[*/-]", months):
        return True
    chosen = [_number(text, 1, _MONTHS) for text in months.split(",")]
    return any(int(day) <= _DAYS_OF[month - 1] for day in days.split(",") for month in chosen)
