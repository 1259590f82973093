"""Makes the source and the target that a job names; each kind's library is loaded for it alone."""

from __future__ import annotations

from connectors.csv_file import CsvSettings, CsvSource
from connectors.database import DatabaseSettings
from connectors.gate import Gate
from connectors.protocol import Source, Target
from connectors.valomnia import ValomniaSourceSettings, ValomniaTarget
from flows.job import Job
from flows.plan import Plan


def make_source(plan: Plan) -> Source:
    """Make the job's source; one that can choose reads just the columns that the job needs."""
    settings = plan.job.source
    match settings:
        case CsvSettings():
            return CsvSource(settings, plan.job.folder)
        case DatabaseSettings():
            from connectors.database.source import DatabaseSource

            return DatabaseSource(settings, plan.job.folder, plan.source_columns)
        case ValomniaSourceSettings():
            from connectors.valomnia.source import ValomniaSource

            return ValomniaSource(settings)


def make_target(job: Job) -> tuple[Target, Gate]:
    """Make the job's target and the gate that paces it."""
    settings = job.target
    return ValomniaTarget(settings), Gate(concurrency=settings.concurrency, rate=settings.rate)
