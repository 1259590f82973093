"""Turns a job's schedule into Prefect's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flows.document import JobError

if TYPE_CHECKING:
    from prefect.client.schemas.actions import DeploymentScheduleCreate

    from flows.job import Job

_ANCHOR = datetime(2020, 1, 1, tzinfo=UTC)  # one for all times: else each deployment would begin the count anew
SLUG = "job"  # by which a schedule is known again when the job is deployed once more


def prefect_schedule(job: Job, *, active: bool = True) -> DeploymentScheduleCreate | None:
    """Make the schedule of a job, None where it has none; raises JobError for what Prefect does not take.

    Prefect reads a cron line by the clock on the wall. Where an hour is left out in spring, what falls into it comes an
    hour earlier; where an hour comes twice in autumn, the first one counts. So each day has its nightly run, and an
    hourly one pauses for two hours once a year.
    """
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule

    wanted = job.schedule
    if wanted is None:
        return None
    try:
        if wanted.cron is not None:
            schedule: CronSchedule | IntervalSchedule = CronSchedule(cron=wanted.cron, timezone=wanted.timezone)
        else:
            schedule = IntervalSchedule(interval=timedelta(seconds=wanted.every or 0), anchor_date=_ANCHOR)
    except ValueError:
        raise JobError(f"{job.path.name}: schedule: Prefect does not take {wanted}") from None
    return DeploymentScheduleCreate(schedule=schedule, active=active, slug=SLUG)
