"""The commands that look into a ledger; they change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.command.opening import job_and_ledger
from flows.command.option import AsJson, JobFile, OptionalJobFile, State
from flows.command.output import print_json


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

    job, ledger = job_and_ledger(job_file, state)
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
        print_json({"customers": len(entries), "groups": groups, "rejects": list(reject_lines(entries))})
    elif csv is None:
        report.console().print(report.rejects(entries, system))


def runs(
    job_file: OptionalJobFile = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, newest first.")] = 20,
    partitions: Annotated[
        bool, typer.Option("--partitions", help="Show the runs of each migration's partitions beneath it.")
    ] = False,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Show the runs with their counts, newest first; a migration is one of them."""
    from flows import report
    from flows.ledger.history import History

    job, ledger = job_and_ledger(job_file, state)
    try:
        rows = History(ledger).runs(job.job if job else None, limit, partitions=partitions)
    finally:
        ledger.close()
    if as_json:
        print_json({"runs": rows})
    else:
        report.console().print(report.runs(rows))


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

    job, ledger = job_and_ledger(job_file, state)
    assert job is not None
    try:
        case = load_system(job.target.kind).reference_case
        told = History(ledger).story(job.job, normal_text(reference, case))
    finally:
        ledger.close()
    if not told.known:
        raise JobError(f"the ledger of {job.job} has never met a customer with this reference")
    if as_json:
        print_json(asdict(told))
    else:
        report.console().print(report.story(told, load_system(job.target.kind)))
