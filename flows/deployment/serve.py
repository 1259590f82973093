"""Serves a job's deployments from this process, for a machine without workers."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

from flows.deployment.api import ApiError, connected
from flows.deployment.catalogue import ENTRIES, Entry
from flows.deployment.order import Order
from flows.deployment.presence import Presence, tell
from flows.deployment.register import (
    GRACE_SECONDS,
    LIMIT,
    Registration,
    begin,
    is_active,
    is_known,
    parameters,
    register,
    rest,
)
from flows.deployment.schedule import prefect_schedule

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment
    from prefect.runner import Runner

# A run that is stopped ends within ten seconds, and the runner looks every three. All of it takes 15 at most.
_STOP_SECONDS = 11
_PAUSE_SECONDS = 1.5


def serve(order: Order, *, at_once: bool = False) -> None:
    """Start the runs of registered deployments as they come due, each in a process of its own, until Ctrl-C.

    A run under way is then asked to end: it settles what it has in flight, Prefect calls it cancelled, and the next run
    goes on from there. The schedules are paused, so that nothing piles up while nobody serves. With `at_once`, a sync
    does not wait for its hour. While Prefect's API is away no run begins; raises ApiError where it is away at first.
    """
    os.environ.update(order.variables)  # for the processes of the runs; Prefect is told none of it
    asyncio.run(_serve(order, at_once=at_once))


async def _serve(order: Order, *, at_once: bool) -> None:
    from prefect.runner import _scheduled_run_poller

    from flows.display.calm import keep_calm

    keep_calm(_scheduled_run_poller)
    stop, presence = asyncio.Event(), Presence()
    service: _Service | None = None
    while not stop.is_set():
        try:
            service = await _Service.open(order, at_once=at_once and service is None)
        except ApiError:
            if service is None:  # the first time, and nothing has been promised yet
                raise
        else:
            await _run(service, stop, presence)
        _heed(stop)
        await presence.until_back(stop)
    if service is not None:
        await _rest(service.registration, presence)
    presence.close()


class _Service:
    """A runner, and what is registered for it."""

    def __init__(self, order: Order, runner: Runner, registration: Registration) -> None:
        self._order = order
        self.runner = runner
        self.registration = registration

    @classmethod
    async def open(cls, order: Order, *, at_once: bool) -> _Service:
        """Make a runner that knows the deployments, which stand registered in full; raises ApiError."""
        from prefect.runner import Runner

        # The schedules are paused by us, within a time.
        runner = Runner(name=f"rollcall {order.name}", pause_on_shutdown=False)
        service = cls(order, runner, await _introduce(order, runner))
        if at_once:
            await begin(service.registration)
        return service

    async def renew(self) -> None:
        """Register what Prefect's API does not know any more; raises ApiError."""
        if not await is_known(self.registration):
            self.registration = await _introduce(self._order, self.runner)


async def _introduce(order: Order, runner: Runner) -> Registration:
    for entry in ENTRIES:
        made = _deployment(order, entry, active=await is_active(order, entry))
        async with connected():
            await runner.aadd_deployment(made)
    return await register(order, served=True)  # what the runner's own way of registering leaves out


async def _run(service: _Service, stop: asyncio.Event, presence: Presence) -> None:
    """Let the runner work until it is stopped, or breaks."""
    running = asyncio.create_task(service.runner.start())
    await asyncio.sleep(0)  # the runner sets a handler as it begins, which would end this process in mid-sentence
    _heed(stop)
    others = [asyncio.create_task(stop.wait()), asyncio.create_task(presence.watch(service.renew))]
    try:
        await asyncio.wait([running, *others], return_when=asyncio.FIRST_COMPLETED)
        broke = running.done()
        await _end(service.runner, running, presence)
    finally:
        for each in others:
            each.cancel()
    if broke and (error := running.exception()) is not None and await presence.look():
        raise error


async def _end(runner: Runner, running: asyncio.Task[None], presence: Presence) -> None:
    """Ask each run under way to end, which settles what it has in flight; nobody is waited for longer than a while."""
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            if runner.started and not running.done():
                await runner.astop()
            if presence.there:  # else it would only wait for answers that do not come
                await asyncio.wait([running])
    except TimeoutError:
        pass
    if not running.done():
        running.cancel()
        await asyncio.wait([running], timeout=_PAUSE_SECONDS)


def _heed(stop: asyncio.Event) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)


async def _rest(registration: Registration, presence: Presence) -> None:
    """Pause the schedules, or say that it could not be done."""
    try:
        async with asyncio.timeout(_PAUSE_SECONDS if presence.there else 0):
            await rest(registration)
    except (ApiError, TimeoutError):
        tell("The schedule could not be paused: what comes due waits until the job is served or deployed again.")


def _deployment(order: Order, entry: Entry, *, active: bool) -> RunnerDeployment:
    """Say again what was registered: a runner takes only what it registers itself."""
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.deployments.runner import RunnerDeployment
    from prefect.types.entrypoint import EntrypointType

    schedule = prefect_schedule(order.job, active=active) if entry.scheduled else None
    return RunnerDeployment.from_flow(
        entry.load(),
        order.name,
        schedules=[schedule] if schedule is not None else None,
        paused=bool(order.wish.paused),
        parameters=parameters(order, entry),
        description=order.description(scheduled=entry.scheduled),
        tags=list(order.tags),
        concurrency_limit=ConcurrencyLimitConfig(
            limit=LIMIT, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW, grace_period_seconds=GRACE_SECONDS
        ),
        enforce_parameter_schema=True,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
