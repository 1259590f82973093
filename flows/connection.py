"""Makes the source and the target that a job names."""

from __future__ import annotations

from typing import cast

from connectors.delivery.gate import Gate
from connectors.protocol import Source, Target
from connectors.settings import Surroundings
from flows.connector import connector
from flows.plan import Plan
from mappings.system import System


def make_source(plan: Plan) -> Source:
    """Make the job's source; one that can choose reads just the columns that the job needs."""
    settings = plan.job.source
    return cast("Source", connector(settings.kind).make_source(settings, _surroundings(plan, plan.source_system)))


def make_target(plan: Plan) -> tuple[Target, Gate]:
    """Make the job's target and the gate that paces it."""
    settings = plan.job.target
    target = cast("Target", connector(settings.kind).make_target(settings, _surroundings(plan, plan.system)))
    return target, Gate(concurrency=settings.concurrency, rate=settings.rate)


def _surroundings(plan: Plan, system: System | None) -> Surroundings:
    return Surroundings(plan.job.folder, plan.source_columns, system.properties if system is not None else {})
