"""The commands that check a job and carry it out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from flows.command.opening import load, open_ledger
from flows.command.option import AsJson, JobFile, NoPrefect, State
from flows.command.output import print_json, whoever_listens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.job import Job
    from flows.ledger.history import RejectEntry
    from flows.selection import Selection
    from flows.summary import Summary
    from mappings.system import System


def run(  # noqa: PLR0917 - typer's options are parameters
    job_file: JobFile,
    state: State = None,
    as_json: AsJson = False,
    full: Annotated[
        bool, typer.Option("--full", help="Read the source from its beginning, not from the watermark on.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Read what was updated since; UTC without a zone. Partial."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="Stop after so many records. Partial.")
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            "--only", metavar="REFERENCE", help="Take this one customer, and try it now, without Prefect. Partial."
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Say what a run would do, without Prefect: nothing is sent, and nothing is written. What the target"
            " itself would refuse is not known then.",
        ),
    ] = False,
    no_prefect: NoPrefect = False,
    rekey: Annotated[
        bool, typer.Option("--rekey", help="Take over a new ledger key; sends everything once more.")
    ] = False,
) -> None:
    """Sync once: extract, check, map, compare, send what changed, and account for every customer.

    A partial run leaves the watermark alone and concludes nothing from customers that it did not meet.
    """
    from flows import report, shell
    from flows.checkup import refuse_wrong_job
    from flows.document import JobError
    from flows.selection import Selection
    from flows.state import state_first

    selection = Selection.of(full=full, since=since, limit=limit, only=only, dry_run=dry_run)
    if dry_run and rekey:
        raise JobError("--rekey takes over a key, and --dry-run writes nothing; choose one")
    job = load(job_file)
    refuse_wrong_job(job, selection)
    if dry_run:
        _rehearse(job, selection, state, as_json=as_json)
    console = report.console(stderr=True)
    summary = None
    if not no_prefect and not rekey and only is None and shell.prefect_is_configured(os.environ):
        with state_first(state):  # the flow is handed the job's name alone: an address can hold a password
            summary = shell.run_with_prefect(job, console, selection)
        if summary is None:
            console.print("Prefect did not begin the run; it goes on here without Prefect", style="yellow")
    if summary is None:
        summary = _run_here(job, selection, state, rekey=rekey)
    _end(summary, as_json=as_json)


def replay(
    job_file: JobFile,
    code: Annotated[
        str | None, typer.Option("--code", metavar="CODE", help="Only customers with an open reject of this code.")
    ] = None,
    state: State = None,
    as_json: AsJson = False,
    no_prefect: NoPrefect = False,
) -> None:
    """Read the rejected and the deferred customers again from the source, and try them now, whatever their pauses.

    They go through today's mapping. Who is no longer in the source has the reject closed. The watermark stays.
    """
    from flows import report, shell
    from flows.checkup import refuse_wrong_job
    from flows.ledger.inspection import refuse_missing
    from flows.selection import Selection
    from flows.state import find_ledger, state_first

    selection = Selection.of_replay(code)
    job = load(job_file)
    refuse_missing(find_ledger(job, state, os.environ).url)
    refuse_wrong_job(job, selection)
    summary = None
    if not no_prefect and shell.prefect_is_configured(os.environ):
        from flows.replay import run_flow

        console = report.console(stderr=True)
        with state_first(state):
            summary = run_flow(job.path, console, selection)
        if summary is None:
            console.print("Prefect did not begin the replay; it goes on here without Prefect", style="yellow")
    _end(summary or _run_here(job, selection, state), as_json=as_json)


def _run_here(job: Job, selection: Selection, state: str | None, *, rekey: bool = False) -> Summary:
    from flows import report, shell

    ledger = open_ledger(job, state, rekey=rekey)
    try:
        return shell.run_in_process(job, ledger, report.console(stderr=True), selection=selection)
    finally:
        ledger.close()


def _rehearse(job: Job, selection: Selection, state: str | None, *, as_json: bool) -> NoReturn:
    """Go the whole way to the target's door, and show what would have become of everybody."""
    from flows import report, shell
    from flows.ledger.history import History
    from flows.rehearsal import open_rehearsal
    from flows.run import now
    from mappings.system import load_system

    ledger = open_rehearsal(job, os.environ, now, state)
    try:
        summary = shell.run_in_process(job, ledger, report.console(stderr=True), selection=selection)
        rejects = History(ledger).rejects(job.job, int(summary.run_id))
    finally:
        ledger.close()
    _end(summary, rejects, load_system(job.target.kind), as_json=as_json)


def _end(
    summary: Summary, rejects: Sequence[RejectEntry] = (), system: System | None = None, *, as_json: bool
) -> NoReturn:
    """Tell how a run ended, and end with its exit code; of a dry run, whose rejects are in no ledger, tell them too."""
    from flows import report

    if summary.message:
        report.console(stderr=True).print(summary.message, style="red", markup=False, soft_wrap=True)
    with whoever_listens():
        if as_json:
            found = {"findings": report.reject_groups(rejects, system)} if system is not None else {}
            print_json({**summary.as_json(), **found})
        else:
            report.console().print(report.summary(summary))
            if rejects and system is not None:
                report.console().print(report.rejects(rejects, system))
    raise typer.Exit(int(summary.exit_code))


def check(job_file: JobFile, state: State = None, as_json: AsJson = False) -> None:
    """Check all that can be checked without writing: the job, the source and its first page, the ledger, the target."""
    from flows import report
    from flows.checkup import check_job, show

    checks = check_job(job_file, state, os.environ)
    if as_json:
        print_json({"job": str(job_file), "checks": [item.as_json() for item in checks]})
    else:
        report.console().print(show(checks))
    raise typer.Exit(max((int(item.exit_code) for item in checks), default=0))
