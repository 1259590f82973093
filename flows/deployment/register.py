"""Registers a job's flows as deployments; done again it changes what has changed, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flows.block import BlockName, BlockReference
from flows.deployment.api import connected, ui_address
from flows.deployment.block import find_ledger_block, register_types, save_ledger
from flows.deployment.catalogue import ENTRIES, Entry
from flows.deployment.order import Order
from flows.deployment.pool import ensure_pool
from flows.deployment.schedule import SLUG, prefect_schedule
from flows.state import KEY

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.responses import DeploymentResponse

# Two runs of a job never overlap, whoever starts them: the ledger's lease sees to that. Prefect's limit spares it the
# newcomers, which would only end at once. 60 seconds is the least that Prefect takes for a run to come from its start
# to its first sign of life; a run that is killed together with its worker holds its place longer (docs/operator.md).
LIMIT, GRACE_SECONDS = 1, 60


@dataclass(frozen=True, slots=True)
class Deployed:
    """One deployment as it now stands."""

    id: UUID
    name: str
    scheduled: bool
    paused: bool

    @property
    def url(self) -> str:
        """Its page in the UI."""
        return f"{ui_address()}/deployments/deployment/{self.id}"


@dataclass(frozen=True, slots=True)
class Registration:
    """What was registered, made and kept."""

    deployments: tuple[Deployed, ...]
    made_pool: bool = False
    block: BlockName | None = None
    left_block: BlockName | None = None  # of an earlier deployment; nobody needs it now


async def make_types_known() -> None:
    """Register our types of blocks; raises ApiError."""
    async with connected() as client:
        await register_types(client)


async def register(order: Order, *, served: bool = False) -> Registration:
    """Register each flow of the table for the job, for a work pool or to be served from here; raises ApiError."""
    async with connected() as client:
        made, block, left = False, None, None
        if not served:
            made = await ensure_pool(client, order.wish.pool)
            if order.variables and order.wish.keeps_block:
                kept = {name: value for name, value in order.variables.items() if name != KEY}
                block = await save_ledger(
                    client, order.name, url=next(iter(kept.values()), None), key=order.variables.get(KEY)
                )
        environment = _references(order, block) if block is not None else {}
        if block is None:
            left = await find_ledger_block(client, order.name)
            left = None if left in order.blocks else left
        deployed = [await _deploy(client, order, entry, environment, served=served) for entry in ENTRIES]
    return Registration(tuple(deployed), made, block, left)


async def begin(registration: Registration) -> None:
    """Ask for a run, now, of what has a schedule; raises ApiError."""
    async with connected() as client:
        for each in registration.deployments:
            if each.scheduled:
                await client.create_flow_run_from_deployment(each.id)


async def rest(registration: Registration) -> None:
    """Pause what was registered; raises ApiError."""
    async with connected() as client:
        for each in registration.deployments:
            await client.pause_deployment(each.id)


async def is_known(registration: Registration) -> bool:
    """Say whether what was registered still is: a server may come back with another database; raises ApiError."""
    from prefect.exceptions import ObjectNotFound

    async with connected() as client:
        try:
            for each in registration.deployments:
                await client.read_deployment(each.id)
        except ObjectNotFound:
            return False
    return True


async def is_active(order: Order, entry: Entry) -> bool:
    """Say whether a flow's schedule runs, or would where it has none yet; raises ApiError."""
    async with connected() as client:
        return _was_active(await _read(client, f"{entry.name}/{order.name}"))


def _references(order: Order, block: BlockName) -> dict[str, str]:
    """Hand a worker the ledger's address and key by name: it looks them up when it starts a run."""
    return {name: str(BlockReference(block, "key" if name == KEY else "url")) for name in order.variables}


async def _deploy(
    client: PrefectClient, order: Order, entry: Entry, environment: dict[str, str], *, served: bool
) -> Deployed:
    from prefect.client.schemas.actions import DeploymentUpdate

    before = await _read(client, f"{entry.name}/{order.name}")
    schedule = prefect_schedule(order.job, active=_was_active(before)) if entry.scheduled else None
    paused = order.wish.paused
    made = await client.create_deployment(
        flow_id=await client.create_flow_from_name(entry.name),
        name=order.name,
        entrypoint=entry.entrypoint,
        schedules=[schedule] if schedule is not None else [],
        paused=bool(paused) if served else paused,  # who stops serving pauses it, so that nothing piles up meanwhile
        work_pool_name=None if served else order.wish.pool,
        job_variables={"env": environment} if environment else {},
        pull_steps=[],
        **details(order, entry),
    )
    if served and before is not None and before.work_pool_name:
        # Else a worker of that pool would run it beside us.
        await client.update_deployment(made, DeploymentUpdate(work_pool_name=None, work_queue_name=None))
    now = await client.read_deployment(made)
    return Deployed(made, f"{entry.name}/{order.name}", schedule is not None, now.paused)


def details(order: Order, entry: Entry) -> dict[str, Any]:
    """Give what a deployment says of itself, and how its runs keep out of each other's way."""
    from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions

    return {
        "description": order.description(scheduled=entry.scheduled),
        "tags": list(order.tags),
        "parameters": parameters(order, entry),
        "parameter_openapi_schema": entry.form(),
        "enforce_parameter_schema": True,
        "concurrency_limit": LIMIT,
        "concurrency_options": ConcurrencyOptions(
            collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW, grace_period_seconds=GRACE_SECONDS
        ),
    }


def parameters(order: Order, entry: Entry) -> dict[str, Any]:
    """Give what a flow is called with where nobody says otherwise; a source without key ranges is one partition."""
    whole = {"partitions": 1} if entry.divides and not order.divisible else {}
    return {"job": str(order.job.path)} | whole


async def _read(client: PrefectClient, name: str) -> DeploymentResponse | None:
    from prefect.exceptions import ObjectNotFound

    try:
        return await client.read_deployment_by_name(name)
    except ObjectNotFound:
        return None


def _was_active(before: DeploymentResponse | None) -> bool:
    """Say whether the schedule runs; one that somebody has switched off in the UI stays so."""
    schedules = before.schedules if before is not None else []
    return all(each.active for each in schedules if each.slug == SLUG)
