"""The arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

JobFile = Annotated[Path, typer.Argument(metavar="JOB.yaml", help="The job file.", show_default=False)]
OptionalJobFile = Annotated[
    Path | None, typer.Argument(metavar="[JOB.yaml]", help="The job file; without it --state says which ledger.")
]
State = Annotated[
    str | None,
    typer.Option(
        "--state",
        metavar="URL",
        # ROLLCALL_STATE is read elsewhere: the job's own ledger comes between the two.
        help="The ledger, any SQLAlchemy URL; else the job's ledger.url, ROLLCALL_STATE, or rollcall.db beside it.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, and all else to standard error.")]
NoPrefect = Annotated[bool, typer.Option("--no-prefect", help="Run in this process though Prefect is set up.")]
