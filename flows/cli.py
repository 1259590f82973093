"""The command line: names, options and help; every command's work is imported when it is called."""

from __future__ import annotations

import io
import json
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from flows.job import Job
    from flows.ledger.inspection import Reader
    from flows.ledger.ledger import Ledger

app = typer.Typer(
    name="rollcall",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,  # a traceback with local variables shows customers and secrets
    help="Move customers from one business system to another, and account for every single one.\n\n"
    "Start with [bold]rollcall demo[/bold].",
    epilog="Exit codes: 0 all accounted for and no rejects, 3 completed with rejects, 1 a system failed,"
    " 2 the job or the command is wrong, 4 stopped by a guard, 5 another run of this job is under way.",
)


class SandboxSystem(StrEnum):
    """The systems that have a sandbox; a test holds them against the sandboxes' own catalogue."""

    VALOMNIA = "valomnia"
    KEYPRO = "keypro"
    JTL = "jtl"
    TRADEVEST = "tradevest"


JobFile = Annotated[Path, typer.Argument(metavar="JOB.yaml", help="The job file.", show_default=False)]
OptionalJobFile = Annotated[
    Path | None, typer.Argument(metavar="[JOB.yaml]", help="The job file; without it --state says which ledger.")
]
State = Annotated[
    str | None,
    typer.Option(
        "--state",
        metavar="URL",
        envvar="ROLLCALL_STATE",
        help="The ledger, any SQLAlchemy URL; by default rollcall.db beside the job file.",
        show_default=False,
        show_envvar=True,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, and all else to standard error.")]


@app.command(epilog="Example: rollcall run crm.yaml --since 2026-11-20T08:00+01:00 --json")
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
    no_prefect: Annotated[
        bool, typer.Option("--no-prefect", help="Run in this process though Prefect is set up.")
    ] = False,
    rekey: Annotated[
        bool, typer.Option("--rekey", help="Take over a new ledger key; sends everything once more.")
    ] = False,
) -> None:
    """Sync once: extract, check, map, compare, send what changed, and account for every customer.

    A partial run leaves the watermark alone and concludes nothing from customers that it did not meet.
    """
    from flows import report, shell
    from flows.checkup import refuse_wrong_job
    from flows.run import state_url
    from flows.selection import Selection

    selection = Selection.of(full=full, since=since, limit=limit, only=only)
    job = _load(job_file)
    refuse_wrong_job(job, selection)
    console = report.console(stderr=True)
    if state:
        os.environ["ROLLCALL_STATE"] = state  # the flow is handed the job's name alone: an address can hold a password
    summary = None
    if not no_prefect and not rekey and only is None and shell.prefect_is_configured(os.environ):
        summary = shell.run_with_prefect(job, console, selection)
        if summary is None:
            console.print("Prefect did not begin the run; it goes on here without Prefect", style="yellow")
    if summary is None:
        ledger = _open(state_url(job, state, os.environ), rekey=rekey)
        try:
            summary = shell.run_in_process(job, ledger, console, selection=selection)
        finally:
            ledger.close()
    if summary.message:
        console.print(summary.message, style="red", markup=False, soft_wrap=True)
    with _whoever_listens():
        if as_json:
            _print_json(summary.as_json())
        else:
            report.console().print(report.summary(summary))
    raise typer.Exit(int(summary.exit_code))


@app.command(epilog="Example: rollcall check crm.yaml")
def check(job_file: JobFile, state: State = None, as_json: AsJson = False) -> None:
    """Check all that can be checked without writing: the job, the source and its first page, the ledger, the target."""
    from flows import report
    from flows.checkup import check_job, show

    checks = check_job(job_file, state, os.environ)
    if as_json:
        _print_json({"job": str(job_file), "checks": [item.as_json() for item in checks]})
    else:
        report.console().print(show(checks))
    raise typer.Exit(max((int(item.exit_code) for item in checks), default=0))


@app.command(epilog="Example: rollcall rejects crm.yaml --csv rejects.csv")
def rejects(
    job_file: OptionalJobFile = None,
    run: Annotated[int | None, typer.Option("--run", metavar="ID", help="Those of this run, open or not.")] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write one line per finding to this file.")
    ] = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Show open rejects grouped by code and field, with cause and advice."""
    from flows import report
    from flows.export import reject_lines, write_rejects
    from flows.ledger.history import History
    from mappings.system import load_system

    job, ledger = _job_and_ledger(job_file, state)
    try:
        entries = History(ledger).rejects(job.job if job else None, run)
    finally:
        ledger.close()
    system = load_system(job.target.kind if job else "valomnia")
    if csv is not None:
        count = write_rejects(csv, entries)
        report.console(stderr=True).print(f"{count} lines written to {csv}")
    if as_json:
        groups = report.reject_groups(entries, system)
        _print_json({"customers": len(entries), "groups": groups, "rejects": list(reject_lines(entries))})
    elif csv is None:
        report.console().print(report.rejects(entries, system))


@app.command(epilog="Example: rollcall runs crm.yaml --limit 5")
def runs(
    job_file: OptionalJobFile = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, newest first.")] = 20,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Show the runs with their counts, newest first."""
    from flows import report
    from flows.ledger.history import History

    job, ledger = _job_and_ledger(job_file, state)
    try:
        rows = History(ledger).runs(job.job if job else None, limit)
    finally:
        ledger.close()
    if as_json:
        _print_json({"runs": rows})
    else:
        report.console().print(report.runs(rows))


@app.command(epilog="Example: rollcall why crm.yaml C-10443")
def why(
    job_file: JobFile,
    reference: Annotated[
        str, typer.Argument(metavar="REFERENCE", help="The customer's reference.", show_default=False)
    ],
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Tell one customer's story: every run that met it, what was decided, sent and answered."""
    from dataclasses import asdict

    from flows import report
    from flows.document import JobError
    from flows.ledger.history import History
    from mappings.reference import normal_text
    from mappings.system import load_system

    job, ledger = _job_and_ledger(job_file, state)
    assert job is not None
    try:
        case = load_system(job.target.kind).reference_case
        told = History(ledger).story(job.job, normal_text(reference, case))
    finally:
        ledger.close()
    if not told.known:
        raise JobError(f"the ledger of {job.job} has never met a customer with this reference")
    if as_json:
        _print_json(asdict(told))
    else:
        report.console().print(report.story(told, load_system(job.target.kind)))


@app.command(epilog="Example: rollcall init crm.yaml --write")
def init(
    job_file: JobFile,
    write: Annotated[bool, typer.Option("--write", help="Append the fields to the job file.")] = False,
) -> None:
    """Propose the fields of a job that names its source and target, from the columns that the source has."""
    from flows.draft import draft_fields

    draft = draft_fields(job_file, os.environ)
    if write:
        draft.write()
    else:
        sys.stdout.write(draft.text)
    report = f"{len(draft.fields)} fields proposed for {draft.target.label}"
    left = len(draft.missing) + len(draft.rivals)
    typer.echo(f"{report}; {left} left to you" if left else report, err=True)


@app.command(epilog="Example: rollcall demo --folder demo")
def demo(
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where to put job, customers and ledger; a new folder by default.")
    ] = None,
) -> None:
    """See it work: a sandbox target, sample customers with faults in them, three runs and what became of everyone."""
    from flows.demo import show_demo

    show_demo(folder)


@app.command(epilog="Example: rollcall sandbox valomnia --latency 50 --faults '{\"rate_limit\": 20}'")
def sandbox(
    system: Annotated[SandboxSystem, typer.Argument(metavar="SYSTEM", help="Whose.", show_default=False)],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8081,
    latency: Annotated[
        int | None, typer.Option("--latency", min=0, metavar="MS", help="Wait so long before each answer.")
    ] = None,
    faults: Annotated[
        str, typer.Option("--faults", metavar="JSON", help="What shall go wrong, as POST /sandbox/faults takes it.")
    ] = "{}",
) -> None:
    """Serve a vendor's customers on 127.0.0.1 until Ctrl-C, as its documentation says; it prints what a job needs."""
    from flows.sandbox import serve_sandbox

    serve_sandbox(system, port, latency, faults)


def _load(job_file: Path) -> Job:
    from flows.job import load_job

    return load_job(job_file, os.environ)


def _open(url: str, *, rekey: bool = False) -> Ledger:
    from flows.ledger.ledger import Ledger
    from flows.run import now

    return Ledger.open(url, os.environ, now, rekey=rekey)


def _job_and_ledger(job_file: Path | None, state: str | None) -> tuple[Job | None, Reader]:
    """Load the job, if one is named, and open its ledger to read from it; who only reads makes none."""
    from flows.document import JobError
    from flows.ledger.inspection import is_missing, open_to_read
    from flows.run import state_url

    job = _load(job_file) if job_file else None
    url = state_url(job, state, os.environ) if job else state or "sqlite:///rollcall.db"
    if is_missing(url):
        advice = "a run makes it" if job or state else "name a job file or a ledger (--state)"
        raise JobError(f"there is no ledger {url.removeprefix('sqlite:///')}; {advice}")
    return job, open_to_read(url)


@contextmanager
def _whoever_listens() -> Iterator[None]:
    """Tell how a run ended; where nobody reads it any more, its exit code still does."""
    try:
        yield
        sys.stdout.flush()
    except (OSError, SystemExit):  # rich exits on a broken pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_json(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def main() -> None:
    """Run the command line; every failure ends in one clear message and the exit code of its kind."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without a tick gets a question mark, not a failure
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # a warning from a converter may carry a customer's value
    try:
        app()
    except SystemExit as end:
        if end.code and "--json" in sys.argv and not isinstance(end.__context__, typer.Exit):  # a wrong command line
            _print_json({"status": "failed", "message": str(end.__context__), "exit_code": end.code})
        raise
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last line: nothing may print a value
        from flows.failure import explain_failure

        code, text = explain_failure(error)
        if "--json" in sys.argv:
            _print_json({"status": "failed", "message": text, "exit_code": int(code)})
        from rich.console import Console

        Console(stderr=True, highlight=False, soft_wrap=True).print(text, style="red", markup=False)
        sys.exit(int(code))
