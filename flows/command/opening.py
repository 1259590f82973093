"""Opens what a command works on: the job file, and the ledger that belongs to it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.job import Job
    from flows.ledger.inspection import Reader
    from flows.ledger.ledger import Ledger


def load(job_file: Path) -> Job:
    """Load a job file with this process's environment; raises JobError."""
    from flows.job import load_job

    return load_job(job_file, os.environ)


def open_ledger(job: Job, state: str | None, *, rekey: bool = False) -> Ledger:
    """Open a job's ledger to write to, and make it where there is none; raises JobError."""
    from flows.state import open_ledger

    return open_ledger(job, os.environ, state, rekey=rekey)


def job_and_ledger(job_file: Path | None, state: str | None) -> tuple[Job | None, Reader]:
    """Load the job, if one is named, and open its ledger to read from it; who only reads makes none."""
    from flows.document import JobError
    from flows.ledger.inspection import is_missing, open_to_read
    from flows.state import find_ledger, is_named

    job = load(job_file) if job_file else None
    url = find_ledger(job, state, os.environ).url
    if is_missing(url):
        named = job or is_named(job, state, os.environ)
        advice = "a run makes it" if named else "name a job file or a ledger (--state)"
        raise JobError(f"there is no ledger {url.removeprefix('sqlite:///')}; {advice}")
    return job, open_to_read(url)
