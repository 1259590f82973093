"""The command that migrates a source once, in partitions."""

from __future__ import annotations

import os
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.command.opening import load, open_ledger
from flows.command.option import AsJson, JobFile, NoPrefect, State
from flows.command.output import print_json, whoever_listens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from flows.job import Job
    from flows.ledger.difference import Difference
    from flows.summary import Summary


class Runner(StrEnum):
    """What runs partitions."""

    THREADS = "threads"
    DASK = "dask"


def migrate(  # noqa: PLR0917 - typer's options are parameters
    job_file: JobFile,
    partitions: Annotated[
        int, typer.Option("--partitions", metavar="N", min=1, max=1000, help="Divide the source into N key ranges.")
    ] = 8,
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", min=1, max=256, help="Work on N partitions at a time.")
    ] = 4,
    runner: Annotated[
        Runner, typer.Option("--runner", help="What runs partitions: threads of this process, or Dask (with Prefect).")
    ] = Runner.THREADS,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="ADDRESS", help="A Dask scheduler; without it, workers on this machine."),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify/--no-verify", help="Compare source and target afterwards, customer by customer.")
    ] = True,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write one line per difference found to this file.")
    ] = None,
    state: State = None,
    as_json: AsJson = False,
    no_prefect: NoPrefect = False,
) -> None:
    """Migrate the whole source once, several key ranges at a time, and compare source and target afterwards.

    The partitions share the target's concurrency and rate. One that was interrupted is gone on with:
    nobody who was confirmed is sent again.
    """
    from flows import report, shell
    from flows.deployment.api import ApiError
    from flows.document import JobError
    from flows.migration.checkup import refuse_wrong_migration
    from flows.migration.sharing import refuse_local_ledger
    from flows.state import state_first
    from flows.summary import ExitCode

    job = load(job_file)
    refuse_wrong_migration(job, partitions)
    if csv is not None and not os.access(csv.absolute().parent, os.W_OK):
        raise JobError(f"{csv}: no file can be written there")
    refuse_local_ledger(job, cluster, state)
    console = report.console(stderr=True)
    with_prefect = not no_prefect and shell.prefect_is_configured(os.environ)
    if runner is Runner.DASK and not with_prefect:
        raise JobError("--runner dask works through Prefect: set PREFECT_API_URL (`prefect server start`)")
    summary = None
    if with_prefect:
        from flows.migrate import run_flow

        options = {"partitions": partitions, "workers": workers, "runner": runner.value}
        with state_first(state):
            summary = run_flow(job.path, console, **options, cluster=cluster, verify=verify)
        if summary is None and runner is Runner.DASK:
            raise ApiError("Prefect did not begin the migration; nothing was done")
        if summary is None:
            console.print("Prefect did not begin the migration; it goes on here without Prefect", style="yellow")
    if summary is None:
        summary = _migrate_here(job, state, console, partitions=partitions, workers=workers, verify=verify)
    found = _noted(job, state, summary, console)
    if summary.message:
        console.print(summary.message, style="red", markup=False, soft_wrap=True)
    with whoever_listens():
        if as_json:
            print_json({**summary.as_json(), "differences": [asdict(each) for each in found]})
        else:
            _show(summary, found)
    code = summary.exit_code
    if csv is not None and not _write(csv, summary, found, console):
        code = code or ExitCode.FAILED
    raise typer.Exit(int(code))


def _noted(job: Job, state: str | None, summary: Summary, console: Console) -> list[Difference]:
    """List the differences that the ledger has; where it is gone, the figures are told all the same."""
    from flows.document import JobError
    from flows.ledger.difference import differences_of
    from flows.ledger.knowledge import LedgerError

    try:
        ledger = open_ledger(job, state)
        try:
            return differences_of(ledger, int(summary.run_id))
        finally:
            ledger.close()
    except (JobError, LedgerError) as error:
        console.print(f"the differences cannot be listed: {error}", style="yellow", markup=False, soft_wrap=True)
        return []


def _show(summary: Summary, found: Sequence[Difference]) -> None:
    from flows import report
    from flows.migration.report import verification

    report.console().print(report.summary(summary))
    if summary.verification is not None:
        report.console().print(verification(summary.verification, found))


def _write(file: Path, summary: Summary, found: Sequence[Difference], console: Console) -> bool:
    """Write the differences to a file, or say why not; gives whether it went as it should."""
    from flows.document import JobError
    from flows.migration.report import write_differences
    from flows.phrase import counted

    if summary.verification is None and not found:
        console.print(f"source and target were not compared: {file} is not written", style="yellow")
        return True
    try:
        count = write_differences(file, found)
    except JobError as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        return False
    console.print(f"{counted(count, 'difference')} written to {file}")
    return True


def _migrate_here(job: Job, state: str | None, console: Console, *, workers: int, **course: Any) -> Summary:
    from flows import shell
    from flows.migration.thread import threads
    from flows.migration.whole import Course, migrate

    ledger = open_ledger(job, state)
    try:
        return shell.watch_in_process(
            job,
            console,
            lambda watch: migrate(
                job,
                ledger,
                watch,
                Course(threads(job, lambda: open_ledger(job, state), workers, watch.on_notice), **course),
            ),
        )
    finally:
        ledger.close()
