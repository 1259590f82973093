"""A job's schedule: what a job file may say, and when Prefect then lets a run begin."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.deployment.schedule import prefect_schedule
from flows.document import JobError
from flows.job import load_job
from flows.schedule import Schedule, check_cron
from tests.docs.job import REST, write_job

BERLIN = ZoneInfo("Europe/Berlin")
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.parametrize(
    "line",
    [
        "* * * * *",
        "*/15 * * * *",
        "0 6,18 * * mon-fri",
        "30 2 1 jan *",
        "5-20/5 0-6 * 1-3,12 SUN",
        "0 0 29 2 *",
        "0 0 * * 7",
    ],
)
def test_cron_lines(line: str) -> None:
    """Numbers, names, lists, ranges and steps are taken, and by Prefect as well."""
    check_cron(line)
    prefect_takes(line)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("* * * *", "five fields"),
        ("@daily", "five fields"),
        ("60 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* * 0 * *", "day of the month"),
        ("* * * 13 *", "month"),
        ("* * * * 8", "day of the week"),
        ("*/0 * * * *", "minute"),
        ("5-1 * * * *", "minute"),
        ("* * * foo *", "month"),
        ("H * * * *", "minute"),
        ("0 0 30 2 *", "no month"),
        ("0 0 31 4,jun *", "no month"),
        ("1,,2 * * * *", "minute"),
    ],
)
def test_wrong_cron_lines(line: str, words: str) -> None:
    """What is none, or would never come, is refused by the name of its field."""
    with pytest.raises(ValueError, match=words):
        check_cron(line)


_numbers = st.integers(0, 60).map(str)
_items = st.one_of(
    st.just("*"), _numbers, st.tuples(_numbers, _numbers).map("-".join), _numbers.map(lambda step: f"*/{step}")
)
_fields = st.lists(_items, min_size=1, max_size=3).map(",".join)


@given(st.lists(_fields, min_size=5, max_size=5).map(" ".join))
def test_what_a_job_may_say_prefect_takes(line: str) -> None:
    """Any line that passes our check passes Prefect's, so that nothing is found wrong only when it is deployed."""
    try:
        check_cron(line)
    except ValueError:
        return
    prefect_takes(line)


def prefect_takes(line: str) -> None:
    """Let Prefect judge a cron line; raises ValidationError."""
    from prefect.client.schemas.schedules import CronSchedule

    assert CronSchedule(cron=line, timezone="UTC").cron == line


def load(folder: Path, schedule: object) -> Schedule | None:
    """Load a job with a schedule."""
    return load_job(write_job(folder, {**REST, "schedule": schedule}), {}).schedule


def test_what_a_job_file_may_say(tmp_path: Path) -> None:
    """A cron line alone, one with a time zone, or a while; without a zone it is UTC."""
    short = load(tmp_path, "*/15 * * * *")
    assert short == Schedule(cron="*/15 * * * *", timezone="UTC")
    zoned = load(tmp_path, {"cron": "0 6 * * *", "timezone": "Europe/Berlin"})
    assert str(zoned) == "0 6 * * * (Europe/Berlin)"
    again = load(tmp_path, {"every": "15m"})
    assert again is not None
    assert again.every == 900


@pytest.mark.parametrize("written", ["4s", "15m", "90m", "24h", "1.5s"])
def test_a_while_is_shown_as_people_write_it(tmp_path: Path, written: str) -> None:
    """`every` is shown in the unit that a job file has, not in seconds."""
    assert str(load(tmp_path, {"every": written})) == f"every {written}"


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("every day", "job.yaml:13: schedule: a cron line has five fields"),
        ("61 * * * *", "job.yaml:13: schedule: the cron line's minute is to be *, or numbers from 0 to 59: 61"),
        ({"cron": "* * * * *", "timezone": "Berlin"}, "job.yaml:12: schedule.timezone: is no time zone"),
        ({"cron": "* * * * *", "timezone": "Europe"}, "job.yaml:12: schedule.timezone: is no time zone"),
        ({"cron": "* * * * *", "every": "5m"}, "job.yaml:10: schedule: say either cron or every"),
        ({"every": "5m", "timezone": "UTC"}, "job.yaml:10: schedule: a time zone belongs to cron"),
        ({}, "job.yaml:10: schedule: say either cron or every"),
        ({"every": "soon"}, "job.yaml:11: schedule.every: write a duration"),
        ({"cron": "* * * * *", "timezon": "UTC"}, "job.yaml:12: schedule.timezon: unknown key; did you mean timezone?"),
    ],
)
def test_a_wrong_schedule_is_explained(tmp_path: Path, schedule: object, words: str) -> None:
    """File, line and key are named, and what is to be written instead."""
    with pytest.raises(JobError) as caught:
        load(tmp_path, schedule)
    assert words.partition(": ")[2] in str(caught.value)
    assert re.match(r"job\.yaml:\d+: schedule", str(caught.value))


@pytest.mark.prefect
class TestYear:
    """O20: a simulated year of Prefect's scheduler, in a zone whose clock goes forward and back."""

    def test_o20_every_day_has_its_nightly_run(self) -> None:
        """Half past two comes 365 times: an hour earlier where it does not exist, and once where it comes twice."""
        found = slots("30 2 * * *")
        assert len(found) == 365
        assert len({each.date() for each in found}) == 365
        assert local_times(found, 3, 28) == ["01:30"]
        assert local_times(found, 10, 31) == ["02:30"]
        assert [each.utcoffset() for each in found if (each.month, each.day) == (10, 31)] == [timedelta(hours=2)]

    def test_o20_an_hourly_run_pauses_once_a_year(self) -> None:
        """Every hour of the year has its run but the one that the clock shows for the second time."""
        found = slots("30 * * * *")
        hours = {each.astimezone(UTC) for each in found}
        wanted = {datetime(2027, 1, 1, 0, 30, tzinfo=UTC) + timedelta(hours=number) for number in range(8760)}
        assert len(found) == len(hours) == 8759
        assert wanted - hours == {datetime(2027, 10, 31, 1, 30, tzinfo=UTC)}

    def test_o20_what_comes_every_hour_never_pauses(self, tmp_path: Path) -> None:
        """`every` counts time that passes, whatever clocks show; it counts from one moment for all deployments."""
        from prefect.client.schemas.schedules import IntervalSchedule
        from prefect.server.schemas.schedules import IntervalSchedule as Schedule

        made = prefect_schedule(load_job(write_job(tmp_path, {**REST, "schedule": {"every": "1h"}}), {}))
        assert made is not None
        assert isinstance(made.schedule, IntervalSchedule)
        schedule = Schedule.model_validate(made.schedule.model_dump())
        start = datetime(2027, 10, 30, 12, tzinfo=UTC)
        found = schedule._get_dates_generator(start=start, end=start + timedelta(hours=47))
        assert [each.astimezone(UTC) for each in found] == [start + timedelta(hours=number) for number in range(48)]


def slots(cron: str) -> list[datetime]:
    """List when runs begin in Berlin in 2027, asked month by month as the scheduler asks for what is next."""
    from prefect.server.schemas.schedules import CronSchedule

    schedule = CronSchedule(cron=cron, timezone=BERLIN.key)
    start, end = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
    found: set[datetime] = set()
    while start < end:
        until = start + timedelta(days=30)
        found |= {each.astimezone(UTC) for each in schedule._get_dates_generator(start=start, end=until)}
        start = until
    return [each.astimezone(BERLIN) for each in sorted(found) if each < end]


def local_times(found: list[datetime], month: int, day: int) -> list[str]:
    """Tell what clocks show when the runs of a day begin."""
    return [f"{each:%H:%M}" for each in found if (each.month, each.day) == (month, day)]
