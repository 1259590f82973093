"""Runs a job in this process."""

from __future__ import annotations

import asyncio
from pathlib import Path

from flows.job import load_job
from flows.run import run_job
from flows.state import open_ledger
from flows.summary import Summary
from flows.watch import Watch


def run_here(path: Path, watch: Watch | None = None) -> Summary:
    """Run the job in this process."""
    job = load_job(path, {})
    ledger = open_ledger(job, {})
    try:
        return asyncio.run(run_job(job, ledger, watch or Watch()))
    finally:
        ledger.close()
