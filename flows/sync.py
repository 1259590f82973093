"""The flow `sync-customers`: one run of a job file; it decides nothing itself."""

# Without `from __future__ import annotations`: Prefect reads the parameters' annotations where it cannot resolve names.
import os
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field
from rich.console import Console

from connectors.moment import moment_text
from flows.checkup import refuse_wrong_job
from flows.display.hosting import host, run_hosted
from flows.display.name import flow_run_name
from flows.rehearsal import open_rehearsal
from flows.run import now, run_job
from flows.selection import Selection
from flows.state import open_ledger
from flows.summary import Summary


@flow(name="sync-customers", flow_run_name=flow_run_name, persist_result=False, retries=0, log_prints=False)
async def sync_customers(
    job: Annotated[str, Field(description="The job file, as the worker finds it.")],
    *,
    full: Annotated[bool, Field(description="Read the source from its beginning, not from the watermark on.")] = False,
    since: Annotated[
        str | None, Field(description="Read what was updated since this time; UTC without a zone. Partial.")
    ] = None,
    limit: Annotated[int | None, Field(ge=1, description="Stop after so many records. Partial.")] = None,
    dry_run: Annotated[bool, Field(description="Only say what a run would do: nothing is sent or written.")] = False,
) -> State[Any]:
    """Run the job file once. Its ledger is the job's own, ROLLCALL_STATE, or rollcall.db beside the job file.

    A partial run moves no watermark, and concludes nothing from customers that it did not meet.
    """
    # what makes no sense is told like a wrong job
    select = partial(Selection.of, full=full, since=since, limit=limit, dry_run=dry_run)
    return await host(
        Path(job),
        lambda made, ledger, watch: run_job(made, ledger, watch, selection=select()),
        lambda made: refuse_wrong_job(made, select()),
        lambda made: open_rehearsal(made, os.environ, now) if dry_run else open_ledger(made, os.environ),
    )


def run_flow(path: Path, console: Console, selection: Selection) -> Summary | None:
    """Run the flow from the shell; raises and gives what `run_hosted` does."""
    since = moment_text(selection.since) if selection.since else None
    start = partial(sync_customers, str(path), full=selection.full, since=since, limit=selection.limit)
    return run_hosted(partial(start, return_state=True), console)
