"""The commands that help to begin: a draft of a job, a demo, and servers to try it on."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flows.command.option import JobFile


class SandboxSystem(StrEnum):
    """The systems that have a sandbox; a test holds them against the sandboxes' own catalogue."""

    VALOMNIA = "valomnia"
    KEYPRO = "keypro"
    JTL = "jtl"
    TRADEVEST = "tradevest"


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


def demo(
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where to put job, customers and ledger; a new folder by default.")
    ] = None,
    ui: Annotated[
        bool,
        typer.Option(
            "--ui",
            help="With a Prefect server of its own: look at the runs in its UI until Ctrl-C; then all is gone.",
        ),
    ] = False,
) -> None:
    """See it work: a sandbox target, sample customers with faults in them, three runs and what became of everyone."""
    if ui:
        from flows.demo_ui import show_demo_ui

        show_demo_ui(folder)
        return
    from flows.demo import show_demo

    show_demo(folder)


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
