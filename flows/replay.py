"""The flow `replay-rejects`: tries rejected and deferred customers of a job again; it decides nothing itself."""

# Without `from __future__ import annotations`: Prefect reads the parameters' annotations where it cannot resolve names.
from functools import partial
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from rich.console import Console

from flows.checkup import refuse_wrong_job
from flows.display.hosting import host, run_hosted
from flows.display.name import flow_run_name
from flows.run import run_job
from flows.selection import Selection
from flows.summary import Summary


@flow(name="replay-rejects", flow_run_name=flow_run_name, persist_result=False, retries=0, log_prints=False)
async def replay_rejects(job: str, code: str | None = None) -> State[Any]:
    """Read the customers with open rejects and the deferred ones again from the source, and try them now.

    `code` takes only those with an open reject of this code. The watermark stays where it is.
    """
    select = partial(Selection.of_replay, code)  # what makes no sense is told like a wrong job
    return await host(
        Path(job),
        lambda made, ledger, watch: run_job(made, ledger, watch, selection=select()),
        lambda made: refuse_wrong_job(made, select()),
    )


def run_flow(path: Path, console: Console, selection: Selection) -> Summary | None:
    """Run the flow from the shell; raises and gives what `run_hosted` does."""
    return run_hosted(partial(replay_rejects, str(path), selection.code, return_state=True), console)
