"""The whole path in half a minute: a sandbox target, sample customers with faults, three runs, and what came of it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from rich.console import Console

from connectors.sandbox.server import running
from connectors.sandbox.valomnia.setting import ValomniaSettings
from connectors.sandbox.valomnia.vendor import valomnia_app
from flows import report
from flows.job import Job, load_job
from flows.ledger.history import History
from flows.ledger.ledger import Ledger
from flows.run import now
from flows.sample import correct_sample, write_sample
from flows.shell import run_in_process
from flows.state import find_ledger
from flows.summary import Summary
from mappings.system import load_system


def show_demo(folder: Path | None) -> None:
    """Run the demo and print what happened; the folder keeps job, customers and ledger, the server ends with it."""
    out = report.console()
    place = Path(tempfile.mkdtemp(prefix="rollcall-demo-")) if folder is None else folder
    write_sample(place)
    with running(valomnia_app(ValomniaSettings())) as base_url:
        job = load_job(place / "job.yaml", {**os.environ, "DEMO_URL": base_url, "DEMO_PASSWORD": "sandbox"})
        ledger = Ledger.open(find_ledger(job, None, {}).url, os.environ, now)
        try:
            _three_runs(job, ledger, place, out)
        finally:
            ledger.close()
    out.print()
    out.print(f"The job, the customers and the ledger stay in [bold]{place}[/bold]. Look around:")
    out.print(f"  rollcall rejects --state sqlite:///{place / 'rollcall.db'}", style="cyan")
    out.print(f"  rollcall runs --state sqlite:///{place / 'rollcall.db'}", style="cyan")


def _three_runs(job: Job, ledger: Ledger, place: Path, out: Console) -> None:
    out.rule("[bold]1. First run: twelve customers, six of them with something wrong")
    out.print(f"{place / 'customers.csv'} goes into a sandbox of Valomnia's API, as {place / 'job.yaml'} says.")
    _run(job, ledger, out)
    out.print("Nothing is dropped silently. This is why some were stopped or refused, in the target's own words:")
    out.print(report.rejects(History(ledger).rejects(job.job), load_system(job.target.kind)))

    out.rule("[bold]2. Again, with nothing changed")
    out.print("What the target has confirmed costs no request; what it refused waits, with a growing pause.")
    _run(job, ledger, out)

    out.rule("[bold]3. Two customers corrected, one changed")
    correct_sample(place)
    out.print("C-1006 got a name, C-1007 an e-mail address that is one, and C-1003 moved.")
    _run(job, ledger, out)

    out.rule("[bold]One customer's story")
    out.print("What rollcall why tells of C-1006:")
    out.print(report.story(History(ledger).story(job.job, "C-1006"), load_system(job.target.kind)))


def _run(job: Job, ledger: Ledger, out: Console) -> Summary:
    summary = run_in_process(job, ledger, report.console(stderr=True))
    out.print(report.summary(summary))
    out.print()
    return summary
