"""Sees that there is a work pool for a deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

PROCESS = "process"


async def ensure_pool(client: PrefectClient, name: str) -> bool:
    """Make a work pool whose workers start processes, unless there is one of this name; says whether it was made."""
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
    from prefect.workers.process import ProcessWorker

    try:
        await client.read_work_pool(name)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        wanted = WorkPoolCreate(
            name=name, type=PROCESS, base_job_template=template, description="Workers that run Rollcall's jobs."
        )
        try:
            await client.create_work_pool(wanted)
        except ObjectAlreadyExists:  # somebody else made it just now
            return False
        return True
    return False
