"""Sees to it that all workers of a migration have one ledger, on whatever machines they are."""

from __future__ import annotations

import os

from flows.document import JobError
from flows.job import Job
from flows.ledger.engine import parse_url
from flows.ledger.inspection import open_if_there
from flows.ledger.ledger import Ledger
from flows.state import find_ledger, open_ledger


def refuse_local_ledger(job: Job, cluster: str | None, given: str | None = None) -> None:
    """Raise JobError where a cluster's workers could not have the job's ledger, for it is a file."""
    if cluster is None:
        return
    url = parse_url(find_ledger(job, given, os.environ).url)
    if url.get_backend_name() == "sqlite":
        raise JobError(
            "--cluster: its workers write to the ledger as well, and a file cannot be theirs:"
            " name a ledger in PostgreSQL (ledger.url, or ROLLCALL_STATE for all of them)"
        )


def open_shared_ledger(job: Job) -> Ledger:
    """Open the ledger of a migration that is under way; raises JobError where there is none here, and makes none."""
    reader = open_if_there(find_ledger(job, None, os.environ).url)
    if reader is None:
        raise JobError(
            "this worker has another ledger than its migration:"
            " name the same one to both (ledger.url or ROLLCALL_STATE)"
        )
    reader.close()
    return open_ledger(job, os.environ)
