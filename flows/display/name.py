"""Names flow runs and page tasks by what they are about: job, moment and numbers, never a customer."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from prefect.runtime import flow_run

from flows.phrase import counted

_JOB = re.compile(r"""^job:\s*["']?([^"'#\n]*?)["']?\s*(?:#.*)?$""", re.MULTILINE)
_FILLED_IN = re.compile(r"\$\{|\{\{")  # a variable or a block, which only loading the job fills in
_LONGEST = 100


def flow_run_name() -> str:
    """Name the flow run that begins: its job and the moment, in UTC."""
    return f"{job_name(Path(str(flow_run.parameters.get('job', 'job'))))} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"


def job_name(path: Path) -> str:
    """Read a job's name from its file, without loading it; a file that does not say it outright has its own name."""
    try:
        found = _JOB.search(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    name = found.group(1).strip() if found else ""
    is_known = name and name.isprintable() and not _FILLED_IN.search(name)
    return name[:_LONGEST] if is_known else path.stem


def span_name(page: int, before: int, records: int) -> str:
    """Name what a page holds: of the source's own pages the records, counted through the run."""
    if page < 1:
        return f"{counted(records, 'customer')} due again"
    if records <= 1:
        return f"record {before + 1:,}" if records else "no record"
    return f"records {before + 1:,}-{before + records:,}"


def artifact_key(job: str, part: str) -> str:
    """Make the key under which a job's artifacts of one kind stand together; Prefect takes a-z, 0-9 and dashes."""
    key = re.sub(r"[^a-z0-9]+", "-", job.lower()).strip("-")
    return f"{key or 'job'}-{part}"
